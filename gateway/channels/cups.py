"""Printers that need a driver: handed to a queue of CUPS, and never called printed.

CUPS says "completed" of a job whose printer was switched off in the middle of it (its IPP backend takes
a job that the printer has forgotten for a finished one), so its word is not waited for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from gateway.channels import DeviceStatus, Job
from gateway.clock import Clock
from gateway.delivery import HANDED, Receipt
from gateway.ipp.address import address
from gateway.ipp.counter import Counter, PageSettings, one_line
from gateway.ipp.run import USUAL
from gateway.ipp.sheets import Setter, Sheets
from gateway.paper import Typesetter

MEDIUM = "page"


class Settings(PageSettings):
    """`[[devices]]` of kind "cups"; `connect` is ipp://localhost:631/printers/QUEUE."""

    kind: Literal["cups"]

    @field_validator("connect")
    @classmethod
    def _plain(cls, uri: str) -> str:
        if not uri.startswith("ipp:"):
            raise ValueError("a queue on this machine is reached over ipp://localhost")
        return uri


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
        self._clock = clock
        self._counter = Counter(
            settings, place=address(settings.connect), sheets=sheets, reactor=reactor, clock=clock
        )

    async def deliver(self, job: Job) -> Receipt:
        async with self._counter.printer() as queue:
            condition = await self._counter.ready(queue)
            order = await self._counter.order(queue, condition, job=job, limits=USUAL)
            number = await order.run.hand_over(
                order.document, name=order.name, options=order.options
            )
        proof = f"{HANDED} CUPS, job {number}: nobody saw the paper"
        return Receipt(by=self._settings.name, proof=proof, at=self._clock.now())

    async def probe(self) -> DeviceStatus:
        state, reasons = await self._counter.standing()
        return DeviceStatus(state=state, reasons=reasons)

    async def commission(self, line: bytes) -> Commission:
        await self.deliver(Job(begin=one_line(line), until=self._clock.now() + 60.0))
        return Commission()
