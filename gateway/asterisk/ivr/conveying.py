"""One result from the store to a person's ear, and their "I have it" from the keys to the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.readback import ReadBack, read_back
from gateway.asterisk.ivr.talk import Ended, Mute, Talk, ToLaboratory
from gateway.asterisk.role import HungUp
from gateway.asterisk.speech.reading import Line, Reading, identity, identity_spelled, read_out
from gateway.delivery import Delivery
from gateway.directory import Person
from gateway.errors import Rejected
from gateway.message import Message
from gateway.render.context import Corrections
from gateway.store import Acknowledgement, Stored

#: A line that keys cut short is begun again so often.
AGAINS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A result with what it corrects. `delivery`: whose call or slip it is about, where there is one."""

    stored: Stored
    message: Message
    corrections: Corrections
    delivery: Delivery | None = None

    def reading(self, talk: Talk, house: House) -> Reading:
        return read_out(self.message, talk.lexicon, zone=house.zone, corrections=self.corrections)

    def who(self, talk: Talk, house: House) -> str:
        return identity(self.message.patient, talk.lexicon, zone=house.zone)


async def gather(
    house: House, message: int | Stored, *, delivery: Delivery | None = None
) -> Found | None:
    """What the store has of a message; None where there are no values any more, or never were."""
    stored = await house.store.content(message) if isinstance(message, int) else message
    try:
        read = house.read(stored)
    except Rejected:
        return None
    corrections = await house.corrections(stored, read)
    return Found(stored=stored, message=read, corrections=corrections, delivery=delivery)


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

    `via` "call": Wardline rang, and only an acknowledgement goes on. Whoever hears a critical value, or
    was rung for one, and is gone before saying to have it leaves a difficulty in the record.
    """
    reading = found.reading(talk, house)
    said = tuple(_texts(reading))
    # Who heard what is known even of those who hang up before they say to have it.
    trace = {"message": found.stored.id, "person": person.code, "via": via}
    await house.store.note("result said", at=house.clock.now(), detail=trace)
    try:
        await _say(talk, house, found, said)
        return await _asked(
            talk, house, found, person=person, via=via, said=said, offers=offers or {}
        )
    except (HungUp, Ended, ToLaboratory, Mute) as gone:
        if via == "call" or reading.criticals:
            why = _GONE[type(gone)]
            await _record(house, found, person=person, via=via, said=said, difficulty=why)
        raise


async def _say(talk: Talk, house: House, found: Found, said: Sequence[str]) -> None:
    await say_all(talk, (found.who(talk, house), *said))


async def _asked(
    talk: Talk,
    house: House,
    found: Found,
    *,
    person: Person,
    via: str,
    said: Sequence[str],
    offers: Mapping[str, Offer],
) -> bool:
    reading = found.reading(talk, house)
    menu = _menu(talk, reading, via=via) + "".join(f" {offer.words}" for offer in offers.values())
    keys = "01345" + ("" if via == "call" else "2") + "".join(offers)
    while True:
        key = await talk.choose(menu, keys=keys)
        if key == "1":
            return await acknowledge(talk, house, found, person=person, via=via, said=said)
        if key == "2":
            return False
        if key in "03":
            await _say(talk.slower() if key == "3" else talk, house, found, said)
        elif key == "4" and found.message.patient is not None:
            await talk.slower().say(identity_spelled(found.message.patient, talk.lexicon))
        elif key == "5":
            await say_all(talk, tuple(line.text for line in _others(reading)))
        elif key in offers:
            await offers[key].act()


async def acknowledge(
    talk: Talk,
    house: House,
    found: Found,
    *,
    person: Person,
    via: str,
    said: Sequence[str] = (),
) -> bool:
    """Write down that `person` has it: critical values only once they were keyed back.

    A second wrong value makes it a task of the laboratory's and a difficulty in the record.
    """
    _ = talk.translate
    back = await read_back(talk, found.reading(talk, house).criticals)
    if back.verdict == "failed":
        await _record(
            house, found, person=person, via=via, said=said, back=back,
            difficulty="the value was keyed back wrongly twice",
        )  # fmt: skip
        detail = {
            "message": found.stored.id,
            "delivery": found.delivery.id if found.delivery else None,
            "person": f"{person.name} ({person.code})",
            "phone": person.phone,
            "ward": found.stored.ward,
        }
        await house.hands.errand("call back", detail)
        await talk.say(_("That is not the value either. The laboratory will call you back."))
        return False
    await _record(house, found, person=person, via=via, said=said, back=back)
    await talk.say(_("Noted: you have this result."))
    return True


async def say_all(talk: Talk, texts: Sequence[str]) -> None:
    """All of them. 0 begins again; what another key cuts short is said once more."""
    at = agains = 0
    while at < len(texts):
        key = await talk.say(texts[at])
        if not key:
            at, agains = at + 1, 0
        elif key == "#":
            raise Ended
        elif agains < AGAINS:
            at, agains = (0 if key == "0" else at), agains + 1
        else:
            at, agains = at + 1, 0


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
    if via != "call":
        parts.append(_("2 to go on."))
    parts += [_("0 again."), _("3 slower."), _("4 to spell the name.")]
    if reading.criticals and _others(reading):
        parts.append(_("5 for the other values."))
    return " ".join(parts)


async def _record(
    house: House,
    found: Found,
    *,
    person: Person,
    via: str,
    said: Sequence[str],
    back: ReadBack | None = None,
    difficulty: str = "",
) -> None:
    """The record of ISO 15189:2022 7.4.1.3: who, when, what was conveyed, read-back, difficulties."""
    back = back or ReadBack()
    await house.store.acknowledge(
        Acknowledgement(
            message_id=found.stored.id,
            delivery_id=found.delivery.id if found.delivery else None,
            at=house.clock.now(),
            name=person.name,
            person=person.code,
            via=via,
            accepted=not difficulty,
            conveyed=" ".join(said),
            read_back=back.verdict,
            keyed=tuple(back.keyed),
            difficulties=difficulty,
        )
    )
