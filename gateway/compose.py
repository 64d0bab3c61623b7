"""What goes on paper for one attempt, and what goes back to the platform: gathered from the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile

import structlog

from gateway import alarm, notice, pack, render
from gateway.clock import Clock
from gateway.delivery import Attempt, Delivery, NewDelivery, Purpose, State
from gateway.directory import Directory
from gateway.errors import Rejected
from gateway.formats import HL7, Formats, Kit
from gateway.hl7 import mark_delivered
from gateway.message import Kind, Message
from gateway.notice import Notice, announcement
from gateway.render import Context, Corrections, Gap, Known, Outlet
from gateway.render.bounds import LINES
from gateway.service import Aside, at_once
from gateway.store import Arrival, Outage, SlipRecord, Store, Stored
from printers import code
from printers.slip import Slip

log = structlog.get_logger()

#: Messages longer than this (bytes) are read and rendered beside the reactor.
LONG = 100_000

#: How many lines of body go on what is no slip: forty sheets of A4.
ROOM = {"page": 2000}

#: Where there is room for columns of earlier values.
WIDE = ("page", "fax")

#: Cumulative columns look back so far (seconds), at so many messages of the patient.
REACH, EARLIER = 30 * 86400.0, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every slip says of the site."""

    code: str
    name: str
    language: str
    timezone: str
    drill: bool = False
    phone: str = ""  # the lab's
    line: str = ""  # the number that answers calls by itself


