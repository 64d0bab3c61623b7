"""After an outage the platform is told, message by message, who received what and who has said so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from gateway.clock import Clock
from gateway.delivery import Attempt, Delivery, NewDelivery, Purpose, State, Step
from gateway.directory import PLATFORM
from gateway.errors import PermanentFailure, Rejected
from gateway.formats import RECORD
from gateway.hl7 import Form, Said, dtm, record
from gateway.hl7 import read as read_hl7
from gateway.message import Kind, Message, Priority
from gateway.platform.communication import Told, bundle
from gateway.store import Acknowledgement, Arrival, Store, Stored
from gateway.store.untold import Unrecorded

log = structlog.get_logger()

#: Its control ids: this, and the number of the message it speaks of.
PREFIX = "WLR"
#: Messages looked at in one go, and how often that is done before the next look: an outage of a hundred
#: thousand messages must not be gone through again for every fifty records. Records are handed over at the
#: rate of hand-backs.
BATCH, GOES = 250, 4
#: The form that is no HL7 v2, and what stands for it in the store's columns.
FHIR = "fhir"
_TYPES = {Form.ORU: "ORU^R01", Form.MDM: "MDM^T02", FHIR: "FHIR Communication"}


@dataclass(slots=True, kw_only=True)
class _Walk:
    """How far an outage was gone through: everything up to `at` was looked at, `waiting` is the first of it
    that is still without a record."""

    at: int = 0
    waiting: int | None = None

    def seen(self, found: Unrecorded) -> None:
        self.at = max((*found.ready, *found.waiting), default=self.at)
        if self.waiting is None:
            self.waiting = min(found.waiting, default=None)


class Recorder:
    """Writes the record of each message of an ended outage once nothing about it can change any more.

    A record is a message of our own that is held for the platform as a hand-back is: it goes when the
    platform takes it, after the message it speaks of.
    """

    def __init__(
        self,
        store: Store,
        *,
        form: str,
        site: str,
        clock: Clock,
        as_hl7: Callable[[Stored], bytes] = lambda stored: stored.raw,
        read: Callable[[Stored], Message] = lambda stored: read_hl7(stored.raw),
    ) -> None:
        """`form` is one of `Form`, or `FHIR`. `as_hl7` writes a stored message as HL7 v2 whatever it came
        as, `read` reads it again."""
        self._store = store
        self._form = form
        self._read = read
        self._site = site
        self._sender = f"WARDLINE|{site}"
        self._clock = clock
        self._as_hl7 = as_hl7
        self._done: set[int] = set()
        self._walks: dict[int, _Walk] = {}  # by outage
        self._heard = 0  # the last acknowledgement that was looked at

    async def look(self) -> None:
        """Write what can be written; called again and again."""
        for outage in await self._store.outages():
            if outage.ended_at is None or outage.id in self._done:
                continue
            walk = self._walks.setdefault(outage.id, _Walk())
            for _ in range(GOES):
                if not await self._go_on(outage.id, walk):
                    break
        await self._late_words()

    async def _go_on(self, outage_id: int, walk: _Walk) -> bool:
        """The next messages of an outage. False at its end: the next walk begins at the first that waits."""
        found = await self._store.unrecorded(
            outage_id, sender=self._sender, prefix=PREFIX, after=walk.at, limit=BATCH
        )
        for message_id in found.ready:
            await self._write(message_id, f"{PREFIX}{message_id}")
        if found.ready:
            log.info("recorded", messages=len(found.ready))
        walk.seen(found)
        if found.more:
            return True
        if walk.waiting is None:
            self._done.add(outage_id)
            del self._walks[outage_id]
        else:
            self._walks[outage_id] = _Walk(at=walk.waiting - 1)
        return False

    async def _late_words(self) -> None:
        """Who acknowledges after the record was written is told in another, which says all of it again."""
        late = await self._store.late_words(after=self._heard, sender=self._sender, prefix=PREFIX)
        for message_id, records in late.messages:
            await self._write(message_id, f"{PREFIX}{message_id}.{records}")
        self._heard = late.last

    async def _write(self, message_id: int, control_id: str) -> None:
        # Before it is looked: what is said meanwhile is then later than this.
        now = self._clock.now()
        told = Told(
            stored=await self._store.content(message_id),
            fates=await self._store.fates(message_id),
            acknowledgements=await self._store.acknowledgements([message_id]),
        )
        try:
            raw = self._told(told, control_id, now=now)
        except (PermanentFailure, Rejected):  # it was readable once: tell, and do not stand still
            log.exception("no record", message=message_id)
            raw = b""
        await self._store.accept(self._arrival(raw, control_id, now=now))

    def _told(self, told: Told, control_id: str, *, now: float) -> bytes:
        """The record's bytes. Raises Rejected for HL7 v2 when the message cannot be read."""
        if self._form == FHIR:
            message = self._readable(told.stored)
            return bundle(told, message, control_id=control_id, site=self._site, now=now)
        return record(
            self._as_hl7(told.stored),
            tuple(facts(told)),
            form=Form(self._form),
            control_id=control_id,
            site=self._site,
            now=now,
        )

    def _readable(self, stored: Stored) -> Message | None:
        try:
            return self._read(stored)
        except Rejected:
            return None

    def _arrival(self, raw: bytes, control_id: str, *, now: float) -> Arrival:
        return Arrival(
            format=RECORD if self._form == FHIR else "hl7v2",
            intake="wardline",
            peer="",
            received_at=now,
            message=Message(
                control_id=control_id,
                sender=self._sender,
                type=_TYPES[self._form],
                kind=Kind.NOTICE,
            ),
            raw=raw,
            deliveries=(_OWED,) if raw else (),
        )


