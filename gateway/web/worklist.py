"""Critical results that nobody has said to have: whom to call next."""

from __future__ import annotations

from gateway import desk
from gateway.intakes.http.answers import Answer
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.rights import may_see
from gateway.web.visit import Visit


class Worklist:
    """As `wardline worklist`; a ward sees its own."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages

    async def show(self, visit: Visit) -> Answer:
        waiting = await desk.worklist(self._house.store, since=visit.now - desk.SINCE)
        mine = [one for one in waiting if may_see(visit.person, [one.stored.ward])]
        return await self._pages.page(visit, "worklist", waiting=mine)
