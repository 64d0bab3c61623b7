"""One attempt at a fax: ten pages a call, on from where a line was cut, and what all its calls come to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred

from gateway.clock import Clock
from gateway.errors import DeliveryFailure, TemporaryFailure, Uncertain
from gateway.fax.pages import Part
from gateway.fax.verdict import Cause, Verdict

#: Calls after a line that was cut in the middle, within one attempt, and the pause before each, seconds.
RESUMES, RESUME_PAUSE = 2, 10.0


class Sending:
    """All calls of one attempt. `ring` places one; `most` pages go into each, the cover not counted."""

    def __init__(
        self,
        ring: Callable[[Part], Awaitable[Verdict]],
        pages: int,
        *,
        most: int,
        until: float | None,
        clock: Clock,
    ) -> None:
        self._ring = ring
        self._pages = pages
        self._most = most
        self._until = until
        self._clock = clock
        self._done = 0  # pages confirmed
        self._begun = False  # the next one may have come in part
        self._calls = 0
        self._cuts = 0
        self._station = ""

    async def run(self) -> str:
        """The proof. Raises TemporaryFailure only while no page of the slip has left."""
        while self._done < self._pages:
            part = self._part()
            try:
                verdict = await self._ring(part)
            except DeliveryFailure as failure:
                if not self._left:
                    raise
                raise Uncertain(self._said(failure.detail), reasons=failure.reasons) from failure
            self._count(part, verdict)
            if not verdict.arrived:
                await self._failed(verdict)
        calls = f" in {self._calls} calls" if self._calls > 1 else ""
        return proof(f"{self._done}/{self._pages}", by=self._station) + calls

    def _part(self) -> Part:
        first = self._done + 1
        last = min(self._done + self._most, self._pages)
        return Part(first=first, last=last, of=self._pages, begun=self._begun)

    @property
    def _left(self) -> bool:
        """Something of the slip may lie in the tray."""
        return self._done > 0 or self._begun

    def _count(self, part: Part, verdict: Verdict) -> None:
        self._calls += 1
        self._station = verdict.station
        if verdict.arrived:
            self._done, self._begun = part.last, False
        elif verdict.pages:  # the cover is the first of them, and the page after the last had begun
            self._done = min(part.first + verdict.pages - 2, part.last)
            self._begun = True

    async def _failed(self, verdict: Verdict) -> None:
        """Once more from where the line was cut; raises where that is no use."""
        assert verdict.cause is not None
        cut = verdict.cause in (Cause.CUT, Cause.PARTIAL)
        again = self._clock.now() + RESUME_PAUSE
        in_time = self._until is None or again < self._until
        missing = self._done < self._pages  # all confirmed and yet no success: nobody knows
        if cut and self._left and missing and self._cuts < RESUMES and in_time:
            self._cuts += 1
            await self._pause(RESUME_PAUSE)
            return
        reasons = (str(verdict.cause),)
        if self._left or verdict.cause is Cause.STATION:
            raise Uncertain(self._said(_named(verdict)), reasons=reasons)
        raise TemporaryFailure(_named(verdict), reasons=reasons)

    def _said(self, why: str) -> str:
        begun = self._begun and self._done < self._pages
        more = f", page {self._done + 1} begun" if begun else ""
        return f"{why}; pages {self._done}/{self._pages} confirmed{more}"

    async def _pause(self, seconds: float) -> None:
        waited: Deferred[None] = Deferred(lambda _: call.cancel())
        call = self._clock.call_later(seconds, waited.callback, None)
        await waited


def proof(pages: str, *, by: str) -> str:
    """What stands in the record of a fax that arrived."""
    return f"T.30: pages {pages} confirmed by {by or 'a station without name'}"


def _named(verdict: Verdict) -> str:
    if verdict.cause is Cause.STATION:
        return f"{verdict.cause}: {verdict.station or 'a station without name'}"
    return str(verdict.cause)
