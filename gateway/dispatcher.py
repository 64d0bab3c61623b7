"""Claim what is due, hand it to its channel, write down what happened: the only mover of deliveries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import structlog
from twisted.internet.defer import Deferred, DeferredList, DeferredLock
from twisted.internet.interfaces import IDelayedCall

from gateway import policy
from gateway.agenda import Agenda
from gateway.clock import Clock
from gateway.delivery import Attempt, Delivery, NewDelivery, Purpose, State
from gateway.directory import PAPER, Directory
from gateway.health import OK, Condition, Health
from gateway.policy import Move
from gateway.printing import Press
from gateway.relay import Relay
from gateway.service import spawn, together
from gateway.settling import settle
from gateway.store import Accepted, Store

log = structlog.get_logger()

#: How often deadlines and moments due are looked at, seconds.
TICK = 0.25
#: How often the whole table is asked which lanes have work, in case a word of it was missed.
SURVEY = 30.0
BATCH = 100
#: How long a stop waits for attempts under way, seconds.
STOP = 2.5


class Calls(Protocol):
    """Who rings people: it claims, settles and escalates the lanes of calls by itself."""

    moved: Callable[[Delivery, Iterable[NewDelivery]], None]

    def kick(self, lane: str) -> None:
        """There is, or may be, somebody to call in this lane."""
        ...

    async def stop(self, *, within: float) -> None:
        """Ring nobody more; calls under way may end, for `within` seconds."""
        ...


class Dispatcher:
    """One worker per lane and device: a dead printer delays nobody who does not need it."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        devices: Iterable[str],
        relay: Relay | None,
        press: Press,
        health: Health,
        clock: Clock,
        node: str,
        quiet_since: Callable[[float], bool] = lambda moment: False,
        receipted: Collection[str] = (),
        calls: Calls | None = None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._relay = relay
        self._press = press
        self._health = health
        self._clock = clock
        self._node = node
        self._quiet_since = quiet_since
        self._receipted = receipted  # intakes whose receivers say what they have
        self._calls = calls
        if calls is not None:
            calls.moved = self._moved
        self._gates = {name: DeferredLock() for name in devices}
        self._working: dict[tuple[str, str], Deferred[None]] = {}
        self._again: set[tuple[str, str]] = set()
        self._agenda = Agenda()
        self._ticking: IDelayedCall | None = None
        self._surveyed = 0.0
        self._running = False
        health.observers.append(self._device_changed)
        if relay is not None:
            relay.moved = self._moved

    async def start(self) -> None:
        """Take up what was open when the last process ended."""
        self._running = True
        recovered = await self._store.recover(node=self._node, now=self._clock.now())
        if recovered:
            log.warning("recovered", deliveries=recovered)
        for lane, moment in await self._store.moments(after=self._clock.now()):
            self._agenda.note(lane, moment)
        await self._survey()
        self._tick()

    async def stop(self) -> None:
        """Claim nothing more; let attempts under way end, but not for longer than a stop may take.

        What is cut short stays claimed, and `recover` takes it up at the next start.
        """
        self._running = False
        if self._ticking is not None and self._ticking.active():
            self._ticking.cancel()
        under_way = list(self._working.values())
        cutting = self._clock.call_later(STOP, _cut, under_way)
        if self._calls is not None:
            await self._calls.stop(within=STOP)
        if self._relay is not None:
            await self._relay.stop(within=STOP)
        await DeferredList(under_way)
        if cutting.active():
            cutting.cancel()

    def accepted(self, accepted: Accepted) -> None:
        """New rows are in the store: begin at once."""
        for delivery in accepted.deliveries:
            if delivery.state is State.OPEN:
                self.kick(delivery.lane)

    def kick(self, lane: str) -> None:
        """There is, or may be, work in this lane."""
        if not self._running:
            return
        if lane == "platform":
            if self._relay is not None:
                self._relay.kick()
            return
        if lane.endswith("/confirm"):
            return
        if lane.endswith("/call") and self._calls is not None:
            self._calls.kick(lane)
            return
        usable = [name for name in self._devices(lane) if self._health.usable(name)]
        for name in usable:
            self._begin((lane, name))
        if not usable:
            self._begin((lane, ""))

    def gate(self, device: str) -> DeferredLock:
        """Whoever holds it may speak to the device: printers serve one connection at a time."""
        return self._gates[device]

    def platform_changed(self, down: bool) -> None:
        """Copies that waited for the platform's confirmation wait no longer once it is down."""
        self.kick("platform")
        if down:
            spawn(self._unconfirmed(), "platform down")

    # -- lanes

    def _begin(self, key: tuple[str, str]) -> None:
        if key in self._working:
            self._again.add(key)
            return
        lane, device = key
        self._working[key] = _NOTHING  # whoever kicks from within must find it taken
        work = self._print_all(lane, device) if device else self._park(lane)
        self._working[key] = spawn(work, f"lane {lane}")
        self._working[key].addCallback(lambda _: self._ended(key))

    def _ended(self, key: tuple[str, str]) -> None:
        self._working.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.kick(key[0])

    async def _print_all(self, lane: str, device: str) -> None:
        while self._running and self._health.usable(device):
            gate = self._gates[device]
            await gate.acquire()
            try:
                rows: list[Delivery] | None = await self._claim_next(lane, device)
                while rows:
                    rows = await self._print(rows[0], lane, device)
                if rows is not None:
                    break
            finally:
                gate.release()
        if self._running and not self._health.usable(device):
            self.kick(lane)

    async def _claim(self, lane: str, *, limit: int) -> list[Delivery]:
        return await self._store.claim(lane, node=self._node, now=self._clock.now(), limit=limit)

    async def _park(self, lane: str) -> None:
        """No device of this lane can print: what is critical moves on, the rest waits for its deadline."""
        devices = self._devices(lane)
        reason = self._health.reason(devices)
        while self._running and (rows := await self._claim(lane, limit=BATCH)):
            decide = policy.no_device if devices else policy.deadline_passed
            now = self._clock.now()
            await together(self._settle(x, decide(x, reason=reason, now=now)) for x in rows)

    def _devices(self, lane: str) -> tuple[str, ...]:
        to, _, by = lane.rpartition("/")
        return self._directory.devices_of(to, by=by)

    async def _print(self, row: Delivery, lane: str, device: str) -> list[Delivery] | None:
        """Try it once. What is to be printed next: [] for nothing, None when it was not asked for."""
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            summary = await self._press.summarise(row)
            if summary is not None:
                self.accepted(summary)
            return None
        row, attempt, move = await self._press.attempt(row, device)
        # Asked for together they are one commit, and the claim sees what the move has left.
        settled = spawn(self._settle(row, move, attempt=attempt), f"settle {row.id}")
        shared = bool(self._gates[device].waiting)  # another lane's turn
        rows = None if shared else await self._claim_next(lane, device)
        await settled
        return rows

    async def _claim_next(self, lane: str, device: str) -> list[Delivery]:
        ready = self._running and self._health.usable(device)
        return await self._claim(lane, limit=1) if ready else []

    # -- moves

    async def _settle(self, row: Delivery, move: Move, *, attempt: Attempt | None = None) -> None:
        after = await settle(self._store, row, move, at=self._clock.now(), attempt=attempt)
        self._moved(after, move.extra)

    def _moved(self, after: Delivery, extra: Iterable[NewDelivery] = ()) -> None:
        if after.state is State.OPEN and after.due is not None:
            self._expect(after.lane, after.due)
        for new in extra:
            if new.state is State.OPEN:
                self._expect(f"{new.to}/{new.steps[0].by}", self._clock.now())

    def _expect(self, lane: str, due: float) -> None:
        if due <= self._clock.now():
            self.kick(lane)
        else:
            self._agenda.note(lane, due)

    def _tick(self) -> None:
        if not self._running:
            return
        for lane in self._agenda.take(self._clock.now()):
            self.kick(lane)
        spawn(self._sweep(), "sweep").addCallback(lambda _: self._next_tick())

    def _next_tick(self) -> None:
        if self._running:
            self._ticking = self._clock.call_later(TICK, self._tick)

    async def _sweep(self) -> None:
        now = self._clock.now()
        rows = await self._store.overdue(now=now, limit=BATCH)
        await together(self._overdue(row, now=now) for row in rows)
        if now - self._surveyed >= SURVEY:
            await self._survey()

    async def _overdue(self, row: Delivery, *, now: float) -> None:
        if row.at.by == "confirm":
            await self._settle(row, await self._unconfirmed_move(row, now=now))
            return
        reason = "timed-out"
        if row.at.by != "platform":
            names = self._directory.devices(row)
            if not any(self._health.usable(name) for name in names):
                reason = self._health.reason(names)
        await self._settle(row, policy.deadline_passed(row, reason=reason, now=now))

    async def look_again(self) -> None:
        """Another process has written: a person let something through, or says to have it."""
        await self._survey()

    async def _survey(self) -> None:
        self._surveyed = self._clock.now()
        for lane, due in (await self._store.lanes()).items():
            self._expect(lane, due)

    # -- the platform, seen from copies that wait for its word

    async def _unconfirmed_move(self, row: Delivery, *, now: float) -> Move:
        """A tap's deadline: where receivers send no receipts, a platform that was up all along has
        delivered it; where they do, what has none has not arrived."""
        if self._quiet_since(row.step_since) and not await self._has_receipts(row):
            return policy.confirmed_elsewhere(row, proof="platform up throughout")
        return policy.deadline_passed(row, reason="not confirmed", now=now)

    async def _has_receipts(self, row: Delivery) -> bool:
        if not self._receipted:
            return False
        return (await self._store.content(row.message_id)).intake in self._receipted

    async def _unconfirmed(self) -> None:
        lanes = await self._store.lanes()
        for lane in [lane for lane in lanes if lane.endswith("/confirm")]:
            while rows := await self._claim_waiting(lane):
                now = self._clock.now()
                await together(
                    self._settle(x, policy.deadline_passed(x, reason="down", now=now)) for x in rows
                )

    async def _claim_waiting(self, lane: str) -> list[Delivery]:
        return await self._claim(lane, limit=BATCH)

    # -- devices that come and go

    def _device_changed(self, name: str, before: Condition, after: Condition) -> None:
        lanes = self._lanes_of(name)
        if after.state == OK and before.state != OK:
            spawn(self._welcome_back(name, lanes), f"device {name} back")
        elif before.usable and not after.usable:
            for lane in lanes:
                self.kick(lane)

    def _lanes_of(self, device: str) -> list[str]:
        """Every lane whose step may use this device."""
        wards = [*self._directory.wards, self._directory.lab.code]
        return [
            f"{to}/{by}"
            for to in wards
            for by in PAPER
            if device in self._directory.devices_of(to, by=by)
        ]

    async def _welcome_back(self, device: str, lanes: list[str]) -> None:
        now = self._clock.now()
        # Asked first: a ward's open rows are many when all its printers come back at once, as at a
        # start, and hardly ever is one of them further down its plan.
        waiting = await self._store.lanes()
        for lane in lanes:
            await self._store.wake(lane, now=now)
            to, _, by = lane.rpartition("/")
            if any(f"{to}/{other}" in waiting for other in PAPER if other != by):
                await self._recall(to, by=by)
            self.kick(lane)

    async def _recall(self, to: str, *, by: str) -> None:
        """What waits further down its plan comes back to the printer it was meant for."""
        now = self._clock.now()
        for row in await self._store.open_deliveries(to=to):
            move = policy.recall(row, by=by, now=now)
            if move is not None and row.purpose is not Purpose.HANDBACK:
                await self._settle(row, move)


_NOTHING: Deferred[None] = Deferred()


def _cut(under_way: Iterable[Deferred[None]]) -> None:
    for work in under_way:
        work.cancel()
