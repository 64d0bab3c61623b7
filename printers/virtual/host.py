"""The printer's network side: one host prints at a time, the others wait, as on an Epson UB-E02."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from printers.virtual.machine import Machine

ACCEPTED = 3  # connections at a time; the first prints, the data of the others waits
IDLE = 300.0  # seconds of silence after which a host is hung up on
READ_AHEAD = 4096  # bytes of a host kept unread, as in a TCP window


class Link(Protocol):
    """One host's connection. What it sends stays in `wire` until the machine has room."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self.wire = bytearray()
        self.up = False

    def connectionMade(self) -> None:
        self.up = True
        self._idle = self._hosts.clock.callLater(IDLE, self.drop)
        self._hosts.add(self)

    def dataReceived(self, data: bytes) -> None:
        self._idle.reset(IDLE)
        self.wire += data
        if len(self.wire) >= READ_AHEAD:
            self.transport.pauseProducing()  # type: ignore[union-attr]
        self._hosts.pump()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.up = False
        if self._idle.active():
            self._idle.cancel()
        if not reason.check(ConnectionDone):
            self.wire.clear()  # a reset discards what was not read
        self._hosts.pump()

    def send(self, data: bytes) -> None:
        if self.up and self.transport is not None:
            self.transport.write(data)

    def resume(self) -> None:
        if self.up:
            self.transport.resumeProducing()  # type: ignore[union-attr]

    def drop(self) -> None:
        self.wire.clear()
        self.transport.abortConnection()  # type: ignore[union-attr]


class Hosts(Factory):
    """Those who are connected, in the order they came."""

    def __init__(self, clock: IReactorTime, machine: Callable[[], Machine]) -> None:
        self.clock = clock
        self.refusing = False
        self.drop_after: tuple[int, Callable[[], None]] | None = None  # bytes still let through
        self._machine = machine
        self._links: list[Link] = []
        self._pumping = False

    @property
    def count(self) -> int:
        return len(self._links)

    def buildProtocol(self, addr: IAddress | None) -> Link | None:
        if self.refusing or len(self._links) >= ACCEPTED:
            return None
        return Link(self)

    def add(self, link: Link) -> None:
        self._links.append(link)

    def send(self, data: bytes) -> None:
        """To the host whose turn it is, even if it was another who asked: the printer cannot tell."""
        if self._links:
            self._links[0].send(data)

    def drop_all(self) -> None:
        for link in list(self._links):
            link.drop()

    def pump(self) -> None:
        """Move what the first host sent into the machine while it has room."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._links and self._serve(self._links[0]):
                pass
        finally:
            self._pumping = False

    def _serve(self, link: Link) -> bool:
        """True: go on with the next piece, or the next host."""
        machine = self._machine()
        if machine.frozen or not machine.powered:
            return False
        if link.wire:
            return self._move(link, machine)
        if link.up:
            link.resume()
            return False
        self._links.remove(link)
        machine.host_gone()
        return True

    def _move(self, link: Link, machine: Machine) -> bool:
        limit, trouble = self.drop_after or (len(link.wire), None)
        taken = bytes(link.wire[: min(machine.room, limit)])
        if not taken and limit:
            return False
        del link.wire[: len(taken)]
        if trouble is not None:
            self.drop_after = (limit - len(taken), trouble)
        machine.receive(taken)
        if trouble is not None and limit == len(taken):
            self.drop_after = None
            trouble()
        return True
