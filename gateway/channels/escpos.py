"""Thermal ward printers: a slip laid out, encoded and proved to be on paper."""

from __future__ import annotations

import itertools
import secrets
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.threads import deferToThreadPool

from gateway.channels import DeviceStatus, Job
from gateway.channels.escpos_link import Commission, Limits, commission, print_job, probe
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.errors import TemporaryFailure
from gateway.paper import Typesetter
from gateway.settings import Duration, Endpoint, Name
from gateway.settings import Settings as Base
from printers import escpos, layout, model
from printers.slip import Slip
from printers.status import severe

#: Slips with more blocks than this are laid out in a thread: 20 analytes take 2 ms, 5,000 far more.
LONG = 120


def _known(name: str) -> str:
    return model.load(name).name


class Settings(Base):
    """`[[devices]]` of kind "escpos"."""

    name: Name
    kind: Literal["escpos"]
    connect: Endpoint
    model: Annotated[str, AfterValidator(_known)] = "generic-80mm"
    printing: Duration = 30.0  # longest a job may print, not counting paper-end
    connect_within: Duration = 3.0
    answer_within: Duration = 2.0


def build(
    settings: Settings,
    *,
    reactor: Any,
    clock: Clock,
    base: Path = Path(),
    paper: Typesetter | None = None,
) -> EscposChannel:
    return EscposChannel(settings, reactor=reactor, clock=clock, paper=paper)


class EscposChannel:
    """One thermal printer. Fills the role `gateway.channels.Channel`."""

    def __init__(
        self,
        settings: Settings,
        *,
        reactor: Any,
        clock: Clock,
        endpoint: IStreamClientEndpoint | None = None,
        paper: Typesetter | None = None,
    ) -> None:
        """`paper` draws what came along with a message; without it, it is said to be missing."""
        self._paper = paper
        self._settings = settings
        self._reactor = reactor
        self._clock = clock
        self._model = model.load(settings.model)
        self._endpoint = endpoint or clientFromString(reactor, settings.connect)
        self._tokens = _tokens()

    async def deliver(self, job: Job) -> Receipt:
        async def ticket() -> bytes:
            return await self._encode(await job.begin())

        proof = await print_job(
            self._endpoint,
            ticket,
            clock=self._timer,
            fence=self._model.fence,
            token=next(self._tokens),
            limits=self._limits(job.until),
            on_event=job.trouble,
            flush_first=job.doubt,
        )
        return Receipt(by=self._settings.name, proof=str(proof), at=self._clock.now())

    async def probe(self) -> DeviceStatus:
        try:
            status = await probe(self._endpoint, clock=self._timer, limits=self._limits(None))
        except TemporaryFailure as failure:
            return DeviceStatus(state="unreachable", reasons=failure.reasons)
        state = "trouble" if severe(status.reasons) else "ok"
        return DeviceStatus(state=state, reasons=status.reasons)

    async def commission(self, line: bytes) -> Commission:
        """Print a test line and find out which proofs this unit gives (`wardline check --devices`)."""
        return await commission(
            self._endpoint,
            clock=self._timer,
            line=line,
            token=next(self._tokens),
            limits=self._limits(None),
        )

    @property
    def _timer(self) -> IReactorTime:
        timer: IReactorTime = self._reactor
        return timer

    async def _encode(self, slip: Slip) -> bytes:
        drawn: layout.Drawn = {}
        if self._paper is not None:
            slip, drawn = await self._paper.strips(slip, dots=self._model.dots)
        if len(slip.body) <= LONG and not drawn:
            return self._bytes(slip, drawn)
        pool = self._reactor.getThreadPool()
        return await deferToThreadPool(self._reactor, pool, self._bytes, slip, drawn)

    def _bytes(self, slip: Slip, drawn: layout.Drawn) -> bytes:
        return escpos.ticket(layout.lay_out(slip, self._model.columns, drawn=drawn), self._model)

    def _limits(self, until: float | None) -> Limits:
        overall = 600.0 if until is None else max(until - self._clock.now(), 1.0)
        return Limits(
            connect=self._settings.connect_within,
            answer=self._settings.answer_within,
            printing=self._settings.printing,
            overall=overall,
        )


def _tokens() -> Iterator[str]:
    """Four printable characters per job: a mark of an earlier job is never taken for this one's."""
    letters = string.ascii_uppercase + string.digits
    start = secrets.randbelow(len(letters) ** 4)
    for number in itertools.count(start):
        rest, token = number, ""
        for _ in range(4):
            rest, digit = divmod(rest, len(letters))
            token = letters[digit] + token
        yield token
