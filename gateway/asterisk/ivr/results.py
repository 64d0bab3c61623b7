"""The results of a patient by slip code, IPP or NDA: who it is first, then the latest result first."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.asterisk.ivr import copies
from gateway.asterisk.ivr.conveying import convey
from gateway.asterisk.ivr.found import Found, gather
from gateway.asterisk.ivr.glass import break_glass
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.talk import Talk
from gateway.asterisk.speech.reading import identity_spelled
from gateway.directory import Person
from gateway.message import Kind
from gateway.store import Stored
from printers import code

#: Results of one patient that are read in one go.
MOST = 20


async def results(talk: Talk, house: House, person: Person) -> None:
    """Ask for a number, confirm the patient, read what the caller may hear."""
    _ = talk.translate
    keyed = await talk.ask(
        _("Key the slip code, the IPP or the NDA, then hash."), digits=20, within=10.0
    )
    closed = []
    for stored in await _candidates(house, keyed):
        allowed = await _allowed(house, person, stored)
        if not allowed:
            closed.append(stored)
        elif await _patient(talk, house, person, allowed):
            return
    # A name is a patient's as well: outside the caller's wards nothing is said before a reason was.
    for stored in closed:
        if not await break_glass(talk, house, person, stored[0]):
            return
        if await _patient(talk, house, person, stored):
            return
    await talk.say(_("There is no result under this number. For help, press 9."))


async def by_slip(house: House, keyed: str) -> tuple[int, Stored] | None:
    """The delivery and the message of a slip's code; None when there is no such slip."""
    try:
        number = code.check(keyed)
        delivery = await house.store.delivery(number)
    except (ValueError, LookupError):
        return None
    return delivery.id, await house.store.content(delivery.message_id)


async def _candidates(house: House, keyed: str) -> list[Sequence[Stored]]:
    """The patients a number may mean, each with their results, newest first.

    A short NDA can look like a slip's code: both are offered, and the caller hears names.
    """
    found: list[Sequence[Stored]] = []
    since = house.clock.now() - house.reach
    slip = await by_slip(house, keyed)
    if slip is not None:
        __, stored = slip
        rest = await _latest(house, (stored.patient_key,), since=since)
        found.append([stored, *(s for s in rest if s.id != stored.id)])
    for key in dict.fromkeys((keyed, *await house.store.keyed(keyed, since=since))):
        latest = await _latest(house, (key,), since=since)
        if latest and not any(latest[0].id == s.id for other in found for s in other):
            found.append(latest)
    return [s for s in found if s[0].kind is Kind.RESULT]


async def _latest(house: House, keys: Sequence[str], *, since: float) -> list[Stored]:
    known = [key for key in keys if key]
    return await house.store.latest(known, since=since, limit=MOST) if known else []


async def _confirmed(talk: Talk, house: House, found: Found) -> bool:
    """The caller hears the name and the birth date before anything else, and says whether it is they."""
    _ = talk.translate
    who = found.who(talk, house)
    while True:
        key = await talk.choose(
            who, _("Press 1 if this is the patient, 2 if not, 4 to spell the name."), keys="124"
        )
        if key != "4":
            return key == "1"
        if found.message.patient is not None:
            await talk.slower().say(identity_spelled(found.message.patient, talk.lexicon))


async def _patient(talk: Talk, house: House, person: Person, stored: Sequence[Stored]) -> bool:
    """Say who it is and, where the caller says that it is they, the results; whether it was."""
    _ = talk.translate
    first = None
    for one in stored:
        first = first or await gather(house, one)
    if first is None:
        await talk.say(_("This one is a document: it is on paper or at the laboratory."))
        return True
    if not await _confirmed(talk, house, first):
        return False
    heard: set[int] = set()
    for one in stored:
        found = await gather(house, one)
        if found is None:
            await talk.say(_("This one is a document: it is on paper or at the laboratory."))
            continue
        if found.stored.id in heard:  # what it said was replaced by what was just heard
            continue
        heard.add(found.stored.id)
        offers = copies.offers(talk, house, person, found.stored.id)
        await convey(talk, house, found, person=person, via="phone", offers=offers)
    await talk.say(_("That was all for this patient."))
    return True


async def _allowed(house: House, person: Person, stored: Sequence[Stored]) -> Sequence[Stored]:
    """All of a patient who is in one of the caller's wards; else what was sent to their wards."""
    key = stored[0].patient_key
    where = await house.store.whereabouts([key]) if key else None
    if "lab" in person.roles or (where is not None and person.may_see(where.ward)):
        return stored
    return [s for s in stored if s.ward and person.may_see(s.ward)]
