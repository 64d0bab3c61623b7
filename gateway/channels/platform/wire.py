"""One MLLP connection to the platform: frames out, acknowledgements in."""

from __future__ import annotations

from typing import Any
from typing import Protocol as Role

import structlog
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.channels.platform.owed import Flight, Owed
from gateway.errors import Rejected
from gateway.hl7 import Ack, Fault, Frame, Framer, read_ack, wrap

_log = structlog.get_logger()

#: An acknowledgement is short: what is longer is no acknowledgement.
LONGEST_ACK = 2**20
#: Engines that leave out the CR after FS: no more will come after this long, seconds.
SETTLE = 0.25


class Owner(Role):
    """Who holds the connection."""

    def answered(self, wire: Wire, ack: Ack) -> None: ...
    def writable(self, wire: Wire) -> None: ...
    def lost(self, wire: Wire, reason: Failure, *, lasted: float) -> None: ...


@implementer(IPushProducer)
class Wire(Protocol):
    """Stops sending while the platform does not read, so that its buffers never grow here."""

    transport: Any  # set by Twisted; a TCP or TLS transport

    def __init__(self, owner: Owner, *, reactor: IReactorTime) -> None:
        self.owed = Owed()
        self.paused = False
        self._owner = owner
        self._reactor = reactor
        self._framer = Framer(limit=LONGEST_ACK)
        self._settling: IDelayedCall | None = None
        self._ending: IDelayedCall | None = None
        self._foreign = 0
        self._made_at = 0.0

    def send(self, flight: Flight, *, now: float) -> None:
        frame = wrap(flight.raw)
        self.owed.add(flight, now=now)
        self.transport.write(frame)

    def retire(self, *, linger: float) -> None:
        """Listen for late answers a while, unless it does not even read what was sent."""
        if self.paused:
            self.abort()
        else:
            self._ending = self._reactor.callLater(linger, self.abort)

    def foreign(self, ack: Ack) -> None:
        """An answer to nothing we wait for (some engines send CA and later AA): told once."""
        self._foreign += 1
        if self._foreign == 1:
            _log.warning("platform.foreign_ack", control_id=ack.control_id, code=ack.code)

    def abort(self) -> None:
        self.transport.abortConnection()

    # -- Twisted's side

    def connectionMade(self) -> None:
        self._made_at = self._reactor.seconds()
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self._take(self._framer.feed(data))
        _cancel(self._settling)
        if self._framer.unsettled:
            self._settling = self._reactor.callLater(SETTLE, self._settle)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        _cancel(self._ending)
        _cancel(self._settling)
        self._settle()
        self._owner.lost(self, reason, lasted=self._reactor.seconds() - self._made_at)

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        self._owner.writable(self)

    def stopProducing(self) -> None:
        self.paused = True

    def _settle(self) -> None:
        self._take(self._framer.settle())

    def _take(self, found: list[Frame | Fault]) -> None:
        for item in found:
            if isinstance(item, Frame):
                self._read(item.data)
            else:
                _log.warning("platform.framing", kind=item.kind.value)
                if item.close:
                    self.abort()

    def _read(self, raw: bytes) -> None:
        try:
            ack = read_ack(raw)
        except Rejected as rejected:
            _log.warning("platform.not_an_ack", location=rejected.location)
        else:
            self._owner.answered(self, ack)


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
