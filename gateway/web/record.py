"""The journal for a person's eye: its last entries, in ids, and the proof that none was changed."""

from __future__ import annotations

from functools import partial

from gateway.intakes.http.answers import Answer
from gateway.store import search
from gateway.store.verify import Verdict, verify
from gateway.web.doors import away, check_form
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.visit import Visit


class JournalPages:
    """As `wardline journal verify`."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages

    async def show(self, visit: Visit) -> Answer:
        return await self._told(visit, None)

    async def verify(self, visit: Visit) -> Answer:
        """Reads all of it, beside the reactor: a year of entries takes minutes."""
        if not check_form(visit):
            return away("/journal")
        return await self._told(visit, await self._house.aside(partial(verify, self._house.path)))

    async def _told(self, visit: Visit, verdict: Verdict | None) -> Answer:
        entries = await self._house.aside(partial(search.entries, self._house.path))
        return await self._pages.page(visit, "journal", entries=entries, verdict=verdict)
