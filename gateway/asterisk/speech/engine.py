"""The engine that turns words into sound: a command of the site's, without a shell, never waited for long."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from gateway.asterisk.speech.settings import SpeechSettings

_LARGEST = 32_000_000  # bytes of sound, six minutes at 44 kHz: more is an engine gone wild


class EngineFailed(Exception):
    """The engine gave no sound; the message says why and holds nothing of the text."""


class Engine:
    """Runs the site's command for one text at a time per call; a role of its own for tests."""

    def __init__(self, settings: SpeechSettings, *, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor

    def words(self, text: str, language: str, *, speed: int) -> list[str]:
        """The command with its blanks filled in."""
        voice = self._settings.voices.get(language, language)
        return [w.format(voice=voice, speed=speed, text=text) for w in self._settings.command]

    def sound(self, text: str, language: str, *, speed: int) -> Deferred[bytes]:
        """What the command put out. Fails with EngineFailed."""
        words = self.words(text, language, speed=speed)
        program = shutil.which(words[0])
        if program is None:
            return Deferred.fromCoroutine(_missing(words[0]))
        heard: Deferred[bytes] = Deferred()
        hidden = any("{text}" in word for word in self._settings.command)
        run = _Run(heard, b"" if hidden else text.encode() + b"\n")
        run.limit = self._reactor.callLater(self._settings.timeout, run.too_long)
        self._spawn(run, program, words)
        return heard

    def _spawn(self, run: _Run, program: str, words: Sequence[str]) -> None:
        # Nothing of our own environment but what finds programs and speaks UTF-8.
        env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": "/"}
        try:
            self._reactor.spawnProcess(run, program, words, env=env, path="/")
        except OSError as error:
            run.end(EngineFailed(f"{words[0]}: {error.strerror}"))


async def _missing(program: str) -> bytes:
    raise EngineFailed(f"{program} is not installed")


class _Run(ProcessProtocol):
    """One start of the engine."""

    def __init__(self, heard: Deferred[bytes], text: bytes) -> None:
        self._heard = heard
        self._text = text
        self._sound: list[bytes] = []
        self._size = 0
        self.limit: Any = None

    def connectionMade(self) -> None:
        assert self.transport is not None
        if self._text:
            self.transport.write(self._text)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= _LARGEST:
            self._sound.append(data)
        else:
            self._cut("too much sound")

    def errReceived(self, data: bytes) -> None:
        """It may quote the text: not for a log."""

    def too_long(self) -> None:
        self._cut("took too long")

    def processEnded(self, reason: Failure) -> None:
        if reason.check(ProcessDone) is None:
            code = getattr(reason.value, "exitCode", None)
            self.end(EngineFailed("was killed" if code is None else f"ended with code {code}"))
        else:
            self.end(b"".join(self._sound))

    def end(self, result: bytes | Exception) -> None:
        """Tell once."""
        if self.limit is not None and self.limit.active():
            self.limit.cancel()
        if not self._heard.called:
            if isinstance(result, Exception):
                self._heard.errback(result)
            else:
                self._heard.callback(result)

    def _cut(self, why: str) -> None:
        self.end(EngineFailed(why))
        if self.transport is not None and self.transport.pid:
            self.transport.signalProcess("KILL")
