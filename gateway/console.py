"""The console, wired: what the rest of the house gives it."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue

from gateway.config import Site
from gateway.hands import HouseHands
from gateway.service import in_thread
from gateway.store import Accepted
from gateway.web.house import House
from gateway.web.service import Console


class ReportFailed(Exception):
    """The verb's own line that says why."""


def wire(
    site: Site,
    offers: Mapping[str, Any],
    *,
    listeners: Sequence[Callable[[], Awaitable[None]]],
    accepted: Callable[[Accepted], None],
) -> Console:
    """The service of a site's `[console]`. `listeners`: who obeys words that people say."""
    settings = site.console
    assert settings is not None, "a site without [console] has none of this"
    aside = in_thread(offers["reactor"])

    async def listen() -> None:
        for heard in listeners:
            await heard()

    hands = HouseHands(
        offers["store"],
        offers["directory"],
        inbox=offers["inbox"],
        alarms=offers["alarms"],
        clock=offers["clock"],
        accepted=accepted,
        listen=listen,
        aside=aside,
    )
    house = House(
        name=site.site.name,
        language=site.site.language,
        zone=site.site.timezone,
        drill=site.site.drill,
        platform=site.platform is not None,
        devices=tuple(d.name for d in site.devices),
        path=site.database(),
        store=offers["store"],
        directory=offers["directory"],
        access=offers["access"],
        hands=hands,
        read=offers["formats"].read,
        composer=offers["composer"],
        paper=offers["paper"],
        report=partial(_report, site, reactor=offers["reactor"]),
        listen=listen,
        clock=offers["clock"],
        aside=aside,
    )
    return Console(
        settings,
        house=house,
        reactor=offers["reactor"],
        base=site.base,
        on_broken=offers["on_broken"],
    )


async def _report(site: Site, outage: int, form: str, *, reactor: Any) -> bytes:
    """As `wardline report`, in a process of its own: a long outage takes half a minute and 700 MB."""
    words = ["-m", "gateway.cli", "report", "--config", str(site.file), "--outage", str(outage)]
    made, complaint, code = await getProcessOutputAndValue(
        sys.executable, [*words, "--format", form], env=os.environ, reactor=reactor
    )
    if code:
        raise ReportFailed(complaint.decode("utf-8", "replace").strip())
    return bytes(made)
