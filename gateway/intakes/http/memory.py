"""Requests that were answered under a key: the same request again has the same answer.

For a day, and no longer than the process: beyond that a message is known by its own control id, which the
store keeps, so that nothing is taken twice in silence.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

from gateway.clock import Clock
from gateway.inbox import LONG
from gateway.intakes.http.answers import Answer, Problem
from gateway.service import Aside, at_once

MOST, LASTS = 10_000, 86400.0


@dataclass(slots=True)
class _Known:
    digest: bytes
    until: float
    answer: Answer | None = None  # None: still under way


class Memory:
    """Answers by sender and key. Only what was taken is remembered: what failed may be tried again."""

    def __init__(self, clock: Clock, *, aside: Aside = at_once) -> None:
        self._aside = aside
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    async def once(
        self,
        name: tuple[str, str],
        *said: bytes,
        work: Callable[[], Awaitable[Answer]],
        reused: Problem,
    ) -> Answer:
        """The answer to `work`, or the one it had. Raises Problem: 409 while it is under way, `reused`
        where the key stands for something else."""
        if not name[1]:
            return await work()
        digest = await self._digest(said)
        self._forget()
        known = self._known.get(name)
        if known is not None:
            if known.digest != digest:
                raise reused
            if known.answer is None:
                raise Problem(409, "conflict", headers={"Retry-After": "1"})
            return known.answer
        self._known[name] = mine = _Known(digest, self._clock.now() + LASTS)
        try:
            mine.answer = await work()
        except BaseException:
            self._known.pop(name, None)
            raise
        return mine.answer

    async def _digest(self, said: tuple[bytes, ...]) -> bytes:
        def work() -> bytes:
            found = sha256()
            for part in said:
                found.update(b"%d:" % len(part))
                found.update(part)  # of 16 MB: 12 ms
            return found.digest()

        return await self._aside(work) if sum(map(len, said)) > LONG else work()

    def _forget(self) -> None:
        now = self._clock.now()
        while self._known:
            name, oldest = next(iter(self._known.items()))
            if oldest.until > now and len(self._known) < MOST:
                return
            del self._known[name]
