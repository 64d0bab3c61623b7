"""Fax calls under way, written down before a number is rung: no restart rings it once more beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.clock import Clock
from gateway.store import Store

#: Under what the store remembers them, followed by the call's token.
PREFIX = "faxing "
#: Seconds after which none can be left: a minute to ring, and what `dialplans/` allows a fax.
LONGEST = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxCall:
    """One call, as whoever comes after needs it to make something of its end."""

    token: str
    device: str
    number: str
    pages: int  # in its file, the cover among them
    expected: str | None
    completes: str  # the job that has arrived once this call's pages have; "" for a part or a test
    at: float  # seconds, UTC


class UnderWay:
    """The calls of all fax devices, as the store remembers them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._calls: dict[str, FaxCall] = {}

    async def load(self) -> Collection[FaxCall]:
        """What an earlier process left."""
        found = await self._store.recall(PREFIX)
        self._calls = {call.token: call for call in map(_read, found.values())}
        return tuple(self._calls.values())

    async def begin(self, call: FaxCall) -> None:
        self._calls[call.token] = call
        await self._store.remember(PREFIX + call.token, asdict(call), at=call.at)

    async def end(self, call: FaxCall) -> None:
        """Nothing of it is left in Asterisk."""
        self._calls.pop(call.token, None)
        await self._store.remember(PREFIX + call.token, None, at=self._clock.now())

    def left(self, call: FaxCall) -> float:
        """Seconds that it can still last."""
        return max(0.0, min(LONGEST, call.at + LONGEST - self._clock.now()))

    def busy(self, number: str) -> bool:
        return any(call.number == number for call in self._calls.values())


def _read(saved: Mapping[str, Any]) -> FaxCall:
    return FaxCall(**{key: saved[key] for key in FaxCall.__dataclass_fields__})
