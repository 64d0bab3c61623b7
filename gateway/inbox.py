"""The front door for every intake: read, plan, remember; only then may a sender be answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from gateway import chasing, policy, router
from gateway.clock import Clock
from gateway.delivery import NewDelivery, Purpose, Step
from gateway.directory import LAB, Directory
from gateway.errors import Rejected
from gateway.hl7 import Limits, peek, read
from gateway.message import Kind, Location, Message, Priority
from gateway.router import Mode, Plan
from gateway.service import Aside, at_once
from gateway.store import Accepted, Arrival, Fate, Store, Stored, Whereabouts

log = structlog.get_logger()

#: Messages longer than this (bytes) are read beside the reactor, which must not stand still for 20 ms.
LONG = 100_000

#: Refusal slips a peer may cause before the lab is told once that there are more (count, seconds).
REFUSALS, REFUSAL_WINDOW = 20, 600.0

_LEFT = frozenset({"A03", "A11"})  # discharged, admission cancelled
_PLACED = frozenset({"A01", "A02", "A04", "A05", "A08", "A12", "A13", "A28", "A31"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One intake's way in: its name, mode and what it expects when a message does not say."""

    intake: str
    mode: Mode
    charset: str = "utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A message and what became of it."""

    stored: Stored
    fates: tuple[Fate, ...]


