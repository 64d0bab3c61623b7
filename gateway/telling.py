"""What the verbs tell a person, from the store alone: they work whether or not the service runs."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway import desk, reporting
from gateway.clock import wall
from gateway.config import Site
from gateway.directory import folded
from gateway.errors import Unusable
from gateway.pack import WORD
from gateway.store import views
from gateway.store.sqlite import SqliteStore
from gateway.store.verify import verify as verify_journal


def standing(site: Site) -> dict[str, Any]:
    """The platform, the devices and the counts; a device never heard of is "unknown"."""
    return desk.status(
        site.database(),
        devices=[d.name for d in site.devices],
        platform=site.platform is not None,
    )


def status(site: Site, *, as_json: bool) -> int:
    """How everything stands, as JSON or in a few lines."""
    found = standing(site)
    if as_json:
        return _json(found)
    platform, counts = found["platform"], found["counts"]
    since = f" since {platform['since']}" if platform["since"] else ""
    print(f"platform  {platform['state']}{since} {platform['reason']}".rstrip())
    for name, device in found["devices"].items():
        print(f"{name:20} {device['state']} {', '.join(device['reasons'])}".rstrip())
    print("messages  " + ", ".join(f"{n} {state}" for state, n in counts.items()))
    return 0


def messages(site: Site, *, control_id: str | None, as_json: bool) -> int:
    """Every message, oldest first, with its deliveries and their attempts."""
    found = views.messages(site.database(), control_id=control_id)
    if as_json:
        return _json(found)
    for message in found:
        print(
            f"{message['received_at']} {message['control_id']} {message['kind']}"
            f" {message['priority']} {message['ward'] or '-'}: {message['state']}"
        )
        for delivery in message["deliveries"]:
            slip = f" n° {delivery['slip']:04d}" if delivery["slip"] else ""
            print(f"    {delivery['to']} by {delivery['channel']}{slip}: {delivery['state']}")
            for attempt in delivery["attempts"]:
                print(f"        {attempt['at']} {attempt['outcome']}: {attempt['detail']}")
    return 0


def outage(site: Site, word: str, *, reason: str) -> int:
    """A person's word on the platform: written down, and obeyed by the service within a second.

    Raises Unusable where there is no platform.
    """
    has_platform(site)
    _say(site, f"outage {word}", reason=reason, detail={})
    return 0


def has_platform(site: Site) -> None:
    """Raises Unusable where there is none to speak of."""
    if site.platform is None:
        raise Unusable("this site has no [platform]: there is nothing to declare down")


def pack(site: Site, ward: str) -> int:
    """Ask for a ward's last results on its own printer. Raises Unusable."""
    _say(site, WORD, reason="", detail={"ward": packable(site, ward)})
    return 0


def packable(site: Site, ward: str) -> str:
    """The code of a ward that can print a pack. Raises Unusable for any other word."""
    known = next((w for w in site.wards if folded(w.code) == folded(ward)), None)
    if known is None:
        raise Unusable(f"no ward {ward}: there is {', '.join(w.code for w in site.wards)}")
    if not known.devices:
        raise Unusable(f"ward {known.code} has no printer of its own")
    return known.code


def _say(site: Site, word: str, *, reason: str, detail: Mapping[str, Any]) -> None:
    path = site.database()
    path.parent.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(path, reactor=None, inline=True)
    said = store.say(at=wall(), by=getpass.getuser(), word=word, reason=reason, detail=detail)
    said.addCallback(lambda _: store.close())
    print(f"said: {word}")


def report(site: Site, *, outage: str, form: str, output: Path | None) -> int:
    """Who received what during an outage, and first of all what nobody received."""
    if outage != "last" and not (outage.isascii() and outage.isdecimal()):
        raise Unusable(f"no outage {outage}: it is a number, or last")
    outage_id = None if outage == "last" else int(outage)
    found = reporting.build(site, outage_id=outage_id, now=wall())
    if form == "pdf":
        content = reporting.as_pdf(found, templates=site.templates())
    else:
        content = reporting.FORMS[form](found)
    if output is not None:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
    return 0


def verify(site: Site) -> int:
    """Exit code 0 when no entry of the journal was changed; else 1, naming the first that was."""
    verdict = verify_journal(site.database())
    if verdict.ok:
        print(f"journal: {verdict.checked} entries, none altered; head {verdict.head}")
        return 0
    print(f"journal: entry {verdict.entry} was altered: {verdict.reason}")
    return 1


def _json(found: Any) -> int:
    json.dump(found, sys.stdout, ensure_ascii=False, indent=2)
    print()
    return 0
