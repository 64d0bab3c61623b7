"""A link between a client and a server that breaks, once, after so many bytes of one direction."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol


class Cutter(Factory):
    """`up` and `down`: bytes to and from the server, over all connections, until it breaks; None never."""

    noisy = False

    def __init__(self, port):
        self.server = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        self.up = self.down = None
        self.cuts = 0
        self.ends = set()

    async def listen(self):
        self.listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(self)
        return self.listening.getHost().port

    def buildProtocol(self, addr):
        return _Near(self)

    def through(self, data, way):
        """What of it still passes; a broken link passes nothing more, and then is whole again."""
        left = getattr(self, way)
        if left is None:
            return data
        setattr(self, way, left - len(data))
        if left > len(data):
            return data
        self.up = self.down = None
        self.cuts += 1
        reactor.callLater(0, self._break)
        return data[:left]

    def _break(self):
        for end in list(self.ends):
            end.transport.abortConnection()

    async def close(self):
        self._break()
        await self.listening.stopListening()


class _End(Protocol):
    def __init__(self, cutter, peer=None):
        self.cutter, self.peer, self.held = cutter, peer, b""

    def connectionMade(self):
        self.cutter.ends.add(self)

    def dataReceived(self, data):
        data = self.cutter.through(data, self.way)
        if self.peer is None:
            self.held += data
        else:
            self.peer.transport.write(data)

    def connectionLost(self, reason):
        self.cutter.ends.discard(self)
        if self.peer is not None:
            self.peer.transport.loseConnection()


class _Near(_End):
    way = "up"

    def connectionMade(self):
        super().connectionMade()
        factory = Factory.forProtocol(lambda: _Far(self.cutter, self))
        factory.noisy = False
        self.cutter.server.connect(factory).addCallbacks(self._joined, lambda _: self._gone())

    def _joined(self, far):
        self.peer = far
        far.transport.write(self.held)

    def _gone(self):
        self.transport.abortConnection()


class _Far(_End):
    way = "down"
