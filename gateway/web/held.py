"""What nobody vouches for: a person looks at it, and lets it through or keeps it out."""

from __future__ import annotations

from gateway import desk
from gateway.intakes.http.answers import Answer
from gateway.locale import N_
from gateway.web.doors import away, check_form, check_pin
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.visit import Refused, Visit


class HeldPages:
    """As `wardline held`."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages

    async def show(self, visit: Visit) -> Answer:
        waiting = await desk.held(self._house.store)
        return await self._pages.page(visit, "held", waiting=waiting)

    async def judge(self, visit: Visit, number: int) -> Answer:
        """The word on one of it; refusing says why."""
        if not check_form(visit):
            return away("/held")
        word, reason = visit.said("word"), visit.said("reason")
        if word not in ("let", "refuse"):
            raise Refused(400, N_("Let it through, or keep it out? Nothing was done."))
        if word == "refuse" and not reason:
            raise Refused(400, N_("Why is it kept out? Nothing was done."))
        await check_pin(self._house, visit)
        await desk.judge(
            self._house.store,
            number,
            through=word == "let",
            by=visit.by,
            reason=reason,
            at=visit.now,
        )
        await self._house.listen()
        return away("/held")
