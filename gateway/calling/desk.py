"""The call desk: claims what waits to be called, rings, and writes down what became of it.

No timer of an escalation lives here: when to ring again and whom next is a row's `due` and its step.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Protocol

import structlog
from twisted.internet.defer import CancelledError, Deferred, DeferredList, DeferredSemaphore

from gateway import policy
from gateway.asterisk.role import Call, Ending, Phone, Placed
from gateway.asterisk.role import Outcome as CallOutcome
from gateway.calling.batch import Batch, Item
from gateway.calling.targets import Target, targets
from gateway.clock import Clock
from gateway.delivery import Attempt, Delivery, NewDelivery, Outcome, State, Step
from gateway.directory import Directory
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.policy import Move
from gateway.service import spawn, together
from gateway.settling import settle
from gateway.store import Store

log = structlog.get_logger()

#: Seconds of a call until somebody is identified, and for each result that is heard and keyed back (with
#: espeak-ng at its usual speed: 28 and 33). One call is about what fits into it; more begin another at once.
HELLO, EACH, BATCH = 30.0, 35.0, 12
#: A telephone that one of our own calls rings is asked for again after so many seconds.
ENGAGED = 3.0
#: How often it is looked whether somebody has it meanwhile, seconds: a call that nobody needs ends.
LOOK = 1.0
#: Names under which the store remembers telephones that somebody said are not theirs.
WRONG = "wrong number "

#: The conversation with whoever answers: it records acknowledgements, and what it says of the rest.
Talk = Callable[[Call, Batch], Awaitable[None]]


class Text(Protocol):
    """Shows a few words on a telephone's screen, without any patient's data."""

    async def __call__(self, target: Target, *, ward: str, results: int) -> None: ...


class Told(Protocol):
    """Tells the laboratory of something on paper."""

    async def __call__(self, topic: str, *, subject: str, reason: str) -> None: ...


class CallDesk:
    """Fills `gateway.dispatcher.Calls`."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        phone: Phone,
        tell: Told,
        clock: Clock,
        zone: tzinfo,
        node: str,
        concurrent: int,
        ring: float = 30.0,
        longest: float = 300.0,
        text: Text | None = None,
    ) -> None:
        """`longest`: how long one call may last, seconds."""
        self._store = store
        self._directory = directory
        self._phone = phone
        self._tell = tell
        self._clock = clock
        self._zone = zone
        self._node = node
        self._ring = ring
        self._most = max(1, min(BATCH, int((longest - HELLO) / EACH)))
        self._text = text
        self._ringing: set[str] = set()  # numbers
        self._free = DeferredSemaphore(concurrent)  # first come, first served: fair between wards
        self._working: dict[str, Deferred[None]] = {}
        self._again: set[str] = set()
        self._batches: dict[str, Batch] = {}
        self._running = True
        self.moved: Callable[[Delivery, Iterable[NewDelivery]], None] = lambda after, extra: None

    def batch(self, token: str) -> Batch | None:
        """What the call of this token is about; None once it has ended, and for any other word."""
        return self._batches.get(token)

    def kick(self, lane: str) -> None:
        if not self._running:
            return
        if lane in self._working:
            self._again.add(lane)
            return
        self._working[lane] = _NOTHING  # whoever kicks from within must find it taken
        self._working[lane] = spawn(self._lane(lane), f"calls {lane}")
        self._working[lane].addCallback(lambda _: self._ended(lane))

    async def stop(self, *, within: float) -> None:
        self._running = False
        under_way = list(self._working.values())
        cutting = self._clock.call_later(within, _cut, under_way)
        await DeferredList(under_way)
        if cutting.active():
            cutting.cancel()

    def _ended(self, lane: str) -> None:
        self._working.pop(lane, None)
        if lane in self._again:
            self._again.discard(lane)
            self.kick(lane)

    async def _lane(self, lane: str) -> None:
        """One ward's calls, one after another: its telephone rings once for all that waits."""
        while self._running:
            await self._free.acquire()
            try:
                # Claimed only now: what came while the line was busy is in the same call.
                rows = await self._store.claim(
                    lane, node=self._node, now=self._clock.now(), limit=self._most
                )
                rows = [row for row in rows if row.at.by == "call"]
                if not rows:
                    return
                for step, group in _by_step(rows):
                    await self._step(step, group)
            finally:
                self._free.release()

    async def _step(self, step: Step, rows: Sequence[Delivery]) -> None:
        now = self._clock.now()
        wrong = {name.removeprefix(WRONG) for name in await self._store.recall(WRONG)}
        found = targets(
            step,
            ward=rows[0].to,
            directory=self._directory,
            at=now,
            zone=self._zone,
            wrong=wrong,
        )
        if not found:
            reason = "nobody to call"
            await together(
                self._settle(row, policy.advance(row, reason=reason, now=now)) for row in rows
            )
            return
        first = min(row.tries for row in rows) % len(found)
        free = [t for t in (*found[first:], *found[:first]) if t.number not in self._ringing]
        if not free:
            # One person may be on call for many wards: no line waits for a telephone that is busy with us.
            await together(
                self._settle(row, policy.postpone(row, reason="engaged by us", due=now + ENGAGED))
                for row in rows
            )
            return
        self._ringing.add(free[0].number)
        try:
            await self._ring_up(free[0], rows)
        finally:
            self._ringing.discard(free[0].number)

    async def _ring_up(self, target: Target, rows: Sequence[Delivery]) -> None:
        """One call to one telephone, about all of `rows`, and the end of each one's attempt."""
        batch = Batch(ward=rows[0].to, target=target, items=())
        held: list[tuple[Delivery, Attempt]] = []
        batch.more = lambda: self._join(batch, held)
        await self._hold(batch, held, rows)
        outcome, detail = await self._call(batch)
        if batch.wrong_number:
            await self._flag(target)
            outcome = Outcome.PERMANENT
        await together(
            self._end(row, attempt, batch=batch, outcome=outcome, detail=detail)
            for row, attempt in held
        )

    async def _hold(
        self, batch: Batch, held: list[tuple[Delivery, Attempt]], rows: Sequence[Delivery]
    ) -> tuple[Item, ...]:
        """Write down that this call is about `rows` as well."""
        at, device = self._clock.now(), f"phone {batch.target.number}"
        items = [
            Item(delivery=row, stored=await self._store.content(row.message_id)) for row in rows
        ]
        begun = [self._store.begin(row, device=device, at=at, paper=False) for row in rows]
        attempts = [await attempt for attempt in begun]  # asked for together: one commit
        held += zip(rows, attempts, strict=True)
        batch.items += tuple(items)
        return tuple(items)

    async def _join(self, batch: Batch, held: list[tuple[Delivery, Attempt]]) -> tuple[Item, ...]:
        """What has come for the same telephone while its call lasted: told in it, not after it."""
        first, room = held[0][0], self._most - len(held)
        if room <= 0 or not self._running:
            return ()
        now = self._clock.now()
        rows = await self._store.claim(first.lane, node=self._node, now=now, limit=room)
        same = [row for row in rows if row.at == first.at]
        others = [row for row in rows if row.at != first.at]
        await together(
            self._settle(row, policy.postpone(row, reason=row.reason, due=now)) for row in others
        )
        return await self._hold(batch, held, same) if same else ()

    async def _end(
        self, row: Delivery, attempt: Attempt, *, batch: Batch, outcome: Outcome, detail: str
    ) -> None:
        now = self._clock.now()
        if row.message_id in batch.done:
            outcome, detail = Outcome.DELIVERED, "acknowledged"
        move = policy.after_attempt(row, outcome, detail=detail, now=now)
        ended = replace(attempt, ended_at=now, outcome=outcome, detail=detail)
        await self._settle(row, move, attempt=ended)

    async def _call(self, batch: Batch) -> tuple[Outcome, str]:
        """Place it and wait for its end; nothing raised but cancellation."""
        token = secrets.token_urlsafe(16)
        self._batches[token] = batch
        if self._text is not None:
            told = self._text(batch.target, ward=batch.ward, results=len(batch.items))
            spawn(told, "text")  # whoever is slow to take a text is rung all the same
        try:
            placed = await self._phone.call(batch.target.number, token, timeout=self._ring)
            watching = spawn(self._watch(batch, placed), "call watch")
            try:
                outcome = await placed.outcome()
            finally:
                watching.cancel()
        except TemporaryFailure as failure:
            return Outcome.TEMPORARY, failure.detail
        except PermanentFailure as failure:
            return Outcome.PERMANENT, failure.detail
        except Uncertain as failure:
            return Outcome.UNCERTAIN, failure.detail
        except CancelledError:
            raise
        except Exception:
            log.exception("bug", what="call")
            return Outcome.UNCERTAIN, "internal error"
        finally:
            del self._batches[token]
        return _judged(batch, outcome)

    async def _watch(self, batch: Batch, placed: Placed) -> None:
        """Somebody may have said to have it by another way: what nobody needs to hear is not said, and
        a call about nothing more ends."""
        while True:
            await self._pause(LOOK)
            for item in tuple(batch.left()):
                row = await self._store.delivery(item.delivery.id)
                if row.state is State.DELIVERED:
                    batch.done.add(item.stored.id)
            if batch.over and not batch.detail:
                await placed.hang_up()
                return

    def _pause(self, seconds: float) -> Deferred[None]:
        waited: Deferred[None] = Deferred(lambda _: timer.cancel() if timer.active() else None)
        timer = self._clock.call_later(seconds, lambda: waited.callback(None))
        return waited

    async def _flag(self, target: Target) -> None:
        """Somebody answered who is not who the directory says: nobody rings there before it was mended."""
        now = self._clock.now()
        log.error("alarm", alarm="wrong number", number=target.number)
        await self._store.remember(WRONG + target.number, {"name": target.name}, at=now)
        await self._tell("wrong number", subject=target.number, reason=target.name)

    async def _settle(self, row: Delivery, move: Move, *, attempt: Attempt | None = None) -> None:
        after = await settle(self._store, row, move, at=self._clock.now(), attempt=attempt)
        self.moved(after, move.extra)


_NOTHING: Deferred[None] = Deferred()


def _cut(under_way: Iterable[Deferred[None]]) -> None:
    for work in under_way:
        work.cancel()


def _by_step(rows: Sequence[Delivery]) -> list[tuple[Step, list[Delivery]]]:
    """Rows that ring the same telephones together, the most pressing first as they were claimed."""
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        found.setdefault(row.at.to, []).append(row)
    return [(group[0].at, group) for group in found.values()]


def _judged(batch: Batch, outcome: CallOutcome) -> tuple[Outcome, str]:
    """What a call that ended means for what nobody acknowledged in it."""
    if outcome.ending is Ending.REJECTED:
        return Outcome.PERMANENT, str(outcome.ending)
    if outcome.ending.answered:
        return Outcome.TEMPORARY, batch.detail or "answered, nobody identified"
    return Outcome.TEMPORARY, str(outcome.ending)
