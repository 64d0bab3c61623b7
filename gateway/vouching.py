"""What people do about fax numbers from the command line: send a test page, vouch for who took it, look."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Any

from gateway.asking import as_text, existing, fired
from gateway.clock import wall
from gateway.config import Site
from gateway.errors import Unusable
from gateway.fax.numbers import KIND, number
from gateway.fax.register import PREFIX, Entry, read, vouched
from gateway.faxing import WORD
from gateway.store import views
from gateway.store.sqlite import SqliteStore


def faxes(site: Site, *, as_json: bool) -> int:
    """Every fax device, its number, and what is known of the machine there."""
    store = SqliteStore(existing(site), reactor=None, inline=True)
    try:
        saved = fired(store.recall(PREFIX))
    finally:
        store.close()
    found = [_told(site, device, saved) for device in site.devices if device.kind == KIND]
    if as_json:
        return as_text(found)
    for one in found:
        print("{name:20} {number:15} {trust:14} {station}".format_map(one).rstrip())
        if one["tested_at"]:
            print(f"    test of {one['tested_at']}: {one['tested']} {one['heard']}".rstrip())
    if not found:
        print("the site's file has no fax")
    return 0


def test(site: Site, name: str) -> int:
    """Ask the service for a test page, without patient data, to this device. Raises Unusable."""
    device = _device(site, name)
    store = SqliteStore(existing(site), reactor=None, inline=True)
    try:
        detail = {"device": device.name}
        fired(store.say(at=wall(), by=getpass.getuser(), word=WORD, reason="", detail=detail))
    finally:
        store.close()
    print(
        f"a test page goes to {number(device, site.wards)}. Once somebody there reads you its code:\n"
        f"wardline fax confirm {name} CODE"
    )
    return 0


def confirm(site: Site, name: str, code: str) -> int:
    """A person there has read the code of the test page: the machine that took it is the right one.

    Raises Unusable for another code than the last page's.
    """
    dialled = number(_device(site, name), site.wards)
    store = SqliteStore(existing(site), reactor=None, inline=True)
    try:
        entry = _entry(fired(store.recall(PREFIX + dialled)), dialled)
        by, now = getpass.getuser(), wall()
        known = vouched(entry, code=code, by=by, at=now)
        if known is None:
            raise Unusable(f"{code}: not the code of the last page that arrived at {dialled}")
        fired(store.remember(PREFIX + dialled, asdict(known), at=now))
        said = {"number": dialled, "station": known.station, "by": by}
        fired(store.note("fax vouched for", at=now, detail=said))
    finally:
        store.close()
    print(f"{name}: results may be faxed to {dialled}, station {known.station or 'without name'}")
    return 0


def _device(site: Site, name: str | None) -> Any:
    names = [d.name for d in site.devices if d.kind == KIND]
    if name not in names:
        raise Unusable(f"no fax {name}: there is {', '.join(names) or 'none'}")
    return next(d for d in site.devices if d.name == name)


def _entry(saved: dict[str, dict[str, Any]], dialled: str) -> Entry:
    return read(saved.get(PREFIX + dialled, {}))


def _told(site: Site, device: Any, saved: dict[str, dict[str, Any]]) -> dict[str, Any]:
    dialled = number(device, site.wards)
    entry = _entry(saved, dialled)
    known = entry.station is not None or device.station
    return {
        "name": device.name,
        "number": dialled,
        "trust": "known" if known and entry.stopped is None else str(entry.trust),
        "station": entry.station or device.station,
        "stopped_by": entry.stopped,
        "tested_at": views.moment(entry.tested_at) if entry.tested_at else None,
        "tested": entry.tested,
        "heard": entry.heard,
        "proved_at": views.moment(entry.proved_at) if entry.proved_at else None,
    }
