"""The resources that came together, and which of them a reference means: nothing is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.fhir.view import View
from gateway.locale import N_

_ID = re.compile(r"[A-Za-z0-9\-._:~]{1,128}")  # FHIR says {1,64} of [A-Za-z0-9-.]
_HISTORY = re.compile(r"/_history/[^/]*\Z")
_TAIL = re.compile(r"(?:\A|/)([A-Z][A-Za-z]+/[^/]+)\Z")

_READ = (
    *("Communication", "DiagnosticReport", "Encounter", "Location", "Observation", "Patient"),
    *("ServiceRequest", "Specimen"),
)
_ELSEWHERE = ("contained", "extension", "text")  # resources of their own; what changes nothing


@dataclass(slots=True, eq=False, kw_only=True)
class Resource:
    """One resource, in the Bundle, contained in another, or alone."""

    view: View
    type: str
    id: str = ""
    entry: int | None = None  # its place in the Bundle
    home: Resource | None = None  # what it is contained in
    contained: dict[str, Resource | None] = field(default_factory=dict)  # None: two of one id


class Room:
    """What a reference can mean: only what came with it. `touched` collects what was asked for."""

    def __init__(self) -> None:
        self.entries: list[Resource] = []
        self.touched: set[int] = set()
        self._by_name: dict[str, Resource | None] = {}

    def add(self, view: View, *, entry: int | None = None, full_url: str = "") -> Resource:
        """Raises `Refused` (400) for a resource without a type or with an id that is none."""
        resource = _resource(view, entry=entry)
        for inner in view.all("contained"):
            held = _resource(inner, home=resource)
            _once(resource.contained, held.id, held)
        self.entries.append(resource)
        names = {full_url, f"{resource.type}/{resource.id}" if resource.id else ""} - {""}
        for name in names:
            _once(self._by_name, name, resource)
        return resource

    def find(self, reference: View, *, of: Resource, kinds: Sequence[str] = ()) -> Resource | None:
        """What a Reference in `of` means; None when that did not come, or is not of these `kinds`.

        Raises `Refused` when two things that came bear the name.
        """
        name = reference.text("reference")
        found = self._contained(name, of) if name.startswith("#") else self._named(name)
        if found is _TWICE:
            raise reference.refuse(
                N_("two resources bear this name"), "reference", issue="multiple-matches"
            )
        if found is None or (kinds and found.type not in kinds):
            return None
        self.touch(found)
        return found

    def touch(self, resource: Resource) -> None:
        home = resource.home or resource
        if home.entry is not None:
            self.touched.add(home.entry)

    def _contained(self, name: str, of: Resource) -> Resource | None:
        home = of.home or of
        if name == "#":
            return home
        return home.contained[name[1:]] or _TWICE if name[1:] in home.contained else None

    def _named(self, name: str) -> Resource | None:
        name = _HISTORY.sub("", name)
        if not name:
            return None
        if name in self._by_name:
            return self._by_name[name] or _TWICE
        tail = _TAIL.search(name)
        return self._by_name.get(tail[1]) if tail and tail[1] != name else None


def _once(names: dict[str, Resource | None], name: str, resource: Resource) -> None:
    known = names.get(name)
    same = known is not None and known.view.data == resource.view.data
    names[name] = known if same else None if name in names else resource


def _resource(view: View, *, entry: int | None = None, home: Resource | None = None) -> Resource:
    kind, name = view.text("resourceType"), view.text("id")
    if not kind:
        raise view.refuse(N_("no resourceType"), "resourceType", issue="structure", status=400)
    if name and not _ID.fullmatch(name):
        raise view.refuse(N_("not an id"), "id", issue="value", status=400)
    plain(view)
    if kind in _READ and (modified := _modifier(view.data)):
        # It may turn what is said into its opposite; who does not know it must not go on (FHIR, 2.4.1).
        raise view.refuse(N_("not understood"), modified, issue="extension")
    return Resource(view=view, type=kind, id=name, entry=entry, home=home)


def plain(view: View) -> None:
    """Raises `Refused` for what must be read by rules of its own (`implicitRules`), which nobody knows."""
    if view.text("implicitRules"):
        raise view.refuse(N_("not understood"), "implicitRules", issue="not-supported")


def _modifier(data: dict[str, Any]) -> str:
    """Where a modifierExtension stands, as FHIRPath; "" where none does."""
    for name, value in data.items():
        if name == "modifierExtension" and value:
            return name
        if name in _ELSEWHERE:
            continue
        if isinstance(value, dict):
            if inner := _modifier(value):
                return f"{name}.{inner}"
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict) and (inner := _modifier(item)):
                    return f"{name}[{index}].{inner}"
    return ""


_TWICE = Resource(view=View({}), type="")
