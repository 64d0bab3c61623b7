"""Who a result is about (Patient) and where they are (Encounter, Location)."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.fhir.room import Resource, Room
from gateway.fhir.values import codes, concept, dtm
from gateway.fhir.view import View
from gateway.locale import N_
from gateway.message import Identifier, Location, Patient

_IPP = ("PI", "MR")  # table 0203
_VISIT = ("VN", "AN")
# The authorities of the French national identity (INS): NIR, NIA, and those of the test base.
_INS = "urn:oid:1.2.250.1.213.1.4."
_SEX = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_NOT_IN_USE = ("maiden", "old", "nickname", "temp")
_RELIABILITY = "identity-reliability"  # extension of the French core profile
_NOWHERE = ("planned", "completed")  # where somebody will be, or was
_WARDS = ("wa", "wi", "lvl")  # location-physical-type: ward, wing, level
_DEEP = 8  # of bed in room in ward in building


def subject_of(resource: Resource, room: Room) -> Patient:
    """The one patient a resource is about. Raises `Refused` where it names none, or none who came."""
    reference = resource.view.at("subject") or resource.view.at("patient")
    if not reference:
        raise resource.view.refuse(N_("no patient"), "subject", issue="required")
    found = room.find(reference, of=resource)
    if found is not None:
        if found.type != "Patient":
            raise reference.refuse(N_("not about a patient"), issue="not-supported")
        return patient_of(found.view)
    kind = (
        reference.text("type") or reference.text("reference").rpartition("/")[0].rpartition("/")[2]
    )
    if kind not in ("", "Patient"):
        raise reference.refuse(N_("not about a patient"), issue="not-supported")
    number = _identifier(reference.at("identifier"))
    family = reference.text("display").strip()
    if not (number or family):
        raise reference.refuse(N_("the patient did not come with it"), issue="not-found")
    numbers = (number,) if number else ()
    return Patient(family=family, identifiers=numbers, ipp=_ipp(numbers))


def patient_of(view: View) -> Patient:
    """Raises `Refused` for one without name and number."""
    names = view.all("name")
    used, birth = _used(names), _birth(names)
    family, given = _parts(used)
    birth_family, birth_given = _parts(birth)
    numbers = tuple(n for v in view.all("identifier") if (n := _identifier(v)))
    if not (numbers or family or given):
        raise view.refuse(N_("patient without name and number"), issue="required")
    gender = view.text("gender")
    return Patient(
        family=family,
        given=given,
        birth_name=birth_family if birth_family != family else "",
        birth_given=birth_given if birth_given != given else "",
        birth_date=dtm(view.text("birthDate")),
        sex=_SEX.get(gender, gender),
        ipp=_ipp(numbers),
        nda=next((n.value for n in numbers if n.kind in _VISIT), ""),
        identifiers=numbers,
        identity_status=_reliability(view),
    )


def visit_of(encounter: View) -> str:
    """The number of a stay: the identifier of type VN or AN, else the first."""
    numbers = [n for v in encounter.all("identifier") if (n := _identifier(v))]
    typed = (n.value for n in numbers if n.kind in _VISIT)
    return next(typed, numbers[0].value if numbers else "")


def location_of(encounter: Resource, room: Room) -> Location | None:
    """Where the patient of a stay is: the place that is active, else the last one told."""
    stays = [v for v in encounter.view.all("location") if v.text("status") not in _NOWHERE]
    active = [v for v in stays if v.text("status") == "active"]
    for stay in active or reversed(stays):
        place = place_of(stay.at("location"), encounter, room)
        if place is not None:
            return place
    return place_of(encounter.view.at("serviceProvider"), encounter, room)


def place_of(reference: View, of: Resource, room: Room) -> Location | None:
    """A reference to a Location or an Organization as unit, room and bed; by its words where it did not
    come."""
    found = room.find(reference, of=of, kinds=("Location", "Organization"))
    if found is None:
        number = _identifier(reference.at("identifier"))
        unit = number.value if number else reference.text("display").strip()
        return Location(unit=unit) if unit else None
    unit = name = chamber = bed = ""
    for place in _upwards(found, room):
        kind = next(iter(codes(place.view.at("physicalType"))), "")
        words = list(_words(place.view))
        if kind == "bd" and not bed:
            bed = words[0] if words else ""
        elif kind == "ro" and not chamber:
            chamber = words[0] if words else ""
        elif words and (not unit or kind in _WARDS):
            unit, name = words[0], words[1] if len(words) > 1 else ""
            if kind in _WARDS:
                break
    if not (unit or chamber or bed):
        return None
    # The directory looks at unit and facility: a ward may be known by its code or by its name.
    return Location(unit=unit, room=chamber, bed=bed, facility=name)


def person_of(reference: View, of: Resource, room: Room) -> tuple[str, str]:
    """The name and telephone of whom a reference means."""
    found = room.find(reference, of=of)
    if found is not None and found.type == "PractitionerRole":
        phone = _phone(found.view)
        inner = found.view.at("practitioner") or found.view.at("organization")
        name, own = person_of(inner, found, room) if inner.text("reference") else ("", "")
        return name or inner.text("display"), phone or own
    if found is None:
        return reference.text("display").strip(), ""
    if found.type == "Organization":
        return found.view.text("name"), _phone(found.view)
    called = _used(found.view.all("name"))
    family, given = _parts(called)
    prefix = " ".join(called.texts("prefix"))
    return " ".join(w for w in (prefix, family, given) if w), _phone(found.view)


def _phone(view: View) -> str:
    numbers = (
        t.text("value") for t in view.all("telecom") if t.text("system") in ("phone", "", "sms")
    )
    return next((n for n in numbers if n), "")


def _upwards(place: Resource, room: Room) -> Iterator[Resource]:
    """A place and those it is part of."""
    for _ in range(_DEEP):
        yield place
        above = room.find(place.view.at("partOf"), of=place, kinds=("Location", "Organization"))
        if above is None:
            return
        place = above


def _words(view: View) -> Iterator[str]:
    """By what a place is known: its number, its other names, its name."""
    seen = [v.text("value") for v in view.all("identifier")]
    yield from dict.fromkeys(w for w in (*seen, *view.texts("alias"), view.text("name")) if w)


def _identifier(view: View) -> Identifier | None:
    value = view.text("value").strip()
    if not value:
        return None
    system = view.text("system")
    kind = next(iter(codes(view.at("type"))), "")
    if system.startswith(_INS) and not kind.startswith("INS"):
        kind = "INS"
    authority = view.at("assigner").text("display") or system
    return Identifier(value=value, kind=kind, authority=authority)


def _ipp(numbers: tuple[Identifier, ...]) -> str:
    for kind in _IPP:
        for number in numbers:
            if number.kind == kind:
                return number.value
    others = (n for n in numbers if not n.kind.startswith("INS") and n.kind not in _VISIT)
    return next((n.value for n in others), "")


def _used(names: list[View]) -> View:
    """The name a person goes by."""
    for use in ("usual", "official"):
        for name in names:
            if name.text("use") == use:
                return name
    living = [n for n in names if n.text("use") not in _NOT_IN_USE]
    return (living or names or [View({})])[0]


def _birth(names: list[View]) -> View:
    """The name a person was born with: "maiden"; in France "official" beside a "usual" one."""
    for use in ("maiden", "official"):
        for name in names:
            if name.text("use") == use:
                return name
    return _used(names)


def _parts(name: View) -> tuple[str, str]:
    family, given = name.text("family").strip(), " ".join(name.texts("given")).strip()
    if not (family or given):
        family = name.text("text").strip()
    return family, given


def _reliability(view: View) -> str:
    for extension in view.all("extension"):
        if _RELIABILITY in extension.text("url"):
            for inner in (extension, *extension.all("extension")):
                found = inner.text("valueCode") or inner.at("valueCoding").text("code")
                found = found or concept(inner.at("valueCodeableConcept"))
                if found:
                    return found
    return ""
