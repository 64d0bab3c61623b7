"""Who and what there is: wards, their devices and neighbours, and the lab that is never nowhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.delivery import Delivery
from gateway.message import Location

LAB = "LAB"
PLATFORM = "PLATFORM"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The site's wards by code, and the lab."""

    wards: Mapping[str, Ward]
    lab: Ward
    _by_alias: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, wards: Mapping[str, Ward], *, lab: Ward) -> Directory:
        by_alias: dict[str, str] = {}
        for ward in wards.values():
            for word in (ward.code, *ward.aliases, ward.name):
                by_alias.setdefault(folded(word), ward.code)
        return cls(wards=wards, lab=lab, _by_alias=by_alias)

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
        ward = self.ward(to)
        if by == "slip":
            return ward.devices
        if by == "neighbour":
            near = (self.wards[code].devices for code in ward.neighbours if code in self.wards)
            return tuple(dict.fromkeys(name for names in near for name in names))
        return self.lab.devices

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
