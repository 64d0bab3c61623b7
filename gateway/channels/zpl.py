"""Label printers: one job at a time, asked with ~HS before, during and after; silence is an alarm."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater

from gateway.channels import DeviceStatus, Job
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.errors import TemporaryFailure, Uncertain
from gateway.line import Line, dial
from gateway.settings import Duration, Endpoint, Name
from gateway.settings import Settings as Base
from printers import zpl
from printers.slip import Code, Heading, Slip
from printers.zebra import ASK, CANCEL, Answers, Status

MEDIUM = "label"

#: Seconds between two questions while it prints.
_POLL = 0.5
#: So often in a row it must say that nothing is left: ~HS overtakes the format it was sent behind.
_QUIET = 3
#: It does not answer ~HS with its paper out or its head open (Zebra, ~HS): connected and silent is this.
_SILENT = ("other-error",)
_WHY = "does not answer ~HS: paper or ribbon out, or head open"


class Settings(Base):
    """`[[devices]]` of kind "zpl"."""

    name: Name
    kind: Literal["zpl"]
    connect: Endpoint
    label_width: Annotated[float, Field(ge=25, le=120)] = 50.0  # mm
    label_height: Annotated[float, Field(ge=20, le=200)] = 25.0  # mm
    dpi: Literal[203, 300, 600] = 203
    printing: Duration = 30.0
    connect_within: Duration = 3.0
    answer_within: Duration = 2.0


def build(settings: Settings, *, reactor: Any, clock: Clock, **_: object) -> ZplChannel:
    return ZplChannel(settings, reactor=reactor, clock=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    proof: str = "~HS: nothing left to print"


class ZplChannel:
    """One label printer. Fills the role `gateway.channels.Channel`."""

    def __init__(
        self,
        settings: Settings,
        *,
        reactor: Any,
        clock: Clock,
        endpoint: IStreamClientEndpoint | None = None,
    ) -> None:
        self._settings = settings
        self._timer: IReactorTime = reactor
        self._clock = clock
        self._endpoint = endpoint or clientFromString(reactor, settings.connect)
        self._stock = zpl.Stock(
            width=settings.label_width, height=settings.label_height, dpi=settings.dpi
        )

    async def deliver(self, job: Job) -> Receipt:
        line = await self._connect()
        try:
            await self._ready(line, clear=job.doubt)
            slip = await job.begin()
            if line.lost:
                raise TemporaryFailure("hung up before anything was sent", reasons=("timed-out",))
            found = zpl.labels(slip)
            line.send(b"".join(zpl.encode(label, self._stock) for label in found))
            await self._printed(line, job)
        finally:
            line.close()
        proof = f"{len(found)} printed, by ~HS: nothing left to print"
        return Receipt(by=self._settings.name, proof=proof, at=self._clock.now())

    async def probe(self) -> DeviceStatus:
        try:
            line = await self._connect()
        except TemporaryFailure as failure:
            return DeviceStatus(state="unreachable", reasons=failure.reasons)
        try:
            status = await line.ask(self._settings.answer_within)
        except _Lost:
            return DeviceStatus(state="unreachable", reasons=("timed-out",))
        finally:
            line.close()
        reasons = status.reasons if status else _SILENT
        return DeviceStatus(state="trouble" if reasons else "ok", reasons=reasons)

    async def commission(self, line: bytes) -> Commission:
        """Print one label (`wardline check --devices`)."""
        words = line.decode("ascii", "replace")

        async def begin() -> Slip:
            return Slip(header=(), body=(Heading(text=words), Code(data="WARDLINE-CHECK")))

        await self.deliver(Job(begin=begin, until=self._clock.now() + self._settings.printing))
        return Commission()

    async def _connect(self) -> _Line:
        limit = self._settings.connect_within
        return await dial(self._endpoint, _Line, clock=self._timer, within=limit)

    async def _ready(self, line: _Line, *, clear: bool) -> None:
        """Raises TemporaryFailure unless it says that it can print, and has nothing else to."""
        if clear:
            line.send(CANCEL)
        try:
            status = await line.ask(self._settings.answer_within)
        except _Lost as lost:
            raise TemporaryFailure("hung up when asked", reasons=("timed-out",)) from lost
        if status is None:
            raise TemporaryFailure(_WHY, reasons=_SILENT)
        if status.reasons:
            raise TemporaryFailure("not ready to print", reasons=status.reasons)
        if status.waiting:
            raise TemporaryFailure("prints for somebody else", reasons=("busy",))

    async def _printed(self, line: _Line, job: Job) -> None:
        """Returns once nothing is left to print, and it still answers."""
        watch = _Watch(self._timer, job, self._until(job), self._settings.printing)
        quiet = 0
        try:
            while quiet < _QUIET:
                await deferLater(self._timer, _POLL)
                status = await line.ask(self._settings.answer_within)
                watch.learn(status)
                well = status is not None and not status.reasons and not status.waiting
                quiet = quiet + 1 if well else 0
                if watch.over:
                    line.send(CANCEL)
                    raise Uncertain("not printed in time; told to forget it", reasons=watch.reasons)
        except _Lost as lost:
            raise Uncertain("link lost while printing", reasons=watch.reasons) from lost
        except CancelledError as cancelled:
            line.send(CANCEL)
            raise Uncertain("given up while printing", reasons=watch.reasons) from cancelled

    def _until(self, job: Job) -> float:
        left = 600.0 if job.until is None else job.until - self._clock.now()
        return self._timer.seconds() + left


class _Watch:
    """How long it may still take: the job's clock stands still while the printer cannot print."""

    def __init__(self, timer: IReactorTime, job: Job, until: float, printing: float) -> None:
        self._timer = timer
        self._job = job
        self._until = until
        self._left = printing
        self._seen = timer.seconds()
        self._held: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return self._left <= 0 or self._timer.seconds() >= self._until

    @property
    def reasons(self) -> tuple[str, ...]:
        return self._held or ("timed-out",)

    def learn(self, status: Status | None) -> None:
        now = self._timer.seconds()
        if not self._held:
            self._left -= now - self._seen
        self._seen = now
        reasons = _SILENT if status is None else status.reasons
        if reasons != self._held:
            self._held = reasons
            self._job.trouble(reasons)


class _Lost(Exception):
    """The connection ended."""


class _Line(Line):
    """One connection to a label printer."""

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self._answers = Answers()
        self._said: deque[Status] = deque()

    def send(self, data: bytes) -> None:
        self.transport.write(data)

    async def ask(self, within: float) -> Status | None:
        """Its answer to ~HS; None when it says nothing. Raises _Lost."""
        self._said.clear()
        self.send(ASK)
        end = self.clock.seconds() + within
        while not self._said:
            if self.lost:
                raise _Lost
            if self.clock.seconds() >= end:
                return None
            await self.something(end - self.clock.seconds())
        return self._said[-1]

    def close(self) -> None:
        self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self._said.extend(self._answers.feed(data))
        self.wake()
