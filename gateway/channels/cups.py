"""Printers that need a driver: handed to a queue of CUPS, and never called printed.

CUPS says "completed" of a job whose printer was switched off in the middle of it (its IPP backend takes
a job that the printer has forgotten for a finished one), so its word is not waited for.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from twisted.internet.interfaces import IReactorTime

from gateway.channels import DeviceStatus, Job
from gateway.clock import Clock
from gateway.delivery import HANDED, Receipt
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.ipp.address import Uri, address
from gateway.ipp.errors import Trouble
from gateway.ipp.options import Finishing, Paper
from gateway.ipp.printer import Condition, Printer, Refused
from gateway.ipp.run import Run
from gateway.ipp.sheets import Setter, Sheets
from gateway.ipp.wire import Patience, Wire
from gateway.paper import Typesetter
from gateway.settings import Duration, Name
from gateway.settings import Settings as Base
from printers.slip import Slip, Text

MEDIUM = "page"


def _plain(uri: str) -> str:
    if not uri.startswith("ipp:"):
        raise ValueError("a queue on this machine is reached over ipp://localhost")
    return uri


class Settings(Base):
    """`[[devices]]` of kind "cups"."""

    name: Name
    kind: Literal["cups"]
    connect: Annotated[Uri, AfterValidator(_plain)]  # ipp://localhost:631/printers/QUEUE
    paper: Paper = "iso_a4_210x297mm"
    tray: str = ""
    sides: Literal["one-sided", "two-sided-long-edge", "two-sided-short-edge"] = "one-sided"
    copies: Annotated[int, Field(ge=1, le=10)] = 1
    connect_within: Duration = 5.0
    answer_within: Duration = 10.0


def build(
    settings: Settings,
    *,
    reactor: Any,
    clock: Clock,
    base: Path = Path(),
    paper: Typesetter | None = None,
) -> CupsChannel:
    sheets = Sheets(reactor, paper=paper)
    return CupsChannel(settings, sheets=sheets, reactor=reactor, clock=clock)


class Commission:
    """What check finds out of a queue."""

    proof = "none: CUPS has the test page; look whether it comes out"


class CupsChannel:
    """One queue of CUPS. Fills the role `gateway.channels.Channel`."""

    def __init__(self, settings: Settings, *, sheets: Setter, reactor: Any, clock: Clock) -> None:
        self._settings = settings
        self._place = address(settings.connect)
        self._sheets = sheets
        self._reactor = reactor
        self._clock = clock
        self._finishing = Finishing(
            paper=settings.paper,
            tray=settings.tray,
            sides=settings.sides,
            copies=settings.copies,
        )

    async def deliver(self, job: Job) -> Receipt:
        wire = self._dial()
        try:
            number = await self._hand_over(Printer(wire, self._place.uri), job)
        finally:
            wire.close()
        proof = f"{HANDED} CUPS, job {number}: nobody saw the paper"
        return Receipt(by=self._settings.name, proof=proof, at=self._clock.now())

    async def probe(self) -> DeviceStatus:
        wire = self._dial()
        try:
            condition = await Printer(wire, self._place.uri).condition()
        except (Trouble, Refused):
            return DeviceStatus(state="unreachable", reasons=("timed-out",))
        finally:
            wire.close()
        if condition.stops:
            return DeviceStatus(state="trouble", reasons=condition.reasons or condition.stops)
        return DeviceStatus(state="ok", reasons=condition.reasons)

    async def commission(self, line: bytes) -> Commission:
        words = line.decode("ascii", "replace")

        async def begin() -> Slip:
            return Slip(header=(), body=(Text(text=words),))

        await self.deliver(Job(begin=begin, until=self._clock.now() + 60.0))
        return Commission()

    async def _hand_over(self, printer: Printer, job: Job) -> int:
        condition = await self._ready(printer)
        document = await self._sheets.set(await job.begin(), condition.formats, condition.about)
        timer: IReactorTime = self._reactor
        left = 60.0 if job.until is None else job.until - self._clock.now()
        if left <= 0:
            raise TemporaryFailure("gave up before anything was sent", reasons=("timed-out",))
        run = Run(
            printer,
            condition,
            clock=timer,
            deadline=timer.seconds() + left,
            on_trouble=job.trouble,
        )
        return await run.hand_over(
            document,
            name=f"{job.name or 'WL'}-{secrets.token_hex(4)}",
            options=self._finishing.attributes(condition.about),
        )

    async def _ready(self, printer: Printer) -> Condition:
        try:
            condition = await printer.condition()
        except (Trouble, Refused) as trouble:
            raise TemporaryFailure(str(trouble), reasons=("timed-out",)) from trouble
        if condition.stops:
            raise TemporaryFailure("not ready to print", reasons=condition.stops)
        if not self._sheets.format_of(condition.formats):
            raise PermanentFailure("the queue takes no PDF")
        return condition

    def _dial(self) -> Wire:
        patience = Patience(
            connect=self._settings.connect_within, answer=self._settings.answer_within
        )
        endpoint = self._place.endpoint(self._reactor)
        return Wire(endpoint, self._place, clock=self._reactor, patience=patience)
