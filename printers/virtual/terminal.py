"""Where trouble is typed: standard input, and a line-based control endpoint."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

Talk = Callable[[str], str]  # a line of words in, what to answer out


class Words(LineOnlyReceiver):
    """One line in, one answer out: lines, the last of them "ok", a status, or "error: …"."""

    delimiter = b"\n"
    MAX_LENGTH = 1024

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(self._talk(line.decode("utf-8", "replace")).encode())


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
        self._talk = talk
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
            sys.stdout.write(self._talk(line.decode("utf-8", "replace")) + "\n")
        sys.stdout.flush()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor stops."""

    def logPrefix(self) -> str:
        return "keyboard"
