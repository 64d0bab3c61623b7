"""Looking for a message: by its slip, its control id, its patient's number, its ward and day.

What is looked for may be a patient's number, so it is sent as a form and never stands in an address.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from gateway import desk
from gateway.errors import Unusable
from gateway.intakes.http.answers import Answer
from gateway.locale import N_
from gateway.store import Stored, search
from gateway.store.search import Found
from gateway.web.doors import away, check_form
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.rights import in_lab, may_see
from gateway.web.visit import Refused, Visit

#: How far back a patient's number is looked for, and what is shown before anything is asked (seconds).
REACH, FIRST = 30 * 86400.0, 12 * 3600.0
#: How many are shown.
MOST = 100


class Finding:
    """The list of messages, and its form."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages

    async def show(self, visit: Visit) -> Answer:
        found = await self._between(visit, visit.now - FIRST, visit.now + 1, ward="")
        return await self._pages.page(visit, "messages", found=found, asked="", day="", of="")

    async def find(self, visit: Visit) -> Answer:
        check_form(visit)  # looking twice changes nothing
        asked, ward, day = visit.said("asked"), visit.said("ward"), visit.said("day")
        if asked:
            delivery = await self._slip(asked, ward)
            if delivery is not None:
                return away(f"/messages/{delivery}")
            found = await self._named(visit, asked)
        else:
            since, until = self._day(day)
            found = await self._between(visit, since, until, ward=ward)
        await self._house.looked(visit.person, "search", found=len(found))
        return await self._pages.page(visit, "messages", found=found, asked=asked, day=day, of=ward)

    async def _slip(self, asked: str, ward: str) -> int | None:
        """The message on the slip of this code, or of this number in a ward's series."""
        try:
            return (await desk.slip(self._house.store, asked)).message_id
        except Unusable:
            number = asked.removeprefix("n°").strip()
        if not (ward and number.isascii() and number.isdecimal() and len(number) < 9):
            return None
        series = await self._house.store.series(ward, before=int(number) + 1, limit=1)
        if not series or series[0].number != int(number):
            return None
        return (await self._house.store.delivery(series[0].delivery_id)).message_id

    async def _named(self, visit: Visit, asked: str) -> list[Found]:
        """By control id, and by the number of a patient: IPP or NDA."""
        store = self._house.store
        by_id = await self._house.aside(partial(search.named, self._house.path, asked))
        since = visit.now - REACH
        found = {one.id: one for one in by_id if _mine(visit, one)}
        for key in dict.fromkeys((asked, *await store.keyed(asked, since=since))):
            where = await store.whereabouts([key])
            here = where is not None and may_see(visit.person, [where.ward])
            for stored in await store.latest([key], since=since, limit=MOST):
                one = _found(stored)
                if here or _mine(visit, one):
                    found[one.id] = one
        return sorted(found.values(), key=lambda one: -one.id)

    async def _between(self, visit: Visit, since: float, until: float, *, ward: str) -> list[Found]:
        person, path = visit.person, self._house.path
        everywhere = in_lab(person) or "*" in person.wards
        found: list[Found] = []
        for code in [ward] if ward or everywhere else person.wards:
            work = partial(search.between, path, since=since, until=until, ward=code, limit=MOST)
            found += await self._house.aside(work)
        return sorted(filter(partial(_mine, visit), found), key=lambda one: -one.id)[:MOST]

    def _day(self, written: str) -> tuple[float, float]:
        """From midnight to midnight on the site's wall. Raises Refused for what is no day."""
        try:
            begin = datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(self._house.zone))
            return begin.timestamp(), (begin + timedelta(days=1)).timestamp()
        except (ValueError, OverflowError):
            raise Refused(400, N_("Say what to look for, or on which day.")) from None


def _mine(visit: Visit, found: Found) -> bool:
    return may_see(visit.person, [found.ward])


def _found(stored: Stored) -> Found:
    return Found(
        id=stored.id,
        control_id=stored.control_id,
        kind=stored.kind,
        type=stored.type,
        priority=stored.priority,
        ward=stored.ward,
        received_at=stored.received_at,
        state="",
        sender=stored.sender,
    )
