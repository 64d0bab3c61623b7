"""After an outage the platform is told, message by message, who received what: as HL7, and none is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import structlog

from gateway.clock import Clock
from gateway.delivery import Attempt, Delivery, NewDelivery, Purpose, State, Step
from gateway.directory import PLATFORM
from gateway.errors import PermanentFailure, Rejected
from gateway.hl7 import Form, Said, dtm, record
from gateway.message import Kind, Message, Priority
from gateway.store import Arrival, Fate, Store, Stored, Unrecorded

log = structlog.get_logger()

#: Its control ids: this, and the number of the message it speaks of.
PREFIX = "WLR"
#: Records written in one go; they are handed over at the rate of hand-backs.
BATCH = 50


class Recorder:
    """Writes the record of each message of an ended outage once nothing about it can change any more.

    A record is a message of our own that is held for the platform as a hand-back is: it goes when the
    platform takes it, after the message it speaks of.
    """

    def __init__(
        self,
        store: Store,
        *,
        form: Form,
        site: str,
        clock: Clock,
        as_hl7: Callable[[Stored], bytes] = lambda stored: stored.raw,
    ) -> None:
        self._store = store
        self._form = form
        self._site = site
        self._sender = f"WARDLINE|{site}"
        self._clock = clock
        self._as_hl7 = as_hl7
        self._done: set[int] = set()

    async def look(self) -> None:
        """Write what can be written; called again and again."""
        for outage in await self._store.outages():
            if outage.ended_at is None or outage.id in self._done:
                continue
            found = await self._store.unrecorded(outage.id, sender=self._sender, prefix=PREFIX)
            if not found.ready and not found.waiting:
                self._done.add(outage.id)
                continue
            await self._write_all(found)

    async def _write_all(self, found: Unrecorded) -> None:
        for message_id in found.ready[:BATCH]:
            await self._write(message_id)
        if found.ready:
            log.info("recorded", messages=len(found.ready[:BATCH]))

    async def _write(self, message_id: int) -> None:
        stored = await self._store.content(message_id)
        now = self._clock.now()
        control_id = f"{PREFIX}{message_id}"
        try:
            raw = record(
                self._as_hl7(stored),
                tuple(facts(stored, await self._store.fates(message_id))),
                form=self._form,
                control_id=control_id,
                site=self._site,
                now=now,
            )
        except (
            PermanentFailure,
            Rejected,
        ):  # it was readable once: tell, and do not stand still over it
            log.exception("no record", message=message_id)
            raw = b""
        await self._store.accept(self._arrival(raw, control_id, now=now))

    def _arrival(self, raw: bytes, control_id: str, *, now: float) -> Arrival:
        event = "ORU^R01" if self._form is Form.ORU else "MDM^T02"
        return Arrival(
            intake="wardline",
            peer="",
            received_at=now,
            message=Message(
                control_id=control_id, sender=self._sender, type=event, kind=Kind.NOTICE
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


def facts(stored: Stored, fates: Sequence[Fate]) -> Iterator[Said]:
    """What is said of a message: which it is, and of every try where it went and how it ended."""
    yield Said(code="WL-MESSAGE", name="Message control ID", value=stored.control_id)
    yield Said(code="WL-SENDER", name="Sender", value=stored.sender.replace("|", "/"))
    yield Said(code="WL-RECEIVED", name="Received", value=dtm(stored.received_at), kind="TS")
    own = [f.delivery for f in fates if f.delivery.message_id == stored.id]
    paper = [d for d in own if d.purpose is Purpose.WARD]
    for delivery in paper:
        yield Said(code="WL-STATE", name="State of delivery", value=delivery.state.value)
    tries = [(f.delivery, attempt) for f in fates for attempt in f.attempts]
    for number, (delivery, attempt) in enumerate(tries, start=1):
        stands_in = delivery.message_id != stored.id
        yield from _try(delivery, attempt, number=number, stands_in=stands_in)


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
