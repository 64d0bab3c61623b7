"""One connection to a printer: IPP over HTTP/1.1, a question at a time, each stretch with its own limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet import defer, error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IProtocol,
    IPullProducer,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.ipp.address import Address
from gateway.ipp.answer import Answered, Reader
from gateway.ipp.errors import Cut, Nonsense, Trouble, Unreachable, Untrusted
from printers.ipp import Malformed, Packet, decode, encode

_PIECE = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Lengths of time, in seconds."""

    connect: float = 5.0  # for the network, and TLS with it
    answer: float = 10.0  # from the last byte of a question to the whole answer
    stall: float = (
        30.0  # a printer that takes no byte of a document for so long is not there any more
    )


class Wire:
    """Asks a printer, on one connection as long as it lasts. Fills the role `gateway.ipp.printer.Ask`."""

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        address: Address,
        *,
        clock: IReactorTime,
        patience: Patience,
    ) -> None:
        self._endpoint = endpoint
        self._address = address
        self._clock = clock
        self._patience = patience
        self._line: _Line | None = None

    async def __call__(self, question: Packet, document: bytes = b"") -> Packet:
        """The printer's answer. Raises a Trouble."""
        line = await self._connected()
        try:
            answered = await line.ask(self._request(encode(question), document))
        except CancelledError:
            self.close()
            raise
        if not answered.keep:
            self.close()
        if answered.status != 200:
            raise Nonsense(f"HTTP {answered.status}")
        try:
            answer, _ = decode(answered.body)
        except Malformed as fault:
            raise Nonsense(f"no IPP: {fault}") from fault
        if answer.request_id != question.request_id:
            raise Nonsense("the answer to another question")
        return answer

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.hang_up()

    def _request(self, question: bytes, document: bytes) -> bytes:
        # A length, never chunks: a printer that was cut off must be able to tell that it has not all.
        return b"".join(
            (
                f"POST {self._address.path} HTTP/1.1\r\nHost: {self._address.host}:"
                f"{self._address.port}\r\nContent-Type: application/ipp\r\n"
                f"Content-Length: {len(question) + len(document)}\r\n\r\n".encode("ascii"),
                question,
                document,
            )
        )

    async def _connected(self) -> _Line:
        if self._line is not None and not self._line.lost:
            return self._line
        factory = Factory.forProtocol(lambda: _Line(self._clock, self._patience, self._address))
        limit = self._patience.connect
        line: IProtocol | None = None
        try:
            line = await self._endpoint.connect(factory).addTimeout(limit, self._clock)
            assert isinstance(line, _Line)
            await line.ready().addTimeout(limit, self._clock)
        except (CancelledError, Trouble):
            _abandon(line)
            raise
        except (defer.TimeoutError, error.TimeoutError) as silence:
            _abandon(line)
            raise Unreachable("does not answer") from silence
        except (error.ConnectError, OSError) as refusal:
            raise Unreachable(f"cannot connect: {refusal}") from refusal
        self._line = line
        return line


def _abandon(line: IProtocol | None) -> None:
    if isinstance(line, _Line):
        line.hang_up()


@implementer(IPullProducer, IHandshakeListener)
class _Line(Protocol):
    """The bytes of one connection. Nothing is sent before a pinned certificate was seen."""

    transport: Any

    def __init__(self, clock: IReactorTime, patience: Patience, address: Address) -> None:
        self.lost = False
        self._clock = clock
        self._patience = patience
        self._address = address
        self._ready: Deferred[None] = Deferred()
        self._reader = Reader()
        self._left = memoryview(b"")
        self._waiter: Deferred[Answered] | None = None
        self._timer: IDelayedCall | None = None

    def ready(self) -> Deferred[None]:
        """Fires once questions may be asked; fails with Untrusted, or with why the line was lost."""
        return self._ready

    def ask(self, request: bytes) -> Deferred[Answered]:
        """Fails with Cut or Nonsense."""
        waiter = self._waiter = Deferred(lambda _: self.hang_up())
        self._left = memoryview(request)
        self._wait(self._patience.stall, "takes no more")
        self.transport.registerProducer(self, False)
        return waiter

    def hang_up(self) -> None:
        self.lost = True
        self.transport.abortConnection()

    # -- going out

    def resumeProducing(self) -> None:
        """The network took what it was given: give it more."""
        if not self._left:
            self.transport.unregisterProducer()
            if self._waiter is not None:
                self._wait(self._patience.answer, "does not answer")
            return
        piece, self._left = self._left[:_PIECE], self._left[_PIECE:]
        self._wait(self._patience.stall, "takes no more")
        self.transport.write(bytes(piece))

    def stopProducing(self) -> None:
        self._left = memoryview(b"")

    # -- coming in

    def connectionMade(self) -> None:
        if not self._address.secure:
            self._ready.callback(None)

    def handshakeCompleted(self) -> None:
        if self._address.trusts(self.transport.getPeerCertificate()):
            self._ready.callback(None)
            return
        self.hang_up()
        self._ready.errback(Untrusted("its certificate is not the one that is pinned"))

    def dataReceived(self, data: bytes) -> None:
        try:
            answered = self._reader.feed(data)
        except Nonsense as nonsense:
            self._fail(nonsense)
        else:
            if answered is not None:
                self._answered(answered)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        if not self._ready.called:
            self._ready.errback(Unreachable(f"hung up at once: {reason.getErrorMessage()}"))
        try:
            answered = self._reader.end()
        except Nonsense:
            answered = None
        if answered is not None:
            self._answered(answered)
        else:
            self._fail(Cut("the connection was lost"))

    # -- who waits

    def _answered(self, answered: Answered) -> None:
        if self._left:  # an answer before all was sent: the rest is not wanted (413, 401…)
            self._left = memoryview(b"")
            self.hang_up()
        self._end(lambda waiter: waiter.callback(answered))

    def _fail(self, trouble: Trouble) -> None:
        if self._waiter is not None and not self.lost:
            self.hang_up()
        self._end(lambda waiter: waiter.errback(trouble))

    def _end(self, tell: Callable[[Deferred[Answered]], None]) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            tell(waiter)

    def _wait(self, seconds: float, why: str) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._clock.callLater(seconds, self._fail, Cut(why))
