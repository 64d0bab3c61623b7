"""Where trouble is typed: standard input, and a line-based control endpoint."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

Talk = Callable[[str], Deferred[str]]  # a line of words in, what to answer out


class Conversation:
    """Answers lines one after the other: each waits until the one before was answered."""

    def __init__(self, talk: Talk, say: Callable[[str], object]) -> None:
        self._talk = talk
        self._say = say
        self._lines: deque[str] = deque()

    def hear(self, line: bytes) -> None:
        self._lines.append(line.decode("utf-8", "replace"))
        if len(self._lines) == 1:
            self._next()

    def _next(self) -> None:
        self._talk(self._lines[0]).addCallback(self._answered)

    def _answered(self, answer: str) -> None:
        self._say(answer)
        self._lines.popleft()
        if self._lines:
            self._next()


class Words(LineOnlyReceiver):
    """One line in, one answer out: lines, the last of them "ok", a status, or "error: …"."""

    delimiter = b"\n"
    MAX_LENGTH = 1024

    def __init__(self, talk: Talk) -> None:
        self._conversation = Conversation(talk, lambda text: self.sendLine(text.encode()))

    def lineReceived(self, line: bytes) -> None:
        self._conversation.hear(line)


class Control(Factory):
    """The control endpoint's protocols."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def buildProtocol(self, addr: object) -> Words:
        return Words(self._talk)


@implementer(IReadDescriptor)
class Keyboard:
    """Lines from standard input, a terminal or a pipe; answers go to standard output.

    Twisted's StandardIO would make the shared terminal non-blocking for the shell as well.
    """

    def __init__(self, reactor: IReactorFDSet, talk: Talk, *, fd: int = 0) -> None:
        self._reactor = reactor
        self._conversation = Conversation(talk, _say)
        self._fd = fd
        self._held = b""

    def start(self) -> None:
        try:
            self._reactor.addReader(self)
        except OSError:  # /dev/null, a file, closed: nobody types there
            return

    def stop(self) -> None:
        self._reactor.removeReader(self)

    def fileno(self) -> int:
        return self._fd

    def doRead(self) -> None:
        if os.isatty(self._fd) and os.tcgetpgrp(self._fd) != os.getpgrp():
            return  # in the background: reading would stop the whole process
        data = os.read(self._fd, 1024)
        if not data:
            self.stop()
            return
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            self._conversation.hear(line)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor stops."""

    def logPrefix(self) -> str:
        return "keyboard"


def _say(answer: str) -> None:
    sys.stdout.write(answer + "\n")
    sys.stdout.flush()
