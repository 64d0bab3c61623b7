"""Page printers, spoken to directly: a sheet set, handed over as a job, and followed until it is out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from gateway.channels import DeviceStatus, Job
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.ipp.address import Address, Fingerprint, address, pinned
from gateway.ipp.counter import Counter, Line, PageSettings, one_line
from gateway.ipp.leftovers import clear_leftovers
from gateway.ipp.printer import Condition, Printer, Record
from gateway.ipp.run import Limits
from gateway.ipp.sheets import Setter, Sheets
from gateway.paper import Typesetter
from gateway.settings import Duration

MEDIUM = "page"


class Settings(PageSettings):
    """`[[devices]]` of kind "ipp"."""

    kind: Literal["ipp"]
    certificate: Path | None = None  # PEM: whom ipps must find there
    fingerprint: Fingerprint | None = None  # or its SHA-256
    counts_pages: bool = True  # False: a printer that never says how many sides it printed
    printing: Duration = 120.0

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
        self._clock = clock
        self._limits = limits or Limits(printing=settings.printing)
        self._counter = Counter(
            settings, place=place, sheets=sheets, reactor=reactor, clock=clock, line=line
        )

    async def deliver(self, job: Job) -> Receipt:
        async with self._counter.printer() as printer:
            condition = await self._counter.ready(printer)
            if job.doubt:
                await clear_leftovers(printer)
            record = await self._print(printer, condition, job, counts=self._settings.counts_pages)
        return Receipt(by=self._settings.name, proof=_proof(record), at=self._clock.now())

    async def probe(self) -> DeviceStatus:
        state, reasons = await self._counter.standing()
        return DeviceStatus(state=state, reasons=reasons)

    async def commission(self, line: bytes) -> Commission:
        """Print a page with one line, and find out what this unit can prove (`check --devices`)."""
        job = Job(begin=one_line(line), until=self._clock.now() + self._limits.printing)
        async with self._counter.printer() as printer:
            condition = await self._counter.ready(printer)
            record = await self._print(printer, condition, job, counts=False)
        unknown = self._counter.finishing.unknown_to(condition.about)
        return Commission(record=record, unknown=unknown)

    async def _print(
        self, printer: Printer, condition: Condition, job: Job, *, counts: bool
    ) -> Record:
        order = await self._counter.order(
            printer, condition, job=job, limits=self._limits, counts=counts
        )
        return await order.run.document(order.document, name=order.name, options=order.options)


def _proof(record: Record) -> str:
    if record.impressions is None:
        return f"IPP job {record.id} completed, sides not counted"
    return f"IPP job {record.id} completed, sides printed: {record.impressions}"