class Composer:
    """Gathers what one attempt needs; the only place where stored bytes become a slip again."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        house: House,
        clock: Clock,
        formats: Formats | None = None,
        outage: Callable[[], Outage | None] = lambda: None,
        now: Callable[[], float] | None = None,
        aside: Aside = at_once,
        doubted: Collection[str] = (),
    ) -> None:
        """`doubted`: intakes whose messages say so on paper where no certificate named their sender."""
        self._doubted = doubted
        self._store = store
        self._directory = directory
        self._house = house
        self._formats = formats or Formats(kit=Kit(reactor=None))
        self._read = self._formats.read
        self._now = now or clock.now
        self._outage = outage
        self._aside = aside

    async def slip(self, row: Delivery, attempt: Attempt) -> Slip:
        """What this attempt prints. Never fails for what a message says: that is printed as poison."""
        wide = self._directory.medium(attempt.device) in WIDE
        return await self._made(row, attempt, wide=wide)

    async def look(self, row: Delivery) -> Slip:
        """What stands on the paper of this delivery, for a person at a screen: as a page shows it."""
        seen = Attempt(
            id=0, delivery_id=row.id, channel=row.at.by, device="", at=self._now(), slip=row.slip
        )
        return await self._made(row, seen, wide=True, screen=True)

    async def _made(
        self, row: Delivery, attempt: Attempt, *, wide: bool, screen: bool = False
    ) -> Slip:
        content = self._store.content(row.message_id)
        last = self._store.series(row.to, before=attempt.slip or 0, limit=1)  # on the same way
        stored = await content
        found = await self._context(row, attempt, stored, last=await last)
        context = replace(found, screen=screen)
        try:
            if row.purpose is Purpose.LABEL:
                return render.label(await self._again(stored), context)
            return await self._content(stored, context, wide=wide)
        except Exception as error:
            log.exception("poison", message=stored.id)
            reason = type(error).__name__
            return render.poison(
                render.Poison(
                    reason=reason,
                    control_id=stored.control_id,
                    sender=stored.sender,
                    message_id=stored.id,
                    kind=stored.type,
                ),
                context,
            )

    async def for_platform(self, row: Delivery) -> tuple[bytes, str]:
        """The bytes for the platform and their control id; a hand-back says where it already went."""
        stored = await self._store.content(row.message_id)
        raw = self._formats.hl7(stored)
        if row.purpose is not Purpose.HANDBACK:
            return raw, stored.control_id
        paper = await self._paper(stored.id)
        return mark_delivered(raw, self._record(stored, paper)), stored.control_id

    async def _paper(self, message_id: int) -> SlipRecord | None:
        """The slip a message stands on: its own, unless only a summary of it is proved."""
        fates = await self._store.fates(message_id)
        papers = await self._store.papers(sorted({f.delivery.message_id for f in fates}))
        own = papers.pop(message_id, None)
        if own is not None and own.confirmed:
            return own
        return next((paper for paper in papers.values() if paper.confirmed), own)

    def summary(self, to: str, stale: Sequence[Delivery], *, now: float) -> Arrival:
        """The one slip that stands for what waited past its time to live."""
        first = min(stale, key=lambda d: d.priority.rank)
        told = Notice(
            topic="summary",
            detail={"messages": [d.message_id for d in stale], "reason": first.reason},
        )
        paper = tuple(s for s in first.steps if s.by not in ("platform", "confirm"))
        delivery = NewDelivery(to=to, purpose=Purpose.NOTICE, priority=first.priority, steps=paper)
        ids = tuple(d.id for d in stale)
        return announcement(
            told,
            control_id=f"summary-{to}-{ids[0]}-{now:.3f}",
            now=now,
            deliveries=(delivery,),
            supersedes=ids,
        )

    async def _content(self, stored: Stored, context: Context, *, wide: bool) -> Slip:
        if stored.refused:
            return self._refusal(stored, context)
        if stored.format == notice.FORMAT:
            return await self._notice(stored, context)
        if context.held:
            return render.held(_kept(stored), context)
        if self._formats.document(stored):
            return await self._formats.open(stored, context)
        message = await self._again(stored)
        corrections = await self.corrections(stored, message)
        if wide:
            context = replace(context, history=await self._history(stored, message))
        work = partial(render.render, message, context, corrections=corrections)
        slip = work() if len(stored.raw) <= LONG else await self._aside(work)
        return await self._enclosed(stored, message, slip, wide=wide)

    async def _enclosed(self, stored: Stored, message: Message, slip: Slip, *, wide: bool) -> Slip:
        """With the documents that came inside the message: on a slip only where they are all there is.

        Many labs send the values and a page that shows the same: a metre of paper more would not help.
        """
        observed = [o for group in message.groups for o in group.observations]
        announced = sum(o.attachment is not None for o in observed)
        if not announced or not (wide or announced == len(observed)):
            return slip
        enclosed = await self._aside(partial(self._formats.enclosed, stored, message))
        return replace(slip, body=(*slip.body, *enclosed))

    async def _history(self, stored: Stored, message: Message) -> render.History | None:
        """What the same patient had before: for the cumulative columns of a page."""
        if message.kind is not Kind.RESULT or message.patient is None:
            return None
        keys = [message.patient.ipp, message.patient.nda]
        since = stored.received_at - REACH
        before = await self._store.latest(list(filter(None, keys)), since=since, limit=EARLIER)
        earlier = await self._aside(lambda: [self._earlier(s) for s in before if s.id < stored.id])
        known = [one for one in earlier if one is not None]
        at, zone = stored.received_at, self._house.timezone
        return render.history(message, known, received_at=at, zone=zone)

    def _earlier(self, stored: Stored) -> render.Waited | None:
        try:
            return render.Waited(message=self._read(stored), received_at=stored.received_at)
        except Rejected:  # a document, or purged since
            return None

    async def _again(self, stored: Stored) -> Message:
        work = partial(self._read, stored)
        return work() if len(stored.raw) <= LONG else await self._aside(work)

    async def _notice(self, stored: Stored, context: Context) -> Slip:
        told = notice.read(stored.raw)
        if told.topic == pack.TOPIC:
            now = context.printed_at
            found = await pack.gather(
                self._store, told.detail, read=self._read, now=now, aside=self._aside
            )
            return render.pack(found, context)
        if told.topic == alarm.TOPIC:
            said = told.detail
            return render.alarm(
                said["alarm"], context, subject=said["subject"], reason=said["reason"]
            )
        if told.topic == "summary":
            waited = [await self._waited(number) for number in told.detail["messages"]]
            return render.summary(waited, replace(context, reason=told.detail["reason"]))
        context = replace(
            context,
            outage_since=told.detail["began_at"],
            outage_reason=told.detail["reason"],
        )
        if told.topic == "outage began":
            return render.outage_began(context)
        return render.outage_ended(context, ended_at=told.detail["ended_at"])

    async def _waited(self, message_id: int) -> render.Waited:
        stored = await self._store.content(message_id)
        document = self._formats.document(stored)
        message = _named(stored) if document else self._read(stored)
        return render.Waited(message=message, received_at=stored.received_at)

    def _refusal(self, stored: Stored, context: Context) -> Slip:
        location, _, reason = stored.refused.rpartition(": ")
        refusal = render.Refusal(
            reason=reason,
            location=location,
            sender=stored.sender,
            peer=stored.peer,
            intake=stored.intake,
            control_id=stored.control_id,
            raw=stored.raw,
            more="more refusals" in context.reason,
        )
        return render.refusal(refusal, context)

    async def corrections(self, stored: Stored, message: Message) -> Corrections:
        """What came earlier under the same orders, and on which slip it stands."""
        if not message.order_keys:
            return {}
        before = await self._store.earlier(
            stored.patient_key, order_keys=message.order_keys, before=stored.id
        )
        papers = await self._store.papers([s.id for s in before]) if before else {}
        return render.earlier_values(
            printed for s in before if (printed := self._printed(s, papers.get(s.id))) is not None
        )

    def _printed(self, stored: Stored, paper: SlipRecord | None) -> render.Printed | None:
        try:
            message = self._read(stored)
        except Rejected:  # purged, or never a result
            return None
        return render.Printed(
            message=message,
            slip=paper.number if paper else None,
            ward=self._directory.ward(paper.ward).name if paper else "",
            at=paper.at if paper else stored.received_at,
        )

    async def _context(
        self, row: Delivery, attempt: Attempt, stored: Stored, *, last: Sequence[SlipRecord]
    ) -> Context:
        ward = self._directory.ward(row.to)
        outlet, place = self._outlet(row, attempt)
        outage = self._outage()
        digits = code.canonical(row.id)
        return Context(
            site_code=self._house.code,
            site_name=self._house.name,
            language=self._house.language,
            timezone=self._house.timezone,
            drill=self._house.drill,
            phone=self._house.phone,
            line=self._house.line,
            ward_code=ward.code,
            ward_name=ward.name,
            received_at=stored.received_at,
            printed_at=self._now(),
            outlet=outlet,
            outlet_name=place,
            reason=row.reason if outlet is not Outlet.WARD else "",
            number=attempt.slip,
            prints=attempt.reprint + 1,
            copy=row.purpose is Purpose.COPY,
            doubtful=row.doubtful,
            degraded=row.degraded,
            outage_since=outage.began_at if outage else None,
            outage_reason=outage.reason if outage else "",
            code=digits,
            code_caption=code.grouped(digits),
            gaps=await self._gaps(row, attempt, last) if outlet is Outlet.WARD else (),
            reused=stored.reused is not None,
            # A peer is an address, and a name behind it where a certificate was checked.
            unauthenticated=stored.format == HL7
            and stored.intake in self._doubted
            and " " not in stored.peer,
            floor=ward.floor,
            contact=ward.contact,
            room=ROOM.get(self._directory.medium(attempt.device), LINES),
            held=row.reason if _waits_for_a_person(row, stored) else "",
        )

    def _outlet(self, row: Delivery, attempt: Attempt) -> tuple[Outlet, str]:
        owner = self._directory.owner(attempt.device)
        if row.to == self._directory.lab.code:
            return Outlet.LAB, owner.name
        if row.at.by == "courier":
            return Outlet.COURIER, owner.name
        return (Outlet.NEIGHBOUR if row.at.by == "neighbour" else Outlet.WARD), owner.name

    async def _gaps(
        self, row: Delivery, attempt: Attempt, last: Sequence[SlipRecord]
    ) -> tuple[Gap, ...]:
        """The numbers just below this one that did not come out, confirmed, at this ward."""
        if all(self._came_out_here(record, row.to) for record in last):  # nearly always
            return ()
        series = await self._store.series(row.to, before=attempt.slip or 0)
        missing = takewhile(lambda record: not self._came_out_here(record, row.to), series)
        return tuple(self._gap(record) for record in reversed(list(missing)))

    def _came_out_here(self, record: SlipRecord, ward: str) -> bool:
        return record.confirmed and record.device in self._directory.ward(ward).devices

    def _gap(self, record: SlipRecord) -> Gap:
        if record.confirmed:
            place = self._directory.owner(record.device).name
            return Gap(number=record.number, known=Known.ELSEWHERE, place=place)
        if record.state is State.SUPERSEDED:
            return Gap(number=record.number, known=Known.SUPERSEDED)
        final = record.state is not State.OPEN and record.state is not State.SENDING
        return Gap(number=record.number, known=Known.UNCONFIRMED if final else Known.PENDING)

    def _record(self, stored: Stored, paper: SlipRecord | None) -> tuple[str, ...]:
        """The fields of ZWL: how, ward, slip number, device, when (DTM, UTC), confirmed or not."""
        if paper is None:
            return ("NOT-DELIVERED", stored.ward)
        when = datetime.fromtimestamp(paper.at, UTC).strftime("%Y%m%d%H%M%S+0000")
        how = "DELIVERED" if paper.confirmed else "UNCERTAIN"
        return (how, paper.ward, f"{paper.number:04d}", paper.device, when)


def _waits_for_a_person(row: Delivery, stored: Stored) -> bool:
    """A notice of a message that came in and was not refused tells that it is kept back."""
    own = stored.format == notice.FORMAT
    return row.purpose is Purpose.NOTICE and not own and not stored.refused and bool(row.reason)


def _kept(stored: Stored) -> render.Held:
    return render.Held(
        message_id=stored.id,
        sender=stored.sender,
        peer=stored.peer,
        intake=stored.intake,
        control_id=stored.control_id,
        ward=stored.ward,
    )


def _named(stored: Stored) -> Message:
    """A document in a list of what waited: its name stands for it."""
    return Message(
        control_id=stored.control_id,
        sender=stored.sender,
        type=stored.type,
        kind=stored.kind,
        priority=stored.priority,
    )
