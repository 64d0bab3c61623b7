"""A ward's fax: pages are made before its number is rung; it has them when its own machine says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import structlog
from pydantic import Field

from gateway.asterisk.settings import Number
from gateway.channels import DeviceStatus, Job
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.errors import TemporaryFailure, Uncertain
from gateway.fax import pages, patience, sending
from gateway.fax.line import Sender, StillCalling
from gateway.fax.pages import From, Part, To
from gateway.fax.patience import Rest
from gateway.fax.register import ARRIVED, Register, Trust
from gateway.fax.sending import Sending
from gateway.fax.sheets import Bundle, Setter
from gateway.fax.underway import FaxCall
from gateway.fax.verdict import Cause, Verdict
from gateway.service import spawn
from gateway.settings import Duration, Name
from gateway.settings import Settings as Base
from printers.slip import Slip

log = structlog.get_logger()

MEDIUM = "fax"

Alarm = Callable[..., Awaitable[None]]
Tries = Annotated[int, Field(ge=0, le=20)]


class Settings(Base):
    """`[[devices]]` of kind "fax"."""

    name: Name
    kind: Literal["fax"]
    number: Number | None = None  # None: the `fax` of the ward whose device it is
    station: str = (
        ""  # how the machine there calls itself; "": whoever a person vouched for after a test
    )
    resolution: Literal["fine", "standard"] = "fine"
    ecm: bool = True  # error correction; without it some old machines on bad lines do better
    pages: Annotated[int, Field(ge=1, le=10)] = 9  # in one call, the cover not counted
    ring: Annotated[Duration, Field(ge=5.0, le=60.0)] = 60.0  # how long, before nobody is there
    test_every: Annotated[Duration, Field(ge=3600.0)] | None = (
        None  # so long without a fax: a test page
    )
    tries: dict[Cause, Tries] = Field(default_factory=dict)  # in a row, by cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a fax needs of the house."""

    line: Sender
    sheets: Setter
    register: Register
    sender: From
    to: To
    alarm: Alarm  # tells the laboratory on paper


def build(settings: Settings, *, reactor: Any, clock: Clock, kit: Kit) -> FaxChannel:
    return FaxChannel(settings, kit=kit, clock=clock)


