"""The connection to a thermal printer: questions out, events back in order, time kept by the clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import structlog
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime

from gateway.line import Line
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


class Wire(Line):
    """One connection. `lost` once it has ended, whoever ended it."""

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self._back = Backchannel()
        self._asked: deque[int] = deque()
        self._events: deque[Event | Said] = deque()

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
            left = until - self.clock.seconds()
            if left <= 0:
                return None
            await self.something(left)
        return self._events.popleft()

    async def close(self, within: float) -> None:
        """Let what was written go out and hang up; after `within` seconds, break the line.

        Cancelling it breaks the line at once, and changes nothing of what the job has come to.
        """
        until = self.clock.seconds() + within
        self.transport.loseConnection()
        try:
            while not self.lost and (left := until - self.clock.seconds()) > 0:
                await self.something(left)
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
        self.wake()


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
