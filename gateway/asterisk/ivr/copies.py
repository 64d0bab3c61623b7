"""Print it here, fax it there: a copy of a result, to printers and faxes of the directory only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from gateway.asterisk.ivr.conveying import Offer
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.places import choose_ward
from gateway.asterisk.ivr.talk import Talk
from gateway.asterisk.speech import name
from gateway.directory import Directory, Person, Ward

PRINT, FAX = "6", "7"


class Placed(Protocol):
    """A house as far as it knows where things stand."""

    @property
    def directory(self) -> Directory: ...


def offers(talk: Talk, house: House, person: Person, message_id: int) -> Mapping[str, Offer]:
    """The keys that make a copy of a result that was just heard."""
    _ = talk.translate
    found: dict[str, Offer] = {}
    for key, medium, words in (
        (PRINT, "slip", _("6 to print it.")),
        (FAX, "fax", _("7 to fax it.")),
    ):
        if places(house, person, medium=medium):
            act = partial(copy, talk, house, person, message_id, medium=medium)
            found[key] = Offer(words, act)
    return found


def places(house: Placed, person: Person, *, medium: str) -> Sequence[Ward]:
    """The person's wards that have such a device; every ward's for who may see every ward."""
    everywhere = "lab" in person.roles
    media = ("slip", "page") if medium == "slip" else (medium,)
    return [
        ward
        for ward in house.directory.wards.values()
        if (everywhere or person.may_see(ward.code))
        and any(house.directory.medium(device) in media for device in ward.devices)
    ]


async def copy(talk: Talk, house: House, person: Person, message_id: int, *, medium: str) -> None:
    """Ask where, and order the copy; it is on disk when the caller is told so."""
    _ = talk.translate
    ward = await choose_ward(talk, places(house, person, medium=medium))
    if ward is None:
        await talk.say(_("There is no such device in your wards."))
        return
    by = f"{person.name} ({person.code})"
    await house.hands.copy(message_id, ward=ward.code, by=by, medium=medium)
    said = (
        _("It is being printed in {ward}.")
        if medium == "slip"
        else _("It is being faxed to {ward}.")
    )
    await talk.say(said.format(ward=name.said(ward.name)))
