"""What page printers and queues have in common: whom we ask, whether it can print, what it is given."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field
from twisted.internet.interfaces import IReactorTime

from gateway.clock import Clock
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.ipp.address import Address, Uri
from gateway.ipp.errors import Trouble, Untrusted
from gateway.ipp.options import Finishing, Paper
from gateway.ipp.printer import Condition, Printer, Refused
from gateway.ipp.run import Document, Limits, Run
from gateway.ipp.sheets import Setter
from gateway.ipp.wire import Patience, Wire
from gateway.settings import Duration, Name
from gateway.settings import Settings as Base
from printers.ipp import Value
from printers.slip import Slip, Text


class PageSettings(Base):
    """What every `[[devices]]` that puts out pages says."""

    name: Name
    connect: Uri
    paper: Paper = "iso_a4_210x297mm"
    tray: str = ""  # the printer's own name for it
    sides: Literal["one-sided", "two-sided-long-edge", "two-sided-short-edge"] = "one-sided"
    copies: Annotated[int, Field(ge=1, le=10)] = 1
    connect_within: Duration = 5.0
    answer_within: Duration = 10.0


class Job(Protocol):
    """An attempt, as far as it is our business (`gateway.channels.Job`)."""

    @property
    def begin(self) -> Callable[[], Awaitable[Slip]]: ...
    @property
    def until(self) -> float | None: ...
    @property
    def trouble(self) -> Callable[[tuple[str, ...]], None]: ...
    @property
    def name(self) -> str: ...


class Line(Protocol):
    """An `Ask` whose connection is hung up when all is said."""

    async def __call__(self, question: Any, document: bytes = b"") -> Any: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One job, ready to be handed over."""

    run: Run
    document: Document
    name: str
    options: dict[str, Value]


class Counter:
    """One printer or queue. `line`: how it is asked, where that is not over its network address."""

    def __init__(
        self,
        settings: PageSettings,
        *,
        place: Address,
        sheets: Setter,
        reactor: Any,
        clock: Clock,
        line: Line | None = None,
    ) -> None:
        self._place = place
        self._sheets = sheets
        self._timer: IReactorTime = reactor
        self._reactor = reactor
        self._clock = clock
        self._line = line
        self._tray = settings.tray
        self._patience = Patience(connect=settings.connect_within, answer=settings.answer_within)
        self.finishing = Finishing(
            paper=settings.paper,
            tray=settings.tray,
            sides=settings.sides,
            copies=settings.copies,
        )

    @asynccontextmanager
    async def printer(self) -> AsyncIterator[Printer]:
        """It, to be asked for as long as the block lasts."""
        line = self._line
        if line is None:
            endpoint = self._place.endpoint(self._reactor)
            line = Wire(endpoint, self._place, clock=self._timer, patience=self._patience)
        try:
            yield Printer(line, self._place.uri, tray=self._tray)
        finally:
            line.close()

    async def standing(self) -> tuple[str, tuple[str, ...]]:
        """Its state and reasons, as a `DeviceStatus` has them. Printing nothing; never raises."""
        try:
            async with self.printer() as printer:
                condition = await printer.condition()
        except Untrusted:
            return "trouble", ("untrusted",)
        except (Trouble, Refused):
            return "unreachable", ("timed-out",)
        if condition.stops:
            return "trouble", condition.reasons or condition.stops
        return "ok", condition.reasons

    async def ready(self, printer: Printer) -> Condition:
        """How it is, once it has said that it can print what we would send. Raises the failures."""
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

    async def order(
        self,
        printer: Printer,
        condition: Condition,
        *,
        job: Job,
        limits: Limits,
        counts: bool = True,
    ) -> Order:
        """The job begun and its sheets set. Raises the failures."""
        document = await self._sheets.set(await job.begin(), condition.formats, condition.about)
        left = 600.0 if job.until is None else job.until - self._clock.now()
        if left <= 0:
            raise TemporaryFailure("gave up before anything was sent", reasons=("timed-out",))
        run = Run(
            printer,
            condition,
            clock=self._timer,
            deadline=self._timer.seconds() + left,
            on_trouble=job.trouble,
            limits=limits,
            counts=counts,
        )
        return Order(
            run=run,
            document=document,
            # Of ids only: it stands on the printer's panel and in its history, for all to read.
            name=f"{job.name or 'WL'}-{secrets.token_hex(4)}",
            options=self.finishing.attributes(condition.about),
        )


def one_line(words: bytes) -> Callable[[], Awaitable[Slip]]:
    """What begins the job of a test page (`check --devices`)."""

    async def begin() -> Slip:
        return Slip(header=(), body=(Text(text=words.decode("ascii", "replace")),))

    return begin