class FaxChannel:
    """One fax number. Fills the role `gateway.channels.Channel`."""

    def __init__(self, settings: Settings, *, kit: Kit, clock: Clock) -> None:
        self._settings = settings
        self._kit = kit
        self._clock = clock
        self._rest = Rest()
        self._verified = 0.0  # when a test of its own was last tried
        self._resuming = 0  # calls of before a restart of whose end we have not yet learned
        self._arrived: dict[
            str, Verdict
        ] = {}  # by job: what a call of before a restart has brought

    @property
    def number(self) -> str:
        return self._kit.to.number

    async def deliver(self, job: Job) -> Receipt:
        arrived = self._arrived.pop(job.name, None)
        if arrived is not None:
            proof = f"{sending.proof('all', by=arrived.station)} in a call that outlived Wardline"
            return Receipt(by=self._settings.name, proof=proof, at=self._clock.now())
        reason = self._reason()
        if reason:
            raise TemporaryFailure("not rung", reasons=(reason,))
        slip = await job.begin()
        bundle = await self._kit.sheets.bundle(slip)
        proof = await Sending(
            partial(self._ring, slip, bundle, job.name),
            bundle.pages,
            most=self._settings.pages,
            until=job.until,
            clock=self._clock,
        ).run()
        return Receipt(by=self._settings.name, proof=proof, at=self._clock.now())

    async def probe(self) -> DeviceStatus:
        """Rings nobody: whether there is a line, and whether this number may be rung now."""
        if not self._kit.line.up:
            return DeviceStatus(state="unreachable", reasons=("telephone-down",))
        reason = self._reason()
        return DeviceStatus(
            state="trouble" if reason else "ok", reasons=(reason,) if reason else ()
        )

    async def test(self, code: str) -> Verdict:
        """Send a page without patient data that shows `code`, and note which machine took it.

        Raises as `deliver`, and rings a number that is stopped or resting too.
        """
        if not self._kit.line.up:
            raise TemporaryFailure("telephone-down", reasons=("telephone-down",))
        page = pages.test_page(code, sender=self._kit.sender, to=self._kit.to, at=self._clock.now())
        bundle = await self._kit.sheets.bundle(page)
        verdict = await self._kit.line.send(
            self.number, bundle.file, pages=bundle.pages, expected=None, ecm=self._settings.ecm
        )
        outcome = ARRIVED if verdict.arrived else str(verdict.cause)
        await self._kit.register.tested(
            self.number, code=code, outcome=outcome, heard=verdict.station
        )
        if verdict.arrived:
            self._rest = Rest()
        return verdict

    def due(self, every: float) -> bool:
        """Whether the machine of a number that is in use was last proved longer ago than `every`."""
        entry = self._kit.register.entry(self.number)
        proved = max(entry.proved_at, entry.vouched_at, self._verified)
        return not self._reason() and self._clock.now() - proved > every

    async def verify(self) -> Verdict:
        """Send a page without patient data to see that the known machine still answers. Raises as `test`."""
        self._verified = self._clock.now()
        page = pages.test_page("", sender=self._kit.sender, to=self._kit.to, at=self._clock.now())
        bundle = await self._kit.sheets.bundle(page)
        verdict = await self._kit.line.send(
            self.number,
            bundle.file,
            pages=bundle.pages,
            expected=self._kit.register.entry(self.number).station,
            ecm=self._settings.ecm,
        )
        await self._learn(verdict)
        return verdict

    async def resume(self, call: FaxCall) -> None:
        """Wait for the end of a call that was left behind, and learn from it: until then nobody is rung."""
        self._resuming += 1
        try:
            verdict = await self._kit.line.resume(call)
            if verdict.arrived and call.completes:
                self._arrived[call.completes] = verdict
            log.info("fax.left_behind", device=call.device, outcome=str(verdict.cause or "arrived"))
            await self._learn(verdict)
        except Uncertain as lost:
            log.warning("fax.left_behind", device=call.device, outcome=lost.detail)
        finally:
            self._resuming -= 1

    def _reason(self) -> str:
        """Why this number must not be rung now; "" when it may."""
        if not self._kit.line.up:
            return "telephone-down"
        if self._resuming or self._kit.line.busy(self.number):
            return str(Cause.BUSY)
        trust = self._kit.register.entry(self.number).trust
        if trust is not Trust.KNOWN:
            return str(trust)
        resting = self._rest.resting(self._clock.now()) and self._rest.cause
        return str(self._rest.cause) if resting else ""

    async def _ring(self, slip: Slip, bundle: Bundle, name: str, part: Part) -> Verdict:
        """One call. Raises as `Sender.send` and `Setter.bind`."""
        now = self._clock.now()
        front = pages.cover(part, slip, sender=self._kit.sender, to=self._kit.to, at=now)
        file = await self._kit.sheets.bind(front, bundle, first=part.first, last=part.last)
        entry = self._kit.register.entry(self.number)
        try:
            verdict = await self._kit.line.send(
                self.number,
                file,
                pages=part.last - part.first + 2,
                expected=entry.station,
                ecm=self._settings.ecm,
                completes=name if part.last == part.of else "",
            )
        except StillCalling as still:
            spawn(self.resume(still.call), "fax left behind")
            raise
        await self._learn(verdict)
        return verdict

    async def _learn(self, verdict: Verdict) -> None:
        before, now = self._rest, self._clock.now()
        self._rest = patience.after(before, verdict.cause, now=now, tries=self._settings.tries)
        if verdict.cause is Cause.STATION:
            await self._kit.register.stop(self.number, answered=verdict.station)
            await self._tell("fax quarantined", verdict.station or "—")
        elif verdict.arrived:
            await self._kit.register.proved(self.number)
        elif self._rest.exhausted and not before.exhausted:
            await self._tell("fax exhausted", str(verdict.cause))

    async def _tell(self, topic: str, reason: str) -> None:
        subject = f"{self._settings.name} ({self.number}), {self._kit.to.ward}"
        await self._kit.alarm(topic, subject=subject, reason=reason)
