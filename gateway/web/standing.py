"""The first page: how the platform is, what waits, and what nobody has."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from gateway import desk
from gateway.delivery import Delivery, Purpose
from gateway.intakes.http.answers import Answer
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.visit import Visit

#: How many of those that wait longest are named.
NAMED = 6
_WAITED_FOR = (Purpose.WARD, Purpose.CALL, Purpose.COPY)


class StatePage:
    """What `wardline status` tells, at a glance."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages

    async def show(self, visit: Visit) -> Answer:
        house = self._house
        found = await house.aside(
            partial(desk.status, house.path, devices=house.devices, platform=house.platform)
        )
        criticals = await house.store.unacknowledged(since=visit.now - desk.SINCE)
        waiting = await house.store.open_deliveries()
        held = await house.store.quarantined()
        devices = {name: _moment(said) for name, said in found["devices"].items()}
        return await self._pages.page(
            visit,
            "state",
            platform=_moment(found["platform"]),
            outage=found["outage"] and _moment(found["outage"], "began_at"),
            devices=devices,
            troubled=[name for name, said in devices.items() if said["state"] != "ok"],
            counts=found["counts"],
            criticals=len(criticals),
            oldest=criticals[0].received_at if criticals else None,
            held=len({delivery.message_id for delivery in held}),
            waiting=_longest(waiting),
            owner=lambda name: house.directory.owner(name).name,
        )


def _longest(waiting: list[Delivery]) -> list[Delivery]:
    wanted = (delivery for delivery in waiting if delivery.purpose in _WAITED_FOR)
    return sorted(wanted, key=lambda delivery: delivery.created_at)[:NAMED]


def _moment(said: dict[str, Any], key: str = "since") -> dict[str, Any]:
    """With its moment as seconds: each page writes moments in its own way."""
    return {**said, key: datetime.fromisoformat(said[key]).timestamp() if said[key] else None}