# A notice, not a relay: what the platform refuses of it is an alarm, and no slip at the lab for each.
_OWED = NewDelivery(
    to=PLATFORM,
    purpose=Purpose.NOTICE,
    priority=Priority.ROUTINE,
    steps=(Step(by="platform"),),
    state=State.HELD,
)


def facts(told: Told) -> Iterator[Said]:
    """What is said of a message: which it is, of every try where it went and how it ended, and of every
    person who said to have it when, how, and what was read back."""
    stored = told.stored
    yield Said(code="WL-MESSAGE", name="Message control ID", value=stored.control_id)
    yield Said(code="WL-SENDER", name="Sender", value=stored.sender.replace("|", "/"))
    yield Said(code="WL-RECEIVED", name="Received", value=dtm(stored.received_at), kind="TS")
    own = [f.delivery for f in told.fates if f.delivery.message_id == stored.id]
    paper = [d for d in own if d.purpose is Purpose.WARD]
    for delivery in paper:
        yield Said(code="WL-STATE", name="State of delivery", value=delivery.state.value)
    tries = [(f.delivery, attempt) for f in told.fates for attempt in f.attempts]
    for number, (delivery, attempt) in enumerate(tries, start=1):
        stands_in = delivery.message_id != stored.id
        yield from _try(delivery, attempt, number=number, stands_in=stands_in)
    for number, said in enumerate(told.acknowledgements, start=len(tries) + 1):
        yield from _person(said, number=number)


def _person(said: Acknowledgement, *, number: int) -> Iterator[Said]:
    """ISO 15189:2022, 7.4.1.3."""
    for code, name, value in (
        ("WL-ACKNOWLEDGED", "Acknowledged", "yes" if said.accepted else "no"),
        ("WL-PERSON", "Person notified", said.name),
        ("WL-PERSON-CODE", "Code of the person", said.person),
        ("WL-VIA", "How", said.via),
        ("WL-CONVEYED", "What was conveyed", said.conveyed),
        ("WL-READ-BACK", "Read back", " ".join((said.read_back, *said.keyed)).strip()),
        ("WL-DIFFICULTIES", "Difficulties", said.difficulties),
    ):
        if value:
            yield Said(code=code, name=name, value=value, of=number, at=said.at)


def _try(delivery: Delivery, attempt: Attempt, *, number: int, stands_in: bool) -> Iterator[Said]:
    at = attempt.at if attempt.ended_at is None else attempt.ended_at
    outcome = attempt.outcome.value if attempt.outcome is not None else "uncertain"
    channel = "summary" if stands_in else attempt.channel
    for code, name, value in (
        ("WL-TO", "Recipient", delivery.to),
        ("WL-CHANNEL", "Channel", channel),
        ("WL-DEVICE", "Device", attempt.device),
        ("WL-OUTCOME", "Outcome", outcome),
        ("WL-PROOF", "Receipt or acknowledgement", attempt.detail),
    ):
        yield Said(code=code, name=name, value=value, of=number, at=at)
    if attempt.slip is not None:
        slip = str(attempt.slip)
        yield Said(code="WL-SLIP", name="Slip number", value=slip, kind="NM", of=number, at=at)
