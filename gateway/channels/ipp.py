"""Page printers, spoken to directly: a sheet set, handed over as a job, and followed until it is out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field, model_validator
from twisted.internet.interfaces import IReactorTime

from gateway.channels import DeviceStatus, Job
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.ipp.address import Address, Fingerprint, Uri, address, pinned
from gateway.ipp.errors import Trouble, Untrusted
from gateway.ipp.leftovers import clear_leftovers
from gateway.ipp.options import Finishing, Paper
from gateway.ipp.printer import Ask, Condition, Printer, Record, Refused
from gateway.ipp.run import Document, Limits, Run
from gateway.ipp.sheets import Setter, Sheets
from gateway.ipp.wire import Patience, Wire
from gateway.paper import Typesetter
from gateway.settings import Duration, Name
from gateway.settings import Settings as Base
from printers.slip import Slip, Text

MEDIUM = "page"


class Settings(Base):
    """`[[devices]]` of kind "ipp"."""

    name: Name
    kind: Literal["ipp"]
    connect: Uri
    certificate: Path | None = None  # PEM: whom ipps must find there
    fingerprint: Fingerprint | None = None  # or its SHA-256
    paper: Paper = "iso_a4_210x297mm"
    tray: str = ""  # the printer's own name for it
    sides: Literal["one-sided", "two-sided-long-edge", "two-sided-short-edge"] = "one-sided"
    copies: Annotated[int, Field(ge=1, le=10)] = 1
    counts_pages: bool = True  # False: a printer that never says how many sides it printed
    printing: Duration = 120.0
    connect_within: Duration = 5.0
    answer_within: Duration = 10.0

    @model_validator(mode="after")
    def _pinned(self) -> Settings:
        pins = [pin for pin in (self.certificate, self.fingerprint) if pin]
        if self.connect.startswith("ipps:") and len(pins) != 1:
            raise ValueError("ipps needs `certificate` or `fingerprint`: printers sign their own")
        if self.connect.startswith("ipp:") and pins:
            raise ValueError("a certificate is looked at over ipps only")
        return self


def build(
    settings: Settings,
    *,
    reactor: Any,
    clock: Clock,
    base: Path = Path(),
    paper: Typesetter | None = None,
) -> IppChannel:
    pin = settings.fingerprint or ""
    if settings.certificate is not None:
        pin = pinned(base / settings.certificate)
    place = address(settings.connect, pin=pin)
    sheets = Sheets(reactor, paper=paper)
    return IppChannel(settings, place=place, sheets=sheets, reactor=reactor, clock=clock)


class Line(Protocol):
    """An `Ask` whose connection is hung up when all is said."""

    async def __call__(self, question: Any, document: bytes = b"") -> Any: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What a unit proved when it was made to print a page."""

    record: Record
    unknown: tuple[str, ...]  # what of the device's settings it does not have

    @property
    def proof(self) -> str:
        counted = self.record.impressions is not None
        by = "its job's state and the sides it counted" if counted else "its job's state alone"
        return f"{by}; it does not know: {', '.join(self.unknown)}" if self.unknown else by


class IppChannel:
    """One page printer. Fills the role `gateway.channels.Channel`."""

    unproved: ClassVar[str] = ""

    def __init__(
        self,
        settings: Settings,
        *,
        place: Address,
        sheets: Setter,
        reactor: Any,
        clock: Clock,
        line: Line | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._settings = settings
        self._place = place
        self._sheets = sheets
        self._reactor = reactor
        self._clock = clock
        self._line = line
        self._limits = limits or Limits(printing=settings.printing)
        self._finishing = Finishing(
            paper=settings.paper,
            tray=settings.tray,
            sides=settings.sides,
            copies=settings.copies,
        )

    async def deliver(self, job: Job) -> Receipt:
        line = self._dial()
        try:
            record = await self._deliver(self._printer(line), job)
        finally:
            line.close()
        return Receipt(by=self._settings.name, proof=_proof(record), at=self._clock.now())

    async def probe(self) -> DeviceStatus:
        line = self._dial()
        try:
            condition = await self._printer(line).condition()
        except Untrusted:
            return DeviceStatus(state="trouble", reasons=("untrusted",))
        except (Trouble, Refused):
            return DeviceStatus(state="unreachable", reasons=("timed-out",))
        finally:
            line.close()
        if condition.stops:
            return DeviceStatus(state="trouble", reasons=condition.reasons or condition.stops)
        return DeviceStatus(state="ok", reasons=condition.reasons)

    async def commission(self, line: bytes) -> Commission:
        """Print a page with one line, and find out what this unit can prove (`check --devices`)."""
        words = line.decode("ascii", "replace")
        wire = self._dial()
        try:
            printer = self._printer(wire)
            condition = await self._ready(printer)

            async def begin() -> Slip:
                return Slip(header=(), body=(Text(text=words),))

            job = Job(begin=begin, until=self._clock.now() + self._limits.printing)
            record = await self._print(printer, condition, job, counts=False)
        finally:
            wire.close()
        return Commission(record=record, unknown=self._finishing.unknown_to(condition.about))

    async def _deliver(self, printer: Printer, job: Job) -> Record:
        condition = await self._ready(printer)
        if job.doubt:
            await clear_leftovers(printer)
        return await self._print(printer, condition, job, counts=self._settings.counts_pages)

    async def _ready(self, printer: Printer) -> Condition:
        """How the printer is, once it has said that it can print what we would send."""
        try:
            condition = await printer.condition()
        except Untrusted as stranger:
            raise TemporaryFailure(str(stranger), reasons=("untrusted",)) from stranger
        except (Trouble, Refused) as trouble:
            raise TemporaryFailure(str(trouble), reasons=("timed-out",)) from trouble
        if condition.stops:
            raise TemporaryFailure("not ready to print", reasons=condition.stops)
        if not self._sheets.format_of(condition.formats):
            known = ", ".join(condition.formats)[:200]
            raise PermanentFailure(f"takes none of the formats there are here, but {known}")
        return condition

    async def _print(
        self, printer: Printer, condition: Condition, job: Job, *, counts: bool
    ) -> Record:
        document = await self._set(await job.begin(), condition)
        left = 600.0 if job.until is None else job.until - self._clock.now()
        if left <= 0:
            raise TemporaryFailure("gave up before anything was sent", reasons=("timed-out",))
        timer: IReactorTime = self._reactor
        run = Run(
            printer,
            condition,
            clock=timer,
            deadline=timer.seconds() + left,
            on_trouble=job.trouble,
            limits=self._limits,
            counts=counts,
        )
        return await run.document(
            document,
            # Of ids only: it stands on the printer's panel and in its history, for all to read.
            name=f"{job.name or 'WL'}-{secrets.token_hex(4)}",
            options=self._finishing.attributes(condition.about),
        )

    async def _set(self, slip: Slip, condition: Condition) -> Document:
        return await self._sheets.set(slip, condition.formats, condition.about)

    def _dial(self) -> Line:
        if self._line is not None:
            return self._line
        patience = Patience(
            connect=self._settings.connect_within, answer=self._settings.answer_within
        )
        endpoint = self._place.endpoint(self._reactor)
        return Wire(endpoint, self._place, clock=self._reactor, patience=patience)

    def _printer(self, ask: Ask) -> Printer:
        return Printer(ask, self._place.uri, tray=self._settings.tray)


def _proof(record: Record) -> str:
    if record.impressions is None:
        return f"IPP job {record.id} completed, sides not counted"
    return f"IPP job {record.id} completed, sides printed: {record.impressions}"
