"""What a slip's code does: acknowledge it, print it again, fax it, hear what was dictated on it."""

from __future__ import annotations

from gateway.asterisk.ivr.conveying import acknowledge, convey
from gateway.asterisk.ivr.copies import PRINT, copy
from gateway.asterisk.ivr.found import Found, gather
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.talk import Talk
from gateway.asterisk.role import Prompt
from gateway.directory import Person
from gateway.store import Stored
from printers import code

#: Codes that are keyed wrongly before the caller is back in the menu.
TRIES = 3


async def acknowledge_slip(talk: Talk, house: House, person: Person) -> None:
    """By its code: the name is said, critical values are keyed back from the paper."""
    _ = talk.translate
    found = await _asked_for(talk, house, person)
    if found is None:
        return
    if found.instead is not None:
        await talk.say(_("This slip does not hold any more: listen to the newer result."))
        await convey(talk, house, found, person=person, via="phone")
        return
    reading = found.reading(talk, house)
    key = await talk.choose(
        found.who(talk, house),
        *reading.opening,
        _("Press 1 to say that you have this slip, 2 if it is not this one."),
        keys="12",
    )
    if key == "1":
        await acknowledge(talk, house, found, person=person, via="phone")


async def copy_slip(talk: Talk, house: House, person: Person) -> None:
    """By its code: on paper in the caller's ward, or by fax to one of the directory."""
    _ = talk.translate
    found = await _asked_for(talk, house, person)
    if found is None:
        return
    key = await talk.choose(
        found.who(talk, house), _("Press 6 to print it, 7 to fax it, 2 to go back."), keys="267"
    )
    if key != "2":
        medium = "slip" if key == PRINT else "fax"
        await copy(talk, house, person, found.stored.id, medium=medium)


async def _asked_for(talk: Talk, house: House, person: Person) -> Found | None:
    """The slip whose code was keyed, if the caller may know of it; the caller hears why not."""
    _ = talk.translate
    for _try in range(TRIES):
        keyed = await talk.ask(_("Key the code under the slip, then hash."), digits=20)
        try:
            number = code.check(keyed)
        except ValueError:
            await talk.say(_("That is not the code of a slip."))
            continue
        return await _slip(talk, house, person, number)
    return None


async def _slip(talk: Talk, house: House, person: Person, number: int) -> Found | None:
    _ = talk.translate
    try:
        delivery = await house.store.delivery(number)
    except LookupError:
        await talk.say(_("There is no slip of this code."))
        return None
    stored = await house.store.content(delivery.message_id)
    if not (_may_know(person, delivery.to) or _may_know(person, stored.ward)):
        await talk.say(_("This slip is not for one of your wards."))
        return None
    found = await gather(house, stored, delivery=delivery)
    if found is None:
        dictated = await house.hands.dictated(stored.id)
        if dictated is None:
            await talk.say(_without_values(talk, stored))
        else:
            await _play(talk, *dictated)
    return found


async def _play(talk: Talk, person: str, sound: Prompt) -> None:
    """What somebody dictated, as often as it is wanted."""
    _ = talk.translate
    while True:
        await talk.say(_("Dictated by {person}.", person=person))
        await talk.call.say(sound)
        key = await talk.choose(_("Press 3 to hear it again, 2 to go back."), keys="23")
        if key == "2":
            return


def _may_know(person: Person, ward: str) -> bool:
    return "lab" in person.roles or (bool(ward) and person.may_see(ward))


def _without_values(talk: Talk, stored: Stored) -> str:
    _ = talk.translate
    if not stored.raw:
        return _("This slip is too old: ask the laboratory.")
    return _("This one is a document: it is on paper or at the laboratory.")
