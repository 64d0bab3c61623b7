"""One message: what it says, what became of it, and what a person may do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway import desk
from gateway.asterisk.ivr.copies import places
from gateway.asterisk.ivr.found import newest
from gateway.asterisk.speech.reading import agrees, keyed
from gateway.delivery import Delivery, Purpose, State
from gateway.errors import Rejected
from gateway.intakes.http.answers import Answer
from gateway.locale import N_
from gateway.message import Kind, Message, Observation
from gateway.render import facts
from gateway.store import Stored, views
from gateway.web.doors import away, check_form, check_pin
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.rights import in_lab, may_see
from gateway.web.sheets import Sheets
from gateway.web.timeline import events
from gateway.web.visit import Refused, Visit
from printers import code

#: Critical values that are asked for on one page; no result of a patient has more.
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message that the visitor may see."""

    stored: Stored
    told: dict[str, Any]  # as `views.message` tells it
    deliveries: tuple[Delivery, ...]
    criticals: tuple[Observation, ...]  # whose values can be read back
    newer: int | None  # the message that replaces this result

    @property
    def held(self) -> bool:
        """Whether it waits for a person to let it through."""
        return any(d.state is State.QUARANTINED for d in self.deliveries)

    @property
    def slip(self) -> Delivery | None:
        """What somebody says to have: the ward's own paper."""
        own = [d for d in self.deliveries if d.purpose in (Purpose.WARD, Purpose.COPY)]
        return next((d for d in own if d.slip is not None), own[0] if own else None)


class MessagePages:
    """The page of a message, and its forms."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages
        self._sheets = Sheets(house)

    async def show(self, visit: Visit, number: int) -> Answer:
        seen = await self._seen(visit, number)
        await self._house.looked(visit.person, "message", message=number)
        return await self._pages.page(
            visit,
            "message",
            seen=seen,
            sheet=await self._sheets.of(number),
            events=events(visit.translate, seen.told),
            codes=[code.make(d.id) for d in seen.deliveries if d.slip is not None],
            places=places(self._house, visit.person, medium="slip"),
            asked=in_lab(visit.person),
        )

    async def picture(self, visit: Visit, number: int, page: int) -> Answer:
        """A page that came along, drawn."""
        await self._seen(visit, number)
        drawn = await self._sheets.picture(number, page)
        if drawn is None:
            raise Refused(404, N_("There is no such page."))
        await self._house.looked(visit.person, "picture", message=number, picture=page)
        return Answer(status=200, body=drawn, media="image/png")

    async def acknowledge(self, visit: Visit, number: int) -> Answer:
        """The laboratory writes down who has it; anybody else says it for themselves, values read back."""
        seen, address = await self._seen(visit, number), f"/messages/{number}"
        if not check_form(visit):
            return away(address)
        if seen.newer is not None:
            raise Refused(409, N_("This result has been replaced: open the newer one."))
        person, told = visit.person, in_lab(visit.person)
        name = visit.said("name") if told else person.name
        if not name or seen.slip is None:
            raise Refused(400, N_("Who has it? Nothing was written down."))
        back = _read_back(visit, seen.criticals, needed=not told)
        await check_pin(self._house, visit)
        await desk.acknowledge(
            self._house.store,
            seen.slip,
            by=name,
            person=visit.said("person") if told else person.code,
            read_back=back,
            via="desk" if told else "console",
            at=visit.now,
        )
        detail = {"person": person.code, "message": number}
        await self._house.store.note("acknowledged at the console", at=visit.now, detail=detail)
        await self._house.listen()
        return away(address)

    async def copy(self, visit: Visit, number: int) -> Answer:
        """Once more on paper, marked as a duplicate, in a ward of the visitor's."""
        await self._seen(visit, number)
        if not check_form(visit):
            return away(f"/messages/{number}")
        there = {ward.code for ward in places(self._house, visit.person, medium="slip")}
        ward = visit.said("ward")
        if ward not in there:
            raise Refused(400, N_("There is no such device in your wards."))
        await check_pin(self._house, visit)
        await self._house.hands.copy(number, ward=ward, by=visit.by, medium="slip")
        return away(f"/messages/{number}")

    async def _seen(self, visit: Visit, number: int) -> Seen:
        """Raises Refused alike for what is not there and for what is none of the visitor's business."""
        store = self._house.store
        try:
            told = await self._house.aside(partial(views.message, self._house.path, number))
            stored = await store.content(number)
        except (LookupError, OverflowError):
            raise Refused(404, _NOT_YOURS) from None
        fates = await store.fates(number)
        deliveries = tuple(f.delivery for f in fates if f.delivery.message_id == number)
        if not await self._concerns(visit, stored, deliveries):
            await self._house.looked(visit.person, "refused", message=number)
            raise Refused(404, _NOT_YOURS)
        message = await self._house.aside(partial(_read, self._house, stored))
        newer = await newest(self._house, stored, message) if message is not None else None
        return Seen(
            stored=stored,
            told=told,
            deliveries=deliveries,
            criticals=_criticals(message) if message is not None else (),
            newer=newer[0].id if newer is not None else None,
        )

    async def _concerns(self, visit: Visit, stored: Stored, deliveries: Sequence[Delivery]) -> bool:
        """As on the telephone: what was for one of their wards, and whoever lies there now."""
        if stored.kind is Kind.NOTICE or any(d.state is State.QUARANTINED for d in deliveries):
            return in_lab(visit.person)
        if may_see(visit.person, [stored.ward, *(d.to for d in deliveries)]):
            return True
        key = stored.patient_key
        where = await self._house.store.whereabouts([key]) if key else None
        return where is not None and may_see(visit.person, [where.ward])


def _read(house: House, stored: Stored) -> Message | None:
    """None for what holds no values: a document, or content that is forgotten."""
    try:
        return house.read(stored)
    except Rejected:
        return None


def _criticals(message: Message) -> tuple[Observation, ...]:
    return tuple(one for one in facts.find(message).criticals if keyed(one.value))[:MOST]


def _read_back(visit: Visit, criticals: Sequence[Observation], *, needed: bool) -> tuple[str, ...]:
    """What was read back, value by value. Raises Refused for another value than the slip's."""
    said = [visit.said(f"value{n}") for n in range(len(criticals))]
    if not needed and not any(said):
        return ()
    for one, value in zip(criticals, said, strict=True):
        if not agrees(value.replace(",", "*").replace(".", "*"), keyed(one.value)):
            raise Refused(
                400,
                N_(
                    "That is not the value on the slip. Have it read back again. Nothing was noted."
                ),
            )
    return tuple(said)


_NOT_YOURS = N_("There is no such message, or it is not for one of your wards.")
