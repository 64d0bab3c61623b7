"""A person's word on the platform, outages past with their reports, and a ward's last results on paper."""

from __future__ import annotations

from gateway.asterisk.ivr.copies import places
from gateway.directory import Person
from gateway.intakes.http.answers import Answer
from gateway.locale import N_
from gateway.pack import WORD
from gateway.web.doors import away, check_form, check_pin
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.rights import Right, may
from gateway.web.visit import Refused, Visit

_MEDIA = {"pdf": "application/pdf", "csv": "text/csv; charset=utf-8", "json": "application/json"}


class OutagePages:
    """As `wardline outage`, `report` and `pack`; the word takes two persons, as on the telephone."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages

    async def show(self, visit: Visit) -> Answer:
        outages = await self._house.store.outages()
        return await self._pages.page(
            visit,
            "outages",
            outages=outages[::-1],
            running=next((o for o in outages if o.ended_at is None), None),
            places=places(self._house, visit.person, medium="slip"),
        )

    async def say(self, visit: Visit) -> Answer:
        """The platform is down, or back: for a whole site one voice is not enough."""
        if not check_form(visit):
            return away("/outages")
        word, reason = visit.said("word"), visit.said("reason")
        if word not in ("begin", "end") or not self._house.platform:
            raise Refused(400, N_("That cannot be done here."))
        if not reason:
            raise Refused(400, N_("A reason is needed: every ward reads it. Nothing was declared."))
        await check_pin(self._house, visit)
        other = await self._second(visit)
        by = f"{visit.person.name}, {other.name}"
        await self._house.hands.said(f"outage {word}", by=by, reason=reason)
        return away("/")

    async def _second(self, visit: Visit) -> Person:
        """Another person who may declare it. Raises Refused, in the same words for every reason."""
        code = visit.said("code2")
        other = await self._house.access.person(code, visit.said("pin2"), line=visit.line)
        if other is None or other.code == visit.person.code or not may(other, Right.DOWNTIME):
            raise Refused(
                403, N_("The second person was not recognised, or may not. Nothing was declared.")
            )
        return other

    async def report(self, visit: Visit, number: int, form: str) -> Answer:
        """Who received what, as a file. Raises Refused where there was no such outage."""
        if form not in _MEDIA or number not in {o.id for o in await self._house.store.outages()}:
            raise Refused(404, N_("There is no such page."))
        await self._house.looked(visit.person, "report", outage=number)
        made = await self._house.report(number, form)
        name = f'attachment; filename="wardline-outage-{number}.{form}"'
        headers = {"Content-Disposition": name}
        return Answer(status=200, body=made, media=_MEDIA[form], headers=headers)

    async def pack(self, visit: Visit) -> Answer:
        """A ward's last results, on its own printer."""
        if not check_form(visit):
            return away("/outages")
        ward = visit.said("ward")
        if ward not in {w.code for w in places(self._house, visit.person, medium="slip")}:
            raise Refused(400, N_("There is no such device in your wards."))
        await self._house.store.say(
            at=visit.now, by=visit.by, word=WORD, reason="", detail={"ward": ward}
        )
        await self._house.listen()
        return away("/outages")
