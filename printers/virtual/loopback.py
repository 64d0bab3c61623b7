"""A connection in memory, delivered on a clock's turns: real protocols meet without sockets."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet import error
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IAddress)
class Here:
    """Nowhere but in this process."""

    def __repr__(self) -> str:
        return "in memory"


@implementer(IStreamClientEndpoint)
class LoopbackEndpoint:
    """Connects to `server`'s protocols; refused when it builds none."""

    def __init__(self, clock: IReactorTime, server: IProtocolFactory) -> None:
        self._clock = clock
        self._server = server

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        served = self._server.buildProtocol(Here())
        client = protocolFactory.buildProtocol(Here()) if served else None
        if served is None or client is None:
            return fail(error.ConnectionRefusedError("refused"))
        near, far = End(self._clock, client), End(self._clock, served)
        near.peer, far.peer = far, near
        served.makeConnection(cast(ITransport, far))
        client.makeConnection(cast(ITransport, near))
        return succeed(client)


class End:
    """One end's transport."""

    peer: End
    disconnecting = False

    def __init__(self, clock: IReactorTime, protocol: IProtocol) -> None:
        self._clock = clock
        self._protocol = protocol
        self.arrived = bytearray()
        self.paused = False
        self._over: Failure | None = None  # why it ends once all that arrived is read
        self._ended = False

    # --- ITransport

    def write(self, data: bytes) -> None:
        if not self._ended and not self.disconnecting:
            self.peer.arrived += data
            self._soon(self.peer.deliver)

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.disconnecting = True
            self.peer.end(Failure(error.ConnectionDone()))
            self.end(Failure(error.ConnectionDone()))

    def abortConnection(self) -> None:
        self.peer.arrived.clear()
        self.peer.paused = False
        self.paused = False
        self.peer.end(Failure(error.ConnectionAborted()))
        self.end(Failure(error.ConnectionAborted()))

    def getPeer(self) -> Here:
        return Here()

    def getHost(self) -> Here:
        return Here()

    # --- IPushProducer: the reading side

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        if self.paused:
            self.paused = False
            self._soon(self.deliver)

    def stopProducing(self) -> None:
        self.loseConnection()

    def _soon(self, work: Any) -> None:
        self._clock.callLater(0, work)

    def end(self, why: Failure) -> None:
        self._over = self._over or why
        self._soon(self.deliver)

    def deliver(self) -> None:
        if self._ended or self.paused:
            return
        if self.arrived and not self.disconnecting:
            data = bytes(self.arrived)
            self.arrived.clear()
            self._protocol.dataReceived(data)
        if self._over is not None and not self.arrived:
            self._ended = True
            self._protocol.connectionLost(self._over)
