"""What came, opened: one resource, or the entries of a Bundle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gateway.fhir.room import Room, plain
from gateway.fhir.text import write
from gateway.fhir.view import View
from gateway.locale import N_

MOST = 5000  # entries
_TYPES = ("message", "transaction", "batch", "collection", "document")
_SEVERAL = ("transaction", "batch")
_METHODS = ("POST", "PUT")
_TEST = ("T", "D")  # table 0103, as HL7's own converters put it into meta.tag


@dataclass(slots=True, kw_only=True)
class Bundle:
    view: View
    room: Room
    count: int = 0  # entries
    type: str = ""  # "" for a resource alone
    several: bool = False  # its entries are requests of their own: it may speak of many patients
    test: bool = False
    sent_at: str = ""


def open_bundle(found: dict[str, Any], *, known: Collection[str]) -> Bundle:
    """Raises `Refused` for a resource that is not of the `known` types, and for requests that would not
    bring something but take it away."""
    kind = found.get("resourceType")
    view = View(found, None, kind if isinstance(kind, str) and kind[:64].isalnum() else "Resource")
    if not view.text("resourceType"):
        raise view.refuse(N_("no resourceType"), "resourceType", issue="structure", status=400)
    room = Room()
    if kind != "Bundle":
        if kind not in known:
            raise view.refuse(f"{view.path} is not taken here", issue="not-supported")
        room.add(view)
        return Bundle(view=view, room=room, test=_test(view))
    return _opened(view, room)


def slice_of(bundle: Bundle, entries: Collection[int]) -> bytes:
    """A Bundle of these entries alone, each as it came."""
    every = bundle.view.data["entry"]
    told = {k: bundle.view.data[k] for k in ("meta", "timestamp") if k in bundle.view.data}
    own = [{k: v for k, v in every[n].items() if k != "request"} for n in entries]
    return write({"resourceType": "Bundle", "type": "collection", **told, "entry": own})


def _opened(view: View, room: Room) -> Bundle:
    plain(view)
    kind = view.text("type")
    if kind not in _TYPES:
        raise view.refuse(
            f"one of {', '.join(_TYPES)} is taken here", "type", issue="not-supported"
        )
    entries = view.all("entry")
    if len(entries) > MOST:
        raise view.refuse(f"more than {MOST} entries", "entry", issue="too-long", status=413)
    for number, entry in enumerate(entries):
        _check(entry)
        resource = entry.at("resource")
        if resource:
            room.add(resource, entry=number, full_url=entry.text("fullUrl"))
    tests = [_test(view)] + [_test(r.view) for r in room.entries if r.type == "MessageHeader"]
    headed = any(r.type == "MessageHeader" for r in room.entries)
    return Bundle(
        view=view,
        room=room,
        type=kind,
        count=len(entries),
        several=kind in _SEVERAL and not headed,
        test=any(tests),
        sent_at=view.text("timestamp"),
    )


def _check(entry: View) -> None:
    request = entry.at("request")
    method = request.text("method")
    if request and method not in _METHODS:
        raise request.refuse(N_("only POST and PUT"), "method", issue="not-supported", status=405)
    if method == "POST":
        wanted = request.text("url").partition("?")[0].strip("/")
        sent = entry.at("resource").text("resourceType")
        if wanted not in ("", sent):
            raise request.refuse(f"this is no {wanted[:40]}", "url", issue="invalid")


def _test(view: View) -> bool:
    meta = view.at("meta")
    for tag in (*meta.all("tag"), *meta.all("security")):
        code = tag.text("code")
        if code == "HTEST" or ("0103" in tag.text("system") and code in _TEST):
            return True
    return False
