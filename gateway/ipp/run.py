"""One document on one printer: handed over, followed until its last side is out, or taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from gateway.errors import TemporaryFailure, Uncertain
from gateway.ipp.boot import Boot
from gateway.ipp.errors import Trouble, Unreachable
from gateway.ipp.printer import Condition, Printer, Record, Refused
from gateway.ipp.verdict import ended, refused
from printers.ipp import JobState, Value

_log = structlog.get_logger()

Reasons = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Lengths of time, in seconds."""

    printing: float = (
        120.0  # from handing over to the last side; stands still while it cannot print
    )
    settle: float = 30.0  # to find out, over a link that broke, whether a job arrived
    cancel: float = 5.0  # for a job that is taken back to be gone
    stopping: float = 1.5  # the same when the service ends
    counting: float = 3.0  # for the sides of a job that is completed to be counted
    silence: float = 3.0  # a printer that answers nothing for so long in mid-job is in trouble
    fastest: float = 0.02  # between two looks at first, doubled each time
    slowest: float = 1.0


USUAL = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is printed as one job."""

    data: bytes = field(repr=False)
    format: str  # "application/pdf", "image/pwg-raster"
    pages: int | None = None  # where it is known


class Run:
    """One job on a printer that said it can print. `deadline` in the clock's seconds."""

    def __init__(
        self,
        printer: Printer,
        condition: Condition,
        *,
        clock: IReactorTime,
        deadline: float,
        on_trouble: Callable[[Reasons], None],
        limits: Limits = USUAL,
        counts: bool = True,
    ) -> None:
        self._printer = printer
        self._before = condition
        self._creates = condition.creates
        self._boot = Boot.of(condition.up_time, clock.seconds())
        self._clock = clock
        self._deadline = deadline
        self._on_trouble = on_trouble
        self._limits = limits
        self._counts = counts
        self._reasons: Reasons = ()
        self._well_since = clock.seconds()
        self._patience = limits.printing
        self._heard = clock.seconds()
        self._doubt: Trouble | None = None  # how handing over broke off, when it may have arrived

    async def document(
        self, document: Document, *, name: str, options: Mapping[str, Value]
    ) -> Record:
        """The job once it is printed. Raises TemporaryFailure, PermanentFailure or Uncertain."""
        job = await self.hand_over(document, name=name, options=options)
        self._well_since = self._heard = self._clock.seconds()
        try:
            record = await self._follow(job, name)
            record = await self._counted(record, name, pages=document.pages or 1)
        except CancelledError as cancelled:
            if not self._reasons:
                raise Uncertain("given up while printing") from cancelled
            # It would come out once somebody helps the printer.
            record = await self._take_back(job, within=self._limits.stopping)
        return ended(record, pages=document.pages, counts=self._counts, reasons=self._reasons)

    # -- handing over

    async def hand_over(
        self, document: Document, *, name: str, options: Mapping[str, Value]
    ) -> int:
        """The number of the job, once the printer has all of it, or may have. Raises the failures."""
        try:
            if not self._creates:
                return await self._printer.print_job(
                    document.data, document.format, name=name, options=options
                )
            job = await self._printer.create_job(name=name, options=options)
        except Refused as answer:
            raise refused(answer) from answer
        except Unreachable as gone:
            raise TemporaryFailure(str(gone), reasons=("timed-out",)) from gone
        except Trouble as broken:
            found = await self._settle(name, broken)
            if not self._creates:
                return found.id
            job = found.id  # made, and without a document so far
        except CancelledError as cancelled:
            raise Uncertain("given up while it was handed over") from cancelled
        return await self._send(job, document)

    async def _send(self, job: int, document: Document) -> int:
        try:
            await self._printer.send_document(job, document.data, document.format)
        except Refused as answer:
            await self._gone(job)
            raise refused(answer) from answer
        except Unreachable as gone:
            await self._gone(job)
            raise TemporaryFailure(str(gone), reasons=("timed-out",)) from gone
        except Trouble as broken:
            self._doubt = broken
        except CancelledError as cancelled:
            raise Uncertain("given up while it was handed over") from cancelled
        return job

    async def _gone(self, job: int) -> None:
        """A job that has no document: let the printer forget it; it cannot print anything."""
        try:
            await self._printer.cancel(job)
        except (Trouble, Refused) as trouble:
            _log.info("ipp.empty_job_left", job=job, why=str(trouble))

    async def _settle(self, name: str, broken: Trouble) -> Record:
        """The link broke: did it arrive? Only the printer knows, and only if it was not restarted."""
        end = min(self._deadline, self._clock.seconds() + self._limits.settle)
        looked = 0
        while True:
            try:
                condition = await self._printer.condition()
                found = await self._printer.find(name)
                if found is None and not self._boot.same(condition.up_time, self._clock.seconds()):
                    raise Uncertain(f"{broken}, and the printer may have been restarted since")
                looked += 1
            except (Trouble, Refused) as still:
                found = None
                _log.info("ipp.unsettled", why=str(still))
            except CancelledError as cancelled:
                raise Uncertain(f"{broken}; given up before it was settled") from cancelled
            if found is not None:
                return found
            if (
                looked >= 2
            ):  # once more after a while: a slow printer may just have been writing it down
                raise TemporaryFailure(
                    f"{broken}; the printer has no such job", reasons=("timed-out",)
                )
            if self._clock.seconds() >= end:
                raise Uncertain(
                    f"{broken}; nobody can tell whether it arrived", reasons=("timed-out",)
                )
            await self._pause(1.0)

    # -- following

    async def _follow(self, job: int, name: str) -> Record:
        pause = self._limits.fastest
        while True:
            record = await self._look(job, name)
            if record is not None and record.over:
                if record.state == JobState.COMPLETED:
                    self._told(())
                return record
            await self._learn()
            if record is not None and self._doubt is not None and _never_came(record):
                return await self._take_back(job, within=self._limits.cancel)
            if self._clock.seconds() >= self._until():
                return await self._take_back(job, within=self._limits.cancel)
            await self._pause(pause)
            pause = min(pause * 2, self._limits.slowest)

    async def _counted(self, record: Record, name: str, *, pages: int) -> Record:
        """A printer may call a job completed a moment before it has counted its last side."""
        end = self._clock.seconds() + self._limits.counting
        while (
            self._counts
            and record.state == JobState.COMPLETED
            and (record.impressions or 0) < pages
            and self._clock.seconds() < end
        ):
            await self._pause(0.5)
            record = await self._look(record.id, name) or record
        return record

    async def _look(self, job: int, name: str) -> Record | None:
        """How the job is; None while the printer does not answer."""
        try:
            record = await self._printer.job(job)
        except (Trouble, Refused) as trouble:
            _log.info("ipp.unheard", job=job, why=str(trouble))
            return None
        if record is None or record.name not in ("", name):
            # Numbers begin anew with the printer: what was printed before it ended nobody knows.
            raise Uncertain("the printer was restarted, or forgot the job")
        self._heard = self._clock.seconds()
        return record

    async def _learn(self) -> None:
        """What ails the printer now."""
        try:
            reasons = (await self._printer.condition()).holds(self._before)
        except (Trouble, Refused):
            silent = self._clock.seconds() - self._heard > self._limits.silence
            reasons = ("timed-out",) if silent else self._reasons
        self._told(reasons)

    def _told(self, reasons: Reasons) -> None:
        if reasons == self._reasons:
            return
        now = self._clock.seconds()
        if _held(reasons) and not _held(self._reasons):
            self._patience -= now - self._well_since
        elif _held(self._reasons) and not _held(reasons):
            self._well_since = now
        self._reasons = reasons
        self._on_trouble(reasons)

    def _until(self) -> float:
        """The job's clock stands still while paper or cover is missing; the step's deadline does not."""
        if _held(self._reasons):
            return self._deadline
        return min(self._deadline, self._well_since + self._patience)

    # -- taking back

    async def _take_back(self, job: int, *, within: float) -> Record:
        """Cancelled, or it comes out later beside the one printed elsewhere; how it ended all the same."""
        end = self._clock.seconds() + within
        asked = False
        while self._clock.seconds() < end:
            try:
                record = await self._printer.job(job)
                if record is None:
                    raise Uncertain("the printer was restarted, or forgot the job")
                if record.over:
                    return record
                if not asked:
                    await self._printer.cancel(job)
                    asked = True
            except (Trouble, Refused) as trouble:
                _log.info("ipp.not_cancelled", job=job, why=str(trouble))
            await self._pause(0.2)
        why = "cancelled, and not seen to end" if asked else "could not be cancelled"
        raise Uncertain(f"not printed in time; {why}", reasons=self._reasons or ("timed-out",))

    async def _pause(self, seconds: float) -> None:
        await deferLater(self._clock, seconds)


def _held(reasons: Reasons) -> bool:
    """Somebody must help the printer first; a printer that is not heard of runs out of time."""
    return bool(reasons) and reasons != ("timed-out",)


def _never_came(record: Record) -> bool:
    """The link broke, and the printer still waits for the document."""
    waiting = {"job-incoming", "job-data-insufficient"}
    return record.state in (JobState.PENDING, JobState.HELD) and bool(waiting & set(record.reasons))
