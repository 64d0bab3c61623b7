"""One FastAGI connection: what Asterisk says of the call, then one command and its answer at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from gateway.asterisk.fastagi.words import Answer, answer, command
from gateway.asterisk.role import HungUp

#: Asterisk says all it knows of a call at once: within so many seconds, and in so many lines.
INTRODUCED_WITHIN, MOST_LINES = 5.0, 120
#: Seconds that a command may take which plays and waits for nothing.
PROMPTLY = 10.0


class Session(LineOnlyReceiver):
    """`on_call` is told once Asterisk has introduced the call, `on_gone` when the connection ends."""

    delimiter = b"\n"
    MAX_LENGTH = 4096

    def __init__(
        self,
        reactor: IReactorTime,
        *,
        on_call: Callable[[Session], None],
        on_gone: Callable[[Session], None],
    ) -> None:
        self._reactor = reactor
        self._on_call = on_call
        self._on_gone = on_gone
        self._introduced = False
        self._lines = 0
        self._usage = False  # in the middle of a 520 of many lines
        self._waiting: Deferred[Answer] | None = None
        self._late: IDelayedCall | None = None
        self.gone = False
        self.env: dict[str, str] = {}

    def connectionMade(self) -> None:
        self._late = self._reactor.callLater(INTRODUCED_WITHIN, self.abort)

    def lineReceived(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        if not self._introduced:
            self._introduce(text)
        elif text.startswith("HANGUP"):
            self._hung_up()
        elif re.match(r"\d{3}[ -]", text):
            self._answered(text)
        elif not self._usage:
            self.abort()  # Asterisk says nothing else

    def lineLengthExceeded(self, line: bytes) -> None:
        self.abort()

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        self._on_time()
        self._hung_up()
        self._on_gone(self)

    def abort(self) -> None:
        """End the connection now; Asterisk goes on in its dialplan."""
        transport: Any = self.transport
        transport.abortConnection()

    def close(self) -> None:
        """End it once what was said has left."""
        transport: Any = self.transport
        transport.loseConnection()

    async def tell(self, name: str, *arguments: str, timeout: float = PROMPTLY) -> Answer:
        """The answer to one command.

        Raises HungUp when the caller is gone, or when Asterisk does not answer within `timeout` seconds
        (then the connection is cut); Unsayable before anything is sent.
        """
        said = command(name, *arguments)
        if self.gone:
            raise HungUp
        assert self._waiting is None, "one command at a time"
        waiting: Deferred[Answer] = Deferred()
        self._waiting = waiting
        self.sendLine(said)
        late = self._reactor.callLater(timeout, self.abort)
        try:
            reply = await waiting
        except CancelledError:
            self.abort()  # whose answer comes next would not be known
            raise
        finally:
            self._waiting = None
            if late.active():
                late.cancel()
        if reply.code == 511:
            self.gone = True
            raise HungUp
        return reply

    def _introduce(self, line: str) -> None:
        self._lines += 1
        if self._lines > MOST_LINES:
            self.abort()
        elif line:
            name, _, value = line.partition(": ")
            self.env.setdefault(name, value)  # a caller's text comes late and overrides nothing
        else:
            self._introduced = True
            self._on_time()
            self._on_call(self)

    def _on_time(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()

    def _answered(self, line: str) -> None:
        # "520-Invalid command syntax. ..." goes on over many lines, to "520 End of proper usage."
        self._usage = line[3] == "-"
        if not self._usage and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.callback(answer(line))

    def _hung_up(self) -> None:
        self.gone = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(HungUp())
