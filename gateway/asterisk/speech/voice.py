"""Says a text: by recordings where there are some, else by the engine; what it rendered is kept a while."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog
from twisted.internet.defer import Deferred, DeferredSemaphore

from gateway.asterisk.role import Prompt
from gateway.asterisk.speech import number, wave
from gateway.asterisk.speech.engine import EngineFailed
from gateway.asterisk.speech.lexicon import Lexicon
from gateway.asterisk.speech.recordings import Recordings
from gateway.asterisk.speech.settings import SpeechSettings
from gateway.service import Aside, at_once, spawn

log = structlog.get_logger()

#: Sounds hold patients' names and values: none is kept longer than this (seconds).
KEPT = 86_400.0
#: Engines that run at once: one call must not wait for another's long report, nor take the machine.
AT_ONCE = 2


class Speaker(Protocol):
    """What makes sound of words: `engine.Engine`."""

    def words(self, text: str, language: str, *, speed: int) -> list[str]: ...

    def sound(self, text: str, language: str, *, speed: int) -> Deferred[bytes]: ...


@dataclass(frozen=True, slots=True)
class Said:
    """What to play for a text. `whole` False: the engine failed, and the text itself is not in it."""

    prompts: tuple[Prompt, ...]
    whole: bool = True


class Voice:
    """The telephone's voice in every language; the only place that keeps sounds."""

    def __init__(
        self,
        settings: SpeechSettings,
        engine: Speaker,
        *,
        lexicons: Mapping[str, Lexicon],
        recordings: Mapping[str, Recordings],
        cache: Path,
        now: Callable[[], float],
        aside: Aside = at_once,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._lexicons = lexicons
        self._recordings = recordings
        self._cache = cache
        self._now = now
        self._aside = aside
        self._turns = DeferredSemaphore(AT_ONCE)
        self._rendering: dict[Path, list[Deferred[None]]] = {}
        self._failing = False

    async def say(self, text: str, language: str, *, slowly: bool = False) -> Said:
        """Never fails, and never gives nothing to play: the last resort is "call the laboratory"."""
        said = self._clean(text, language)
        recorded = self._recordings[language].find(said)
        if recorded and not slowly:
            return Said(recorded)
        speed = self._settings.slower if slowly else self._settings.speed
        file = self._file(said, language, speed=speed)
        try:
            if not file.exists():
                await self._rendered(file, said, language, speed=speed)
        except (EngineFailed, wave.Silent, OSError) as error:
            self._failed(error)
            return Said(recorded) if recorded else self._last_resort(language)
        self._failing = False
        return Said((Prompt(str(file.with_suffix(""))),))

    def purge(self, *, before: float) -> int:
        """Forget sounds made before then; returns how many. Touches files: for a thread."""
        gone = 0
        for file in self._cache.glob("*/*.wav"):
            try:
                if file.stat().st_mtime < before:
                    file.unlink()
                    gone += 1
            except FileNotFoundError:
                continue
        return gone

    def _last_resort(self, language: str) -> Said:
        return Said((self._recordings[language].call_lab,), whole=False)

    def _clean(self, text: str, language: str) -> str:
        """No figure, no control character; no option ("-x") and no phonemes ("[[…]]") for the engine."""
        said = number.worded(self._lexicons[language], text)
        said = "".join(c if c.isprintable() else " " for c in re.sub(r"[\[\]{}<>|\\]", " ", said))
        return " ".join(said.split()).lstrip("-. ")

    def _file(self, text: str, language: str, *, speed: int) -> Path:
        words = self._engine.words("", language, speed=speed)
        key = hashlib.sha256(json.dumps([text, language, words]).encode()).hexdigest()
        return (self._cache / key[:2] / f"{key[2:34]}.wav").absolute()

    async def _rendered(self, file: Path, text: str, language: str, *, speed: int) -> None:
        """One rendering of a text at a time, however many wait for it; who hangs up stops nobody's."""
        waiting: Deferred[None] = Deferred()
        waiters = self._rendering.setdefault(file, [])
        waiters.append(waiting)
        if len(waiters) == 1:
            spawn(self._render(file, text, language, speed=speed), "speech")
        await waiting

    async def _render(self, file: Path, text: str, language: str, *, speed: int) -> None:
        failed: Exception | None = None
        try:
            sound = await self._turns.run(self._engine.sound, text, language, speed=speed)
            await self._aside(partial(_keep, file, sound, self._now()))
        except (EngineFailed, wave.Silent, OSError) as error:
            failed = error
        except Exception as error:
            failed = EngineFailed(type(error).__name__)
            raise
        finally:
            for waiting in self._rendering.pop(file):
                if failed is not None:
                    waiting.errback(failed)
                else:
                    waiting.callback(None)

    def _failed(self, error: Exception) -> None:
        """Told once until it works again; the text is in no log."""
        if not self._failing:
            self._failing = True
            log.error("speech engine failed", why=str(error))


def _keep(file: Path, sound: bytes, now: float) -> None:
    """The whole file or none: Asterisk may ask for it at any moment."""
    made = wave.telephone(sound)
    file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    beside = file.with_name(f".{file.stem}.{os.getpid()}")
    beside.write_bytes(made)
    beside.chmod(0o640)  # Asterisk reads them by its group
    os.utime(beside, (now, now))
    beside.replace(file)
