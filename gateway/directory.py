"""Who and what there is: wards, their devices and neighbours, and the lab that is never nowhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.delivery import Delivery
from gateway.message import Location

LAB = "LAB"
PLATFORM = "PLATFORM"

#: What a device puts out; a step of the same word goes to the ward's devices of that medium.
MEDIA = ("slip", "page", "fax", "label")
#: The steps that end on paper, wherever it comes out.
PAPER = (*MEDIA, "neighbour", "courier")
_SHEETS = ("slip", "page")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """A place that receives paper."""

    code: str
    name: str
    devices: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    phone: str = ""
    floor: str = ""  # where a courier goes
    contact: str = ""  # to whom a courier hands it
    roster: str = ""  # who is called when nobody answers in the ward
    fax: str = ""  # the number of its fax


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be called, or who calls in with a personal code."""

    code: str  # what they key, digits
    name: str
    wards: tuple[str, ...] = ()  # whose results they may hear; "*" for every ward
    roles: tuple[str, ...] = ()  # "clinician", "lab", "downtime"
    phone: str = ""
    pin: str = ""  # argon2 hash; never shown

    def may_see(self, ward: str) -> bool:
        return "*" in self.wards or ward in self.wards


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Hours in which somebody is on call, in minutes of the local day.

    When `end` is not after `begin` they go on past midnight.
    """

    days: frozenset[int]  # 0 Monday … 6 Sunday: the day on which it begins
    begin: int
    end: int
    person: str = ""  # code of a person, whose phone is called
    phone: str = ""  # or a number of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who is on call, in the order to call them."""

    name: str
    shifts: tuple[Shift, ...]
    holidays: frozenset[date] = frozenset()  # days on which it is as on a Sunday


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The site's wards by code, and the lab."""

    wards: Mapping[str, Ward]
    lab: Ward
    people: Mapping[str, Person] = field(default_factory=dict)
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    _by_alias: Mapping[str, str] = field(default_factory=dict)
    _media: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        wards: Mapping[str, Ward],
        *,
        lab: Ward,
        media: Mapping[str, str] | None = None,
        people: Mapping[str, Person] | None = None,
        rosters: Mapping[str, Roster] | None = None,
    ) -> Directory:
        """`media`: what each device puts out; one that is not named puts out slips."""
        by_alias: dict[str, str] = {}
        for ward in wards.values():
            for word in (ward.code, *ward.aliases, ward.name):
                by_alias.setdefault(folded(word), ward.code)
        return cls(
            wards=wards,
            lab=lab,
            people=people or {},
            rosters=rosters or {},
            _by_alias=by_alias,
            _media=media or {},
        )

    def ward_at(self, location: Location | None) -> str:
        """The code of the ward a location means (PV1-3.1, else its facility), or "" for none of ours."""
        if location is None:
            return ""
        for word in (location.unit, location.facility):
            code = self._by_alias.get(folded(word)) if word else None
            if code is not None:
                return code
        return ""

    def ward(self, code: str) -> Ward:
        """The ward of this code; the lab for anything that is not a ward of ours any more."""
        return self.wards.get(code, self.lab)

    def devices(self, delivery: Delivery) -> tuple[str, ...]:
        """The devices the current step of a delivery may use, in the order to try them."""
        return self.devices_of(delivery.to, by=delivery.at.by)

    def devices_of(self, to: str, *, by: str) -> tuple[str, ...]:
        """Of the step `by` (one of PAPER); none for a step that needs no device."""
        ward = self.ward(to)
        if by in MEDIA:
            return tuple(name for name in ward.devices if self.medium(name) == by)
        if by == "neighbour":
            near = (self.wards[code].devices for code in ward.neighbours if code in self.wards)
            return self._sheets(dict.fromkeys(name for names in near for name in names))
        return self._sheets(self.lab.devices) if by == "courier" else ()

    def medium(self, device: str) -> str:
        return self._media.get(device, "slip")

    def _sheets(self, devices: Iterable[str]) -> tuple[str, ...]:
        """Those that put out paper for people to read, slip printers first: they are in sight."""
        rank = {name: _SHEETS.index(m) for name in devices if (m := self.medium(name)) in _SHEETS}
        return tuple(sorted(rank, key=rank.__getitem__))

    def owner(self, device: str) -> Ward:
        """The ward (or lab) where a device stands."""
        for ward in self.wards.values():
            if device in ward.devices:
                return ward
        return self.lab


def folded(word: str) -> str:
    """A location's word without case, accents or outer spaces: "MÉD-A" and "med-a" are one ward."""
    plain = unicodedata.normalize("NFKD", word.strip()).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c))
