"""One result to a person's ear, and their "I have it" from the keys to the record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from gateway.asterisk.ivr.found import Found, gather, newest
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.readback import read_back
from gateway.asterisk.ivr.record import Record
from gateway.asterisk.ivr.talk import Ended, Mute, Talk, ToLaboratory, say_all
from gateway.asterisk.role import HungUp
from gateway.asterisk.speech.reading import Line, Reading, identity_spelled
from gateway.directory import Person


@dataclass(frozen=True, slots=True)
class Offer:
    """Something else that a key does with a result that was heard."""

    words: str
    act: Callable[[], Awaitable[None]]


async def convey(
    talk: Talk,
    house: House,
    found: Found,
    *,
    person: Person,
    via: str,
    offers: Mapping[str, Offer] | None = None,
) -> bool:
    """Say who and what, until the person acknowledges it (True) or goes on without (False).

    `via` "call": Wardline rang, and only an acknowledgement goes on. Whoever heard and did not say to have
    it leaves a difficulty in the record: they know a value, and are called if it changes.
    """
    said = tuple(_texts(found.reading(talk, house)))
    record = Record(house=house, found=found, person=person, via=via, said=said)
    # Who heard what is known even if this program is cut off before it can write a record.
    trace = {"message": found.stored.id, "person": person.code, "via": via}
    await house.store.note("result said", at=house.clock.now(), detail=trace)
    try:
        await _say(talk, record)
        return await _asked(talk, record, offers=offers or {})
    except tuple(_GONE) as gone:
        await record.difficulty(_GONE[type(gone)])
        raise


async def acknowledge(talk: Talk, house: House, found: Found, *, person: Person, via: str) -> bool:
    """As `convey`, for somebody who has the paper in hand: nothing is said but what they key."""
    record = Record(house=house, found=found, person=person, via=via)
    try:
        return await _acknowledged(talk, record)
    except tuple(_GONE) as gone:
        if record.back.keyed:
            await record.difficulty(_GONE[type(gone)])
        raise


async def _say(talk: Talk, record: Record) -> None:
    await say_all(talk, (record.found.who(talk, record.house), *record.said))


async def _asked(talk: Talk, record: Record, *, offers: Mapping[str, Offer]) -> bool:
    found, calling = record.found, record.via == "call"
    reading = found.reading(talk, record.house)
    menu = _menu(talk, reading, via=record.via)
    menu += "".join(f" {offer.words}" for offer in offers.values())
    keys = "01345" + ("" if calling else "2") + "".join(offers)
    while True:
        key = await talk.choose(menu, keys=keys)
        if key == "1":
            return await _acknowledged(talk, record)
        if key == "2":
            await record.difficulty("went on without acknowledging")
            return False
        if key in "03":
            await _say(talk.slower() if key == "3" else talk, record)
        elif key == "4" and found.message.patient is not None:
            await talk.slower().say(identity_spelled(found.message.patient, talk.lexicon))
        elif key == "5":
            await say_all(talk, tuple(line.text for line in _others(reading)))
        elif key in offers:
            await offers[key].act()


async def _acknowledged(talk: Talk, record: Record) -> bool:
    """Write down that the person has it: critical values only once they were keyed back.

    A second wrong value makes it a task of the laboratory's and a difficulty in the record.
    """
    _ = talk.translate
    house, found = record.house, record.found
    criticals = found.reading(talk, house).criticals
    await read_back(talk, criticals, done=record.back, aloud=bool(record.said))
    if record.back.verdict == "failed":
        await record.difficulty("the value was keyed back wrongly twice")
        await record.call_back()
        await talk.say(_("That is not the value either. The laboratory will call you back."))
        return False
    newer = await newest(house, found.stored, found.message)
    if newer is not None:
        return await _instead(talk, record)
    await record.accept()
    with suppress(HungUp):  # they have it, and know it
        await talk.say(_("Noted: you have this result."))
    return True


async def _instead(talk: Talk, record: Record) -> bool:
    """The laboratory has changed it while it was told: what holds now is told in its place."""
    _ = talk.translate
    found = await gather(record.house, record.found.instead or record.found.stored)
    assert found is not None, "it was read a moment ago"
    record.closed = True
    found = replace(found, delivery=record.found.delivery)
    await talk.say(_("This result has just been replaced. Listen to the newer one."))
    return await convey(talk, record.house, found, person=record.person, via=record.via)


_GONE: Mapping[type[Exception], str] = {
    HungUp: "hung up before acknowledging",
    Ended: "ended the call without acknowledging",
    ToLaboratory: "asked for the laboratory",
    Mute: "the voice failed",
}


def _texts(reading: Reading) -> Iterator[str]:
    """What must be known, then the critical values; the others too where none is critical."""
    yield from reading.opening
    if not reading.criticals:
        yield from (line.text for line in reading.lines)
        return
    heading = ""
    for line in reading.lines:
        if line.heading:
            heading = line.text
        elif line.critical:
            yield from (text for text in (heading, line.text) if text)
            heading = ""


def _others(reading: Reading) -> tuple[Line, ...]:
    others = tuple(line for line in reading.lines if not line.critical)
    return others if any(not line.heading for line in others) else ()


def _menu(talk: Talk, reading: Reading, *, via: str) -> str:
    _ = talk.translate
    parts = [_("Press 1 to say that you have it.")]
    if talk.brief:
        return parts[0]
    if via != "call":
        parts.append(_("2 to go on."))
    parts += [_("0 again."), _("3 slower."), _("4 to spell the name.")]
    if reading.criticals and _others(reading):
        parts.append(_("5 for the other values."))
    return " ".join(parts)
