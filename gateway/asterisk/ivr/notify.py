"""What somebody hears whom Wardline calls: nothing of any patient before a key, a code and a PIN.

The desk that decides when and whom to call starts it with `notify(call, batch, house=house)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from gateway.asterisk.ivr.conveying import convey
from gateway.asterisk.ivr.found import gather
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.laboratory import point_to_laboratory
from gateway.asterisk.ivr.login import login
from gateway.asterisk.ivr.talk import Ended, Mute, Talk, ToLaboratory
from gateway.asterisk.role import Call, HungUp
from gateway.delivery import Delivery, State
from gateway.directory import Person

log = structlog.get_logger()

#: So often is "press 1" said to somebody, or something, that does not answer.
CALLS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Several results of one ward in one call, the most pressing first."""

    ward: str  # the directory's code
    deliveries: tuple[Delivery, ...]  # those of purpose CALL that this call is for
    number: str = ""  # that was dialled, for the errand when it is a wrong one
    more: Callable[[], Awaitable[Sequence[Delivery]]] | None = None  # what has come since


class Ending(StrEnum):
    """How far it got."""

    ACKNOWLEDGED = "acknowledged"  # every result of the batch
    PARTLY = "partly acknowledged"
    NOBODY = "nobody pressed a key"  # an answering machine, or a telephone lifted and laid down
    WRONG_NUMBER = "wrong number"  # 9: the lab was told by a slip
    REFUSED = "code or PIN refused"  # or somebody who may not hear this ward
    UNREAD = "not acknowledged"  # a person heard something, but said to have none of it
    MUTE = "the voice failed"  # the person was told to call the laboratory


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a call. What is acknowledged is in the store already, and so are the difficulties
    of whoever was identified (`store.acknowledge`): the desk adds only what no person was there for."""

    ending: Ending
    person: str = ""  # code of who keyed a PIN; "" when nobody did
    acknowledged: tuple[int, ...] = ()  # ids of deliveries
    hung_up: bool = False  # before the end: of no consequence for what was acknowledged


@dataclass(slots=True)
class _Progress:
    ending: Ending = Ending.NOBODY
    person: str = ""
    acknowledged: list[int] = field(default_factory=list)
    elsewhere: int = 0
    told: int = 0  # deliveries that the call came to be about


async def notify(call: Call, batch: Batch, *, house: House) -> Outcome:
    """Never raises for what a person does: hanging up ends it with what was reached until then."""
    progress = _Progress()
    hung_up = False
    talk = house.talk(call)
    try:
        await _told(talk, batch, house, progress)
    except HungUp:
        hung_up = True
    except Mute as mute:
        log.warning("call mute", why=str(mute))
        progress.ending = Ending.MUTE
    except ToLaboratory:
        await _pointed(talk, house)
    except Ended:
        pass
    if progress.acknowledged:
        every = len(progress.acknowledged) + progress.elsewhere == progress.told
        progress.ending = Ending.ACKNOWLEDGED if every else Ending.PARTLY
    return Outcome(
        ending=progress.ending,
        person=progress.person,
        acknowledged=tuple(progress.acknowledged),
        hung_up=hung_up,
    )


async def _pointed(talk: Talk, house: House) -> None:
    with suppress(HungUp, Mute):  # the call ends here in any case
        await point_to_laboratory(talk, house)


async def _told(talk: Talk, batch: Batch, house: House, progress: _Progress) -> None:
    _ = talk.translate
    if not await _somebody(talk, batch, house, progress):
        return
    progress.ending = Ending.REFUSED
    person = await login(talk, house)
    progress.person = person.code
    if not _may_hear(person, batch, house):
        await talk.say(_("You have no access to this ward's results. The next person is called."))
        return
    progress.ending = Ending.UNREAD
    deliveries: Sequence[Delivery] = batch.deliveries
    while deliveries:
        progress.told += len(deliveries)
        await _every(talk, deliveries, house, progress, person=person)
        deliveries = await batch.more() if batch.more is not None else ()
        if deliveries:
            more = _.plural(
                "{n} more result has come.", "{n} more results have come.", len(deliveries)
            )
            await talk.say(more)
    await talk.say(_("That was all. Thank you."))


async def _every(
    talk: Talk,
    deliveries: Sequence[Delivery],
    house: House,
    progress: _Progress,
    *,
    person: Person,
) -> None:
    _ = talk.translate
    for index, delivery in enumerate(deliveries, 1):
        now = await house.store.delivery(delivery.id)
        if now.state is State.DELIVERED:  # somebody said to have it meanwhile, by another way
            progress.elsewhere += 1
            continue
        if len(deliveries) > 1:
            await talk.say(_("Result {n} of {all}.", n=index, all=len(deliveries)))
        if await _one(talk, delivery, house, person):
            progress.acknowledged.append(delivery.id)
            talk.brief = True


async def _somebody(talk: Talk, batch: Batch, house: House, progress: _Progress) -> bool:
    """Whether a person pressed 1. A machine presses nothing and hears no patient's name."""
    _ = talk.translate
    ward = house.directory.ward(batch.ward).name
    said = (
        _("This is the laboratory's Wardline. Urgent result for {ward}.", ward=ward),
        _("Press 1 to hear it. Press 9 if this is not {ward}.", ward=ward),
    )
    for _try in range(CALLS):
        key = await talk.key(*said)
        if key == "1":
            return True
        if key == "9":
            progress.ending = Ending.WRONG_NUMBER
            detail = {"ward": batch.ward, "number": batch.number}
            await house.hands.errand("wrong number", detail)
            await talk.say(_("Noted. Sorry for the disturbance."))
            return False
    return False


def _may_hear(person: Person, batch: Batch, house: House) -> bool:
    return person.may_see(batch.ward) or "lab" in person.roles


async def _one(talk: Talk, delivery: Delivery, house: House, person: Person) -> bool:
    """Say one result and have it acknowledged; whether it was."""
    _ = talk.translate
    found = await gather(house, delivery.message_id, delivery=delivery)
    if found is None:
        await talk.say(_("This one is a document: it is on paper or at the laboratory."))
        return False
    return await convey(talk, house, found, person=person, via="call")