class Inbox:
    """Takes messages from every intake into the store, with their plans."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        plans: Mapping[Priority, Plan],
        limits: Limits,
        clock: Clock,
        on_deliveries: Callable[[Accepted], None],
        on_receipt: Callable[[str, str], None] = lambda control_id, proof: None,
        aside: Aside = at_once,
        labels: tuple[Step, ...] = (),
        down: Callable[[], bool] = lambda: False,
        shut: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`labels`: the plan of specimen labels, for orders of wards that have a label printer. `down`:
        whether there is an outage just now; `shut`: why the platform takes nothing, None while it does."""
        self._shut = shut
        self._labels = labels
        self._down = down
        self._store = store
        self._directory = directory
        self._plans = plans
        self._limits = limits
        self._clock = clock
        self._on_deliveries = on_deliveries
        self._on_receipt = on_receipt
        self._aside = aside
        self._refusals: dict[str, deque[float]] = {}

    async def accept(
        self, raw: bytes, *, door: Door, peer: str, only: Collection[str] = ()
    ) -> Accepted:
        """On disk with its plan when this returns. `only`: the wards that its sender may reach; none: all.

        Raises Rejected (after the refusal itself is on disk), StoreFull or StoreBroken.
        """
        try:
            message = await self._read(raw, door)
            where = await self._where(message)
            ward = self._directory.ward_at(where)
            if only and ward and ward not in only:
                raise Rejected("its sender may not print in this ward", code=103, location="PV1-3")
        except Rejected as rejected:
            await self.refuse(raw, rejected, door=door, peer=peer)
            raise
        if message.type.startswith("ACK") and door.mode is Mode.TAP:
            self._on_receipt(message.acknowledges, f"receipt {message.control_id}")
        now = self._clock.now()
        arrival = Arrival(
            intake=door.intake,
            peer=peer,
            received_at=now,
            message=message,
            raw=raw,
            ward=ward,
            deliveries=await self._owed(message, ward=ward, mode=door.mode, now=now),
            whereabouts=_whereabouts(message, ward=ward, now=now),
            merged=message.movement.merged if message.movement else "",
        )
        accepted = await self._store.accept(arrival)
        self._on_deliveries(accepted)
        return accepted

    async def take(
        self,
        message: Message,
        raw: bytes,
        *,
        format: str,
        door: Door,
        peer: str,
        wards: Sequence[str] | None = None,
        held: str = "",
    ) -> Accepted:
        """As `accept`, for a message that its intake has read itself: mail, FHIR, a fax, a dictation.

        `format` names who reads `raw` again (`registry.FORMATS`). `wards` are codes of the directory;
        None: where the message or ADT says, as for HL7; none, or none of ours: the laboratory. With
        `held` nobody vouches for the sender: no ward sees it before a person let it through, and the
        laboratory is told why. Raises StoreFull or StoreBroken.
        """
        now = self._clock.now()
        meant = [self._directory.ward_at(await self._where(message))] if wards is None else wards
        ours = tuple(dict.fromkeys(w for w in meant if w in self._directory.wards)) or ("",)
        arrival = Arrival(
            intake=door.intake,
            peer=peer,
            received_at=now,
            message=message,
            raw=raw,
            format=format,
            ward=ours[0],
            deliveries=await self._plan(message, ours, mode=door.mode, held=held, now=now),
        )
        accepted = await self._store.accept(arrival)
        self._on_deliveries(accepted)
        return accepted

    async def _plan(
        self, message: Message, wards: Sequence[str], *, mode: Mode, held: str, now: float
    ) -> tuple[NewDelivery, ...]:
        if held:
            waiting = [ward or LAB for ward in wards]
            kept = router.quarantined(message, wards=waiting, plans=self._plans, now=now)
            return (*kept, _to_lab(reason=held))
        owed = [await self._owed(message, ward=ward, mode=mode, now=now) for ward in wards]
        return tuple(delivery for deliveries in owed for delivery in deliveries)

    async def _owed(
        self, message: Message, *, ward: str, mode: Mode, now: float
    ) -> tuple[NewDelivery, ...]:
        """What is owed, past the platform where that takes nothing."""
        owed = await self._wanted(message, ward=ward, mode=mode, now=now)
        reason = self._shut()
        if reason is None:
            return owed
        return tuple(one for new in owed for one in policy.begun_down(new, reason=reason))

    async def _wanted(
        self, message: Message, *, ward: str, mode: Mode, now: float
    ) -> tuple[NewDelivery, ...]:
        """Its plan; for a correction also what is owed to those who got the earlier value."""
        tubes = self._directory.devices_of(ward, by="label") if ward else ()
        planned = router.plan(
            message,
            ward=ward,
            mode=mode,
            plans=self._plans,
            now=now,
            labels=self._labels if tubes else (),
        )
        if not planned or message.test or not chasing.takes_back(message):
            return planned
        got = await chasing.reached(self._store, self._directory, message)
        plan = self._plans[message.priority]
        calls = plan.calls or self._plans[Priority.CRITICAL].calls
        owed = chasing.chased(planned, got, ward=ward, plan=replace(plan, calls=calls), now=now)
        # What goes to paper at once never leaves a platform's step, and says all the same that it is down.
        return tuple(replace(d, degraded=d.degraded or self._down()) for d in owed)

    @property
    def limits(self) -> Limits:
        """The site's critical limits, for an intake that reads its messages itself."""
        return self._limits

    def ward(self, word: str) -> str:
        """The code of the ward that a word means: its code, its name, an alias; "" for none of ours."""
        return self._directory.ward_at(Location(unit=word))

    async def counts(self) -> Mapping[str, int]:
        """How many messages there are, by what became of them."""
        return await self._store.counts()

    async def look(self, message_id: int) -> Looked | None:
        """What became of a message so far; None when there is none."""
        try:
            stored = await self._store.content(message_id)
        except LookupError:
            return None
        return Looked(stored=stored, fates=tuple(await self._store.fates(message_id)))

    async def confirm(self, control_id: str, *, sender: str | None, proof: str) -> bool:
        """A receiver has the message with this control id, so nobody else need carry it; on disk when
        this returns. False when nothing waited for that word."""
        now = self._clock.now()
        moved = await self._store.confirm(sender=sender, control_id=control_id, at=now, proof=proof)
        return bool(moved)

    async def _read(self, raw: bytes, door: Door) -> Message:
        # In brief: nobody looks at the values before they are printed, and then the bytes are read again.
        work = partial(read, raw, default_charset=door.charset, limits=self._limits, brief=True)
        return work() if len(raw) <= LONG else await self._aside(work)

    async def refuse(self, raw: bytes, rejected: Rejected, *, door: Door, peer: str) -> None:
        """Keep what is refused and tell the lab: a sender may never look at its own refusals."""
        head = peek(raw)
        now = self._clock.now()
        arrival = Arrival(
            intake=door.intake,
            peer=peer,
            received_at=now,
            message=Message(
                control_id=head.control_id,
                sender=head.sender,
                type=head.type,
                kind=Kind.OTHER,
            ),
            raw=raw,
            refused=_reason(rejected),
            deliveries=self._told(peer, now=now),
        )
        self._on_deliveries(await self._store.accept(arrival))
        log.warning("refused", intake=door.intake, peer=peer, location=rejected.location)

    def _told(self, peer: str, *, now: float) -> tuple[NewDelivery, ...]:
        """A slip at the lab for a refusal, unless this peer floods: then one that says so."""
        recent = self._refusals.setdefault(peer, deque(maxlen=REFUSALS + 2))
        while recent and recent[0] < now - REFUSAL_WINDOW:
            recent.popleft()
        recent.append(now)
        if len(recent) > REFUSALS + 1:
            return ()
        flood = len(recent) == REFUSALS + 1
        return (_to_lab(reason="more refusals follow without a slip" if flood else ""),)

    async def _where(self, message: Message) -> Location | None:
        """PV1-3, else where ADT last saw the patient."""
        if message.location is not None and message.location.unit:
            return message.location
        patient = message.patient
        if patient is None or message.kind not in (Kind.RESULT, Kind.ORDER):
            return message.location
        known = await self._store.whereabouts([k for k in (patient.ipp, patient.nda) if k])
        return known.location if known else message.location


def _reason(rejected: Rejected) -> str:
    return f"{rejected.location}: {rejected.reason}" if rejected.location else rejected.reason


def _to_lab(*, reason: str) -> NewDelivery:
    return NewDelivery(
        to=LAB,
        purpose=Purpose.NOTICE,
        priority=Priority.ROUTINE,
        steps=(Step(by="courier"),),
        reason=reason,
    )


def _whereabouts(message: Message, *, ward: str, now: float) -> Whereabouts | None:
    movement, patient = message.movement, message.patient
    if movement is None or patient is None or not patient.key:
        return None
    if movement.event in _LEFT:
        return Whereabouts(patient=patient, location=None, ward="", at=now)
    if movement.event in _PLACED and message.location is not None and message.location.unit:
        return Whereabouts(patient=patient, location=message.location, ward=ward, at=now)
    return None
