"""Which address is for whom, and who answers it: the one table of the console."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from gateway.intakes.http.answers import Answer
from gateway.web.dictations import Dictations
from gateway.web.doors import Doors
from gateway.web.finding import Finding
from gateway.web.held import HeldPages
from gateway.web.house import House
from gateway.web.messages import MessagePages
from gateway.web.outages import OutagePages
from gateway.web.pages import Pages
from gateway.web.record import JournalPages
from gateway.web.rights import Right
from gateway.web.standing import StatePage
from gateway.web.worklist import Worklist


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address; `answer` gets what stands in it by name."""

    method: str
    address: str  # as werkzeug writes it
    right: Right
    answer: Callable[..., Coroutine[Any, Any, Answer]]


def table(house: House, pages: Pages, doors: Doors) -> tuple[Route, ...]:
    state, worklist = StatePage(house, pages), Worklist(house, pages)
    held, dictations = HeldPages(house, pages), Dictations(house, pages)
    finding, messages = Finding(house, pages), MessagePages(house, pages)
    outages, journal = OutagePages(house, pages), JournalPages(house, pages)

    def get(address: str, right: Right, answer: Any) -> Route:
        return Route(method="GET", address=address, right=right, answer=answer)

    def post(address: str, right: Right, answer: Any) -> Route:
        return Route(method="POST", address=address, right=right, answer=answer)

    return (
        get("/static/<string:name>", Right.ANYBODY, pages.static),
        get("/login", Right.ANYBODY, doors.ask),
        post("/login", Right.ANYBODY, doors.enter),
        post("/logout", Right.PERSON, doors.leave),
        get("/", Right.PERSON, state.show),
        get("/worklist", Right.WARD, worklist.show),
        get("/held", Right.LAB, held.show),
        post("/held/<int:number>", Right.LAB, held.judge),
        get("/dictations", Right.WARD, dictations.show),
        get("/dictations/<int:number>/sound", Right.WARD, dictations.sound),
        get("/messages", Right.WARD, finding.show),
        post("/messages", Right.WARD, finding.find),
        get("/messages/<int:number>", Right.WARD, messages.show),
        get("/messages/<int:number>/pages/<int:page>", Right.WARD, messages.picture),
        post("/messages/<int:number>/acknowledge", Right.WARD, messages.acknowledge),
        post("/messages/<int:number>/copy", Right.WARD, messages.copy),
        get("/outages", Right.DUTY, outages.show),
        post("/outages", Right.DOWNTIME, outages.say),
        get("/outages/<int:number>/report.<string:form>", Right.LAB, outages.report),
        post("/packs", Right.WARD, outages.pack),
        get("/journal", Right.LAB, journal.show),
        post("/journal", Right.LAB, journal.verify),
    )
