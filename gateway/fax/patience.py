"""How long to leave a number alone after a fax that did not arrive, and when to stop: by cause, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.fax.verdict import Cause

#: Seconds between tries: the first pause, then the next; after the last one the number has had its tries.
#: A busy line frees itself within minutes; a person who was rung must not be rung again all night.
PAUSES: Mapping[Cause, tuple[float, ...]] = {
    Cause.BUSY: (30.0, 60.0, 60.0, 120.0, 120.0, 300.0),
    Cause.NO_ANSWER: (60.0, 180.0, 300.0),
    Cause.REJECTED: (120.0,),
    Cause.CONGESTION: (20.0, 60.0, 120.0, 300.0),
    Cause.UNREACHABLE: (20.0, 60.0, 120.0, 300.0),
    Cause.VOICE: (300.0,),
    Cause.NEGOTIATION: (20.0, 60.0, 300.0),
    Cause.CUT: (20.0, 60.0, 300.0),
    Cause.PARTIAL: (20.0, 60.0, 300.0),
}
#: Once it has had its tries, the number is rung again only so often, until one fax arrives.
GIVEN_UP = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The state of one number: how often in a row it failed this way, and until when it is left alone."""

    cause: Cause | None = None
    failures: int = 0
    until: float = 0.0
    exhausted: bool = False

    def resting(self, now: float) -> bool:
        return now < self.until


def after(rest: Rest, cause: Cause | None, *, now: float, tries: Mapping[Cause, int]) -> Rest:
    """The state after one more call. `tries`: how many the site allows, where it says so."""
    if cause in (None, Cause.STATION):  # a stranger stops the number by himself: `register`
        return Rest()
    failures = rest.failures + 1 if rest.cause is cause else 1
    pauses = PAUSES[cause]
    most = tries.get(cause, len(pauses))
    if failures > most:
        return Rest(cause=cause, failures=failures, until=now + GIVEN_UP, exhausted=True)
    pause = pauses[min(failures, len(pauses)) - 1]
    return Rest(cause=cause, failures=failures, until=now + pause)
