"""Real engines: a program that is slow, wild or missing, and espeak-ng where it is installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from twisted.internet import reactor
from twisted.internet.process import reapAllProcesses
from twisted.internet.task import LoopingCall

from gateway.asterisk.speech import recordings, wave
from gateway.asterisk.speech.engine import Engine, EngineFailed
from gateway.asterisk.speech.settings import SpeechSettings
from tests.unit.asterisk.sound import samples


def settings(program: str, *, timeout: str = "10s", text: bool = False) -> SpeechSettings:
    words = (sys.executable, "-c", program, *(("{text}",) if text else ()))
    return SpeechSettings(command=words, timeout=timeout)


async def sound(engine, text, language="fr", *, speed=100):
    """As in the service, where the reactor hears of every process that ends (here: by asking)."""
    asking = LoopingCall(reapAllProcesses)
    asking.start(0.02)
    try:
        return await engine.sound(text, language, speed=speed)
    finally:
        asking.stop()


ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"


async def test_the_text_comes_in_and_the_sound_out():
    engine = Engine(settings(ECHO), reactor=reactor)
    assert await sound(engine, "six é") == "six é\n".encode()


async def test_a_text_among_the_words_is_never_read_by_a_shell():
    program = "import sys; sys.stdout.write(repr(sys.argv[1:]))"
    engine = Engine(settings(program, text=True), reactor=reactor)
    assert await sound(engine, "$(id); `id` 'a") == repr(["$(id); `id` 'a"]).encode()


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import time; time.sleep(60)", "took too long"),
        ("import sys; sys.exit(3)", "ended with code 3"),
        ("import os; os.kill(os.getpid(), 9)", "was killed"),
    ],
)
async def test_an_engine_that_fails_says_why_in_time(program, why):
    with pytest.raises(EngineFailed, match=why):
        await sound(Engine(settings(program, timeout="1s"), reactor=reactor), "x")


async def test_an_engine_that_is_not_there():
    engine = Engine(SpeechSettings(command=("no-such-engine",)), reactor=reactor)
    with pytest.raises(EngineFailed, match="no-such-engine is not installed"):
        await sound(engine, "x")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_espeak_speaks_and_slower_is_slower(language):
    engine = Engine(SpeechSettings(), reactor=reactor)
    text = "potassium: six virgule huit millimoles par litre"
    normal, slow = [
        wave.telephone(await sound(engine, text, language, speed=speed)) for speed in (145, 105)
    ]
    heard = np.array(samples(normal), float)
    assert 2 < wave.seconds(normal) < 8
    assert wave.seconds(slow) > 1.15 * wave.seconds(normal)
    assert np.sqrt((heard**2).mean()) > 1000
    assert np.abs(heard).max() < 32_000


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_recording_of_ours_is_heard(language):
    for prompt in recordings.read(language, recordings.HOME).phrases.values():
        heard = np.array(samples(Path(f"{prompt}.wav").read_bytes()), float)
        assert 0.3 < len(heard) / 8000 < 5
        assert np.sqrt((heard**2).mean()) > 600
        assert np.abs(heard).max() < 32_000
