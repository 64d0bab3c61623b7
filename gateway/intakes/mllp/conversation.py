"""One sender's connection: its bytes, its time and the room it may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Protocol as Role

from OpenSSL import SSL
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.hl7 import Fault, Frame, Framer
from gateway.intakes.mllp.exchange import Clerk, Exchange
from gateway.intakes.mllp.patience import Patience
from gateway.tls import common_name

#: Senders that leave out the CR after FS wait for their answer: no more comes after this, seconds.
SETTLE = 0.25
#: A connection that is being closed and does not read its last answers is cut after this, seconds.
GOODBYE = 3.0


class Host(Clerk, Role):
    """The intake, as its conversations need it."""

    reactor: IReactorTime

    def holds(self, more: int) -> bool: ...
    def trouble(self, conversation: Conversation, what: str) -> None: ...
    def well(self, conversation: Conversation) -> None: ...
    def began(self, conversation: Conversation) -> None: ...
    def ended(self, conversation: Conversation) -> None: ...


@implementer(IPushProducer, IHalfCloseableProtocol, IHandshakeListener)
class Conversation(Protocol):
    """Reads no faster than its answers leave: what is held of a sender is bounded by the settings."""

    transport: Any  # set by Twisted; a TCP or TLS transport

    def __init__(
        self, host: Host, peer: str, *, longest: int, at_once: int, patience: Patience
    ) -> None:
        self._host = host
        self._patience = patience
        self._framer = Framer(limit=longest)
        self._exchange = Exchange(
            host,
            peer,
            longest=longest,
            at_once=at_once,
            write=self._write,
            moved=self._steer,
            trouble=lambda what: host.trouble(self, what),
            cut=self.abort,
        )
        self._counted = 0  # bytes of the unfinished frame that the host knows of
        self._reading = True
        self._clogged = False  # it does not read our answers
        self._closing = False
        self._leaving = False
        self._gone = False
        self._timers: dict[str, IDelayedCall] = {}

    @property
    def peer(self) -> str:
        """Its address, and the name in its certificate when one was asked for."""
        return self._exchange.peer

    def finish(self) -> None:
        """Read no more, answer what came, and close."""
        self._closing = True
        self._steer()

    def abort(self) -> None:
        self.transport.abortConnection()

    # -- Twisted's side

    def connectionMade(self) -> None:
        self._host.began(self)
        self.transport.registerProducer(self, True)
        if self._secure:
            self._patience.inside(self._now())  # the handshake is bounded too
        self._wait()

    def handshakeCompleted(self) -> None:
        """TLS is up; the sender's certificate, when one is asked for, has been checked."""
        self._patience.outside()
        certificate = self.transport.getPeerCertificate()
        if certificate is not None:
            self._exchange.peer = f"{self.peer} {common_name(certificate)}".rstrip()

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            return
        self._patience.heard(self._now())
        found = self._framer.feed(data)
        if found:
            self._take(found)
        if self._framer.in_frame:
            self._unfinished()
        else:
            self._patience.outside()
            self._count(0)

    def readConnectionLost(self) -> None:
        """The sender has no more to say, and may still listen."""
        if self._leaving:
            self.transport.loseConnection()
        else:
            self._settle()
            self.finish()

    def writeConnectionLost(self) -> None:
        """Our side has ended, as `_close` asked."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """What it sent whole is still taken in: it may have sent and not waited."""
        self._gone = True
        if reason.check(SSL.Error):
            self._host.trouble(self, "TLS failed: no certificate, or none that we trust")
        self._count(0)
        for name in tuple(self._timers):
            self._cancel(name)
        self._host.ended(self)

    def pauseProducing(self) -> None:
        self._clogged = True
        self._steer()

    def resumeProducing(self) -> None:
        self._clogged = False
        self._steer()

    def stopProducing(self) -> None:
        """The connection is gone: `connectionLost` follows."""

    @property
    def _secure(self) -> bool:
        return bool(ISSLTransport.providedBy(self.transport))

    def _write(self, frames: bytes) -> None:
        if not self._gone:
            self.transport.write(frames)

    # -- its bytes

    def _take(self, found: list[Frame | Fault]) -> None:
        self._patience.outside()
        if any(isinstance(item, Frame) for item in found):
            self._patience.whole()
            self._host.well(self)
        elif found:
            self._patience.strange(self._now())
            self._wait()
        self._exchange.take(found)

    def _unfinished(self) -> None:
        """Part of a frame is here: it may be its whole, or begin one that never ends."""
        self._patience.inside(self._now())
        self._cancel("settle")
        if self._framer.unsettled:
            self._later("settle", SETTLE, self._settle)
        self._wait()
        self._count(self._framer.pending)

    def _settle(self) -> None:
        self._take(self._framer.settle())
        if not self._framer.in_frame:
            self._count(0)

    # -- its room

    def _steer(self) -> None:
        """Read while there is room; close once all is answered and no more is wanted."""
        if self._gone:
            return
        self._closing = self._closing or self._exchange.over
        if self._closing and not self._exchange.unanswered:
            self._close()
            return
        reading = not (self._closing or self._clogged or self._exchange.full)
        if reading is self._reading:
            return
        self._reading = reading
        if reading:
            self._patience.pardon(self._now())
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    def _count(self, pending: int) -> None:
        more, self._counted = pending - self._counted, pending
        if more and not self._host.holds(more) and more > 0:
            self._host.trouble(self, "too much unfinished from all senders together")
            self.abort()

    def _close(self) -> None:
        if self._leaving:
            return
        self._leaving = True
        self._later("goodbye", GOODBYE, self.abort)
        self.transport.unregisterProducer()
        tcp = ITCPTransport.providedBy(self.transport) and not self._secure
        if self._exchange.over and tcp:
            # It may still be sending. Closed on unread bytes, TCP resets the connection and our last
            # answer is lost with it: so say goodbye, and let the rest run through unread.
            self.transport.loseWriteConnection()
            self.transport.resumeProducing()
        else:
            self.transport.loseConnection()

    # -- its time

    def _now(self) -> float:
        return self._host.reactor.seconds()

    def _wait(self) -> None:
        """Look again when patience ends; an earlier look does no harm."""
        until = self._patience.until
        waiting = self._timers.get("patience")
        if waiting is not None and waiting.active() and waiting.getTime() <= until:
            return
        self._cancel("patience")
        self._later("patience", max(0.0, until - self._now()), self._look)

    def _look(self) -> None:
        if self._exchange.unanswered and not self._clogged:
            self._patience.pardon(self._now())
        if self._now() < self._patience.until:
            self._wait()
            return
        self._host.trouble(self, self._patience.reason)
        self.finish()

    def _later(self, name: str, delay: float, work: Callable[[], object]) -> None:
        self._timers[name] = self._host.reactor.callLater(delay, work)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()
