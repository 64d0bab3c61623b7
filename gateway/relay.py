"""The platform's lane: the first step of every relayed plan, and the way back after an outage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

import structlog
from twisted.internet.defer import CancelledError, Deferred, DeferredList

from gateway import policy
from gateway.clock import Clock
from gateway.compose import Composer
from gateway.delivery import Attempt, Delivery, NewDelivery, Outcome, Purpose, Receipt
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.policy import Move
from gateway.service import spawn, together
from gateway.settling import settle
from gateway.store import Store

log = structlog.get_logger()

#: How long a message that only the platform can use may wait for one answer, seconds.
PATIENCE = 30.0
BATCH = 100


class Link(Protocol):
    """The main messaging platform as a channel."""

    async def deliver(
        self,
        raw: bytes,
        control_id: str,
        *,
        timeout: float,
        token: object = None,
        again: bool = False,
    ) -> Receipt:
        """The platform's confirmation; `again`: it may have this message already.

        Raises TemporaryFailure, PermanentFailure or Uncertain.
        """
        ...


class Judge(Protocol):
    """Who says whether the platform is up."""

    def admits(self, *, trial: bool) -> bool:
        """Whether a message may be sent to it now; `trial`: one that nobody waits for."""
        ...

    @property
    def open(self) -> bool: ...

    @property
    def trial_limit(self) -> float | None:
        """None while open; else how many seconds the single message on trial may take."""
        ...

    @property
    def reason(self) -> str: ...


class Relay:
    """Claims what is due for the platform, in order per patient, as many at once as its window."""

    def __init__(
        self,
        store: Store,
        link: Link,
        *,
        judge: Judge,
        window: int,
        composer: Composer,
        clock: Clock,
        node: str,
    ) -> None:
        self._store = store
        self._link = link
        self._judge = judge
        self._window = window
        self._composer = composer
        self._clock = clock
        self._node = node
        self._began = clock.now()
        self._flying: dict[int, tuple[str, Deferred[None]]] = {}
        self._pumping = False
        self._again = False
        self._running = True
        self.moved: Callable[[Delivery, Iterable[NewDelivery]], None] = lambda after, extra: None

    def kick(self) -> None:
        """There is, or may be, something for the platform."""
        if self._pumping:
            self._again = True
        elif self._running:
            self._pumping = True
            spawn(self._pump(), "relay").addCallback(lambda _: self._pumped())

    async def stop(self, *, within: float) -> None:
        """Send nothing more; answers may still come for `within` seconds.

        What has none by then stays claimed and is sent again at the next start, under its own
        control id: the platform knows it by that.
        """
        self._running = False
        flying = [done for _, done in self._flying.values()]
        cutting = self._clock.call_later(within, _cut, flying)
        await DeferredList(flying)
        if cutting.active():
            cutting.cancel()

    def _pumped(self) -> None:
        self._pumping = False
        if self._again:
            self._again = False
            self.kick()

    async def _pump(self) -> None:
        while self._running:
            free = self._window - len(self._flying) if self._judge.open else BATCH
            if free <= 0:
                return
            busy = {patient for patient, _ in self._flying.values() if patient}
            rows = await self._store.claim(
                "platform", node=self._node, now=self._clock.now(), limit=free, busy=busy
            )
            if not rows:
                return
            await together(self._one(row) for row in rows)

    async def _one(self, row: Delivery) -> None:
        if not self._admits(row):
            now = self._clock.now()
            await self._settle(
                row, policy.platform_is_down(row, reason=self._judge.reason, now=now)
            )
            return
        self._flying[row.id] = (row.patient_key, _NOTHING)
        done = spawn(self._send(row), f"relay {row.id}")
        self._flying[row.id] = (row.patient_key, done)
        done.addCallback(lambda _: self._landed(row))

    def _admits(self, row: Delivery) -> bool:
        trial = row.purpose is not Purpose.WARD
        return self._judge.admits(trial=trial) and (self._judge.open or not self._flying)

    def _landed(self, row: Delivery) -> None:
        self._flying.pop(row.id, None)
        self.kick()

    async def _send(self, row: Delivery) -> None:
        at = self._clock.now()
        attempt = await self._store.begin(row, device="platform", at=at, paper=False)
        trial = self._judge.trial_limit is not None
        outcome, detail = await self._deliver(row)
        now = self._clock.now()
        ended = replace(attempt, ended_at=now, outcome=outcome, detail=detail)
        if trial and outcome is not Outcome.DELIVERED and row.purpose is not Purpose.WARD:
            move = policy.after_trial(row, detail=detail, now=now)
        else:
            move = policy.after_attempt(row, outcome, detail=detail, now=now)
        await self._settle(row, move, attempt=ended)

    async def _deliver(self, row: Delivery) -> tuple[Outcome, str]:
        try:
            raw, control_id = await self._composer.for_platform(row)
            receipt = await self._link.deliver(
                raw,
                control_id,
                timeout=self._patience(row),
                token=row.message_id,
                again=await self._doubted(row),
            )
        except TemporaryFailure as failure:
            return Outcome.TEMPORARY, failure.detail
        except PermanentFailure as failure:
            return Outcome.PERMANENT, failure.detail
        except Uncertain as failure:
            return Outcome.UNCERTAIN, failure.detail
        except CancelledError:
            raise
        except Exception:
            log.exception("bug", what="relay", delivery=row.id)
            return Outcome.UNCERTAIN, "internal error"
        return Outcome.DELIVERED, receipt.proof

    async def _doubted(self, row: Delivery) -> bool:
        """Whether an earlier process may have sent it: this one's tries the link knows itself."""
        return row.created_at < self._began and await self._store.doubted(row.message_id)

    def _patience(self, row: Delivery) -> float:
        """Seconds this message may wait for its answer."""
        if self._judge.trial_limit is not None:
            return self._judge.trial_limit
        if row.deadline is None:
            return PATIENCE
        return max(row.deadline - self._clock.now(), 0.0)

    async def _settle(self, row: Delivery, move: Move, *, attempt: Attempt | None = None) -> None:
        after = await settle(self._store, row, move, at=self._clock.now(), attempt=attempt)
        self.moved(after, move.extra)


_NOTHING: Deferred[None] = Deferred()


def _cut(flying: Iterable[Deferred[None]]) -> None:
    for work in flying:
        work.cancel()
