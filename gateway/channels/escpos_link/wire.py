"""The connection to a thermal printer: questions out, events back in order, time kept by the clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import structlog
from twisted.internet import defer, error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from gateway.errors import TemporaryFailure
from printers import command
from printers.status import Answer, Backchannel, Event, Status

_log = structlog.get_logger()


class LinkLost(Exception):
    """The connection ended, and all that came over it was read."""


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to DLE EOT `request`."""

    request: int
    byte: int


class Wire(Protocol):
    """One connection. `lost` once it has ended, whoever ended it."""

    transport: ITCPTransport

    def __init__(self, clock: IReactorTime) -> None:
        self.lost = False
        self._clock = clock
        self._back = Backchannel()
        self._asked: deque[int] = deque()
        self._events: deque[Event | Said] = deque()
        self._waiter: Deferred[None] | None = None

    def send(self, data: bytes) -> None:
        self.transport.write(data)

    def ask(self, request: int) -> None:
        """DLE EOT `request`. Answers carry no number: they come in the order of the questions."""
        self._asked.append(request)
        self.send(command.status(request))

    async def next(self, until: float) -> Event | Said | None:
        """What the printer says next; None when the clock reads `until`. Raises `LinkLost`."""
        while not self._events:
            if self.lost:
                raise LinkLost
            left = until - self._clock.seconds()
            if left <= 0:
                return None
            await self._something(left)
        return self._events.popleft()

    async def close(self, within: float) -> None:
        """Let what was written go out and hang up; after `within` seconds, break the line.

        Cancelling it breaks the line at once, and changes nothing of what the job has come to.
        """
        until = self._clock.seconds() + within
        self.transport.loseConnection()
        try:
            while not self.lost and (left := until - self._clock.seconds()) > 0:
                await self._something(left)
        except CancelledError:
            _log.debug("escpos.close_cancelled")
        if not self.lost:
            self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        for event in self._back.feed(data):
            if isinstance(event, Answer) and self._asked:
                self._events.append(Said(self._asked.popleft(), event.byte))
            else:
                self._events.append(event)
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        self._wake()

    def _something(self, within: float) -> Deferred[None]:
        """Fires when bytes come, the link ends, or `within` seconds have passed."""
        waiter = self._waiter = Deferred[None]()
        timer = self._clock.callLater(within, self._wake)

        def woken(result: object) -> object:
            if timer.active():
                timer.cancel()
            return result

        return waiter.addBoth(woken)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)


class Inquiry:
    """DLE EOT 1 to 4, each asked once the one before is answered, until they make a `Status`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._bytes: list[int] = []
        wire.ask(1)

    def take(self, said: Said) -> Status | None:
        self._bytes.append(said.byte)
        if len(self._bytes) < 4:
            self._wire.ask(len(self._bytes) + 1)
            return None
        one, two, three, four = self._bytes
        return Status((one, two, three, four))


async def connect(endpoint: IStreamClientEndpoint, *, clock: IReactorTime, within: float) -> Wire:
    """A connection to the printer; `TemporaryFailure` when there is none `within` seconds."""
    factory = Factory.forProtocol(lambda: Wire(clock))
    try:
        wire = await endpoint.connect(factory).addTimeout(within, clock)
    except CancelledError:
        raise
    except (defer.TimeoutError, error.TimeoutError) as silence:
        raise TemporaryFailure("does not answer", reasons=("timed-out",)) from silence
    except (error.ConnectError, OSError) as refusal:
        raise TemporaryFailure(f"cannot connect: {refusal}", reasons=("timed-out",)) from refusal
    assert isinstance(wire, Wire)
    return wire
