"""From the last byte sent to the proof: waits for the printer's mark, watching what it says meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime

from gateway.channels.escpos_link.wire import Inquiry, LinkLost, Said, Wire
from gateway.errors import Uncertain
from printers import command
from printers.model import Fence
from printers.status import AutoStatus, Cleared, Event, PaperStatus, ProcessId, Status, severe

_log = structlog.get_logger()

Reasons = tuple[str, ...]

_KINDS = {Fence.PROCESS_ID: "GS ( H", Fence.GS_R: "GS r", Fence.NONE: "sent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Lengths of time, in seconds."""

    connect: float = 3.0
    answer: float = 2.0  # for each answer to DLE EOT
    printing: float = 30.0  # from the slip to its mark; stands still while it cannot print
    overall: float = 600.0  # the job from its first moment, standing still or not
    clear: float = 2.0  # for the answer to clear-buffers, after `overall`
    poll: float = 1.0  # between questions while it prints; printers hang up on 5 min of silence
    settle: float = 3.0  # without a fence: how long nothing may be wrong after the slip was sent
    close: float = 1.0


USUAL = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The slip is on paper, as far as this printer can tell."""

    kind: str  # "GS ( H", "GS r", or "sent" where it can tell nothing
    token: str
    confirmed: bool  # False: handed over, and for a while nothing was wrong
    reasons: Reasons = ()  # what stood at the end: ("media-low",)

    def __str__(self) -> str:
        if not self.confirmed:
            return "sent, unconfirmed"
        return f"{self.kind} {self.token}" if self.kind == "GS ( H" else self.kind


class Printing:
    """A job whose bytes have all been handed to the network."""

    def __init__(
        self,
        wire: Wire,
        clock: IReactorTime,
        *,
        fence: Fence,
        token: str,
        limits: Limits,
        deadline: float,
        on_event: Callable[[Reasons], None],
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._fence = fence
        self._token = token
        self._limits = limits
        self._deadline = deadline
        self._on_event = on_event
        self._reasons: Reasons = ()
        self._well_since = clock.seconds()
        self._patience = limits.printing  # seconds of printing left when it was last well
        self._next_poll = self._well_since + limits.poll
        self._inquiry: Inquiry | None = None

    async def proof(self, reasons: Reasons) -> Proof:
        """`reasons`: what the printer said before it was sent anything."""
        self._reasons = reasons
        try:
            if not await self._mark():
                await self._clear("no proof in time")
        except CancelledError as cancelled:
            if severe(self._reasons):  # it would come out once somebody helps the printer
                await self._clear("given up while it could not print")
            raise self._uncertain("given up while printing") from cancelled
        await self._check_cutter()
        return Proof(
            kind=_KINDS[self._fence],
            token=self._token,
            confirmed=self._fence is not Fence.NONE,
            reasons=self._reasons,
        )

    async def _mark(self) -> bool:
        """True when the mark came, False when time was up."""
        while (now := self._clock.seconds()) < self._until():
            if now >= self._next_poll:
                self._poll(now)
            event = await self._next(min(self._until(), self._next_poll))
            if event is not None and self._take(event):
                return True
        return False

    def _until(self) -> float:
        """The clock of the job stands still while paper or cover is missing; the deadline does not."""
        if severe(self._reasons):
            return self._deadline
        return min(self._deadline, self._well_since + self._patience)

    def _poll(self, now: float) -> None:
        self._next_poll = now + self._limits.poll
        if self._inquiry is None:
            self._inquiry = Inquiry(self._wire)

    def _take(self, event: Event | Said) -> bool:
        """Is it the mark?"""
        match event:
            case ProcessId(token) if self._fence is Fence.PROCESS_ID:
                return token == self._token  # another job's may still be under way
            case PaperStatus() if self._fence is Fence.GS_R:
                return True
            case AutoStatus():
                self._learn(event.reasons)
            case Said() if self._inquiry is not None:
                return self._heard(self._inquiry.take(event))
            case _:
                _log.info("escpos.unexpected", what=type(event).__name__)
        return False

    def _heard(self, status: Status | None) -> bool:
        """An inquiry got another answer; all four of them are as near to a mark as no fence comes."""
        if status is None:
            return False
        self._inquiry = None
        self._learn(status.reasons)
        settled = self._clock.seconds() - self._well_since >= self._limits.settle
        return self._fence is Fence.NONE and status.ready and settled

    def _learn(self, reasons: Reasons) -> None:
        if reasons == self._reasons:
            return
        now = self._clock.seconds()
        if severe(reasons) and not severe(self._reasons):
            self._patience -= now - self._well_since
        elif severe(self._reasons) and not severe(reasons):
            self._well_since = now
        self._reasons = reasons
        self._on_event(reasons)

    async def _clear(self, why: str) -> None:
        """Empty the printer, or this slip comes out later beside the one printed elsewhere instead.

        Returns only if the mark came after all.
        """
        self._wire.send(command.clear_buffers())
        until = self._clock.seconds() + self._limits.clear
        while (event := await self._next(until)) is not None:
            if isinstance(event, Cleared):
                raise self._uncertain(f"{why}; printer's buffers cleared")
            if self._fence is not Fence.NONE and self._take(event):
                return
        raise self._uncertain(f"{why}; clearing the printer's buffers was not confirmed")

    async def _check_cutter(self) -> None:
        """The mark is proof, should all end here; but a stuck blade is not a slip in hand."""
        self._wire.ask(3)
        until = self._clock.seconds() + self._limits.answer
        try:
            while (event := await self._wire.next(until)) is not None:
                match event:
                    case Said(3, byte) if byte & 0x08:
                        raise Uncertain("printed, but the cutter is stuck", reasons=("media-jam",))
                    case Said(3):
                        return
                    case AutoStatus():
                        self._learn(event.reasons)
                    case PaperStatus() if self._fence is Fence.GS_R:
                        raise Uncertain("answered GS r more than once: no proof")
        except (LinkLost, CancelledError):
            return

    async def _next(self, until: float) -> Event | Said | None:
        try:
            return await self._wire.next(until)
        except LinkLost as lost:
            raise self._uncertain("link lost while printing") from lost

    def _uncertain(self, detail: str) -> Uncertain:
        return Uncertain(detail, reasons=self._reasons or ("timed-out",))
