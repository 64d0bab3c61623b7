"""`wardline check`: the site's file, and every device asked and made to print one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from gateway import registry, switchboard
from gateway.asterisk.speech import faults as speech
from gateway.box import Box
from gateway.clock import ReactorClock
from gateway.config import Site
from gateway.errors import DeliveryFailure
from gateway.paper import Typesetter


def run(site: Site, *, devices: bool) -> int:
    """Exit code 0 when all is well, 1 when a device or the telephone is not (a bad file never gets here)."""
    print(
        f"{site.site.name}: {len(site.wards)} wards, {len(site.devices)} devices, "
        f"{len(site.intakes)} intakes: the file is in order"
    )
    bad = [*switchboard.faults(site), *_speechless(site)]
    for fault in bad:
        print(fault)
    if not devices:
        return 1 if bad else 0
    try:
        react(lambda reactor: Deferred.fromCoroutine(_ask_all(reactor, site, bad)))
    except SystemExit as stop:
        if stop.code:
            return 1
    return 1 if bad else 0


def _speechless(site: Site) -> Iterator[str]:
    if site.telephony is not None:
        languages = sorted({site.telephony.language, *(x.language for x in site.telephony.lines)})
        yield from speech.faults(site.telephony.speech, base=site.base, languages=languages)


async def _ask_all(reactor: Any, site: Site, bad: list[str]) -> None:
    clock = ReactorClock(reactor)
    box = Box(reactor, clock)
    box.startService()
    paper = Typesetter(reactor, box, templates=site.templates())
    try:
        await _ask_each(reactor, site, bad, clock=clock, paper=paper)
    finally:
        await box.stopService()


async def _ask_each(
    reactor: Any, site: Site, bad: list[str], *, clock: ReactorClock, paper: Typesetter
) -> None:
    for settings in site.devices:
        if settings.kind == "fax":  # rung by the service alone: a person has to see the page
            print(f"{settings.name}: `wardline fax test {settings.name}` sends a page", flush=True)
            continue
        module = registry.load(registry.CHANNELS, settings.kind)
        channel = module.build(settings, reactor=reactor, clock=clock, base=site.base, paper=paper)
        line = await _ask(channel, site)
        print(f"{settings.name}: {line}", flush=True)
        if not line.startswith("ok"):
            bad.append(settings.name)


async def _ask(channel: Any, site: Site) -> str:
    """One line on a device: what it can prove, or what is wrong with it."""
    status = await channel.probe()
    if status.state != "ok":
        return f"{status.state}: {', '.join(status.reasons)}"
    try:
        found = await channel.commission(
            f"{site.site.code} wardline check".encode("ascii", "replace")
        )
    except DeliveryFailure as failure:
        return f"failed: {failure.detail}"
    warnings = f" ({', '.join(status.reasons)})" if status.reasons else ""
    return f"ok{warnings}: a test line was printed, proof of print by {found.proof}"
