"""A result out of the store for a person's ear: what it corrects, and whether it still holds itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.talk import Talk
from gateway.asterisk.speech.reading import Reading, identity, read_out
from gateway.delivery import Delivery
from gateway.errors import Rejected
from gateway.message import Group, Kind, Message, Observation, Status
from gateway.render.context import Corrections
from gateway.render.facts import key, standing
from gateway.store import Store, Stored

#: Before every message there is: the store asks for those that came before one.
NEWEST = 2**62


class Reads(Protocol):
    """A house as far as it remembers messages and reads them again."""

    @property
    def store(self) -> Store: ...
    @property
    def read(self) -> Callable[[Stored], Message]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A result with what it corrects. `delivery`: whose call or slip it is about, where there is one.

    `instead`: the earlier result that was asked for; this one came under the same order and holds in its
    place. Whoever has this one has that one.
    """

    stored: Stored
    message: Message
    corrections: Corrections
    delivery: Delivery | None = None
    instead: Stored | None = None

    def reading(self, talk: Talk, house: House) -> Reading:
        return read_out(self.message, talk.lexicon, zone=house.zone, corrections=self.corrections)

    def who(self, talk: Talk, house: House) -> str:
        return identity(self.message.patient, talk.lexicon, zone=house.zone)


async def gather(
    house: House, message: int | Stored, *, delivery: Delivery | None = None
) -> Found | None:
    """What holds of a message: itself, or the newest that replaces it. None where there are no values any
    more, or never were."""
    asked = await house.store.content(message) if isinstance(message, int) else message
    try:
        read = house.read(asked)
    except Rejected:
        return None
    newer = await newest(house, asked, read)
    stored, read = newer or (asked, read)
    corrections = await house.corrections(stored, read)
    return Found(
        stored=stored,
        message=read,
        corrections=corrections,
        delivery=delivery,
        instead=asked if newer else None,
    )


async def newest(house: Reads, stored: Stored, message: Message) -> tuple[Stored, Message] | None:
    """The newest result that replaces `message`; None where it holds itself.

    A value that the laboratory has taken back must not be said as if it held, whoever asks for it.
    """
    if not message.order_keys or stored.kind is not Kind.RESULT:
        return None
    of_order = await house.store.earlier(
        stored.patient_key, order_keys=message.order_keys, before=NEWEST
    )
    for later in of_order:
        if later.id <= stored.id:
            return None
        if later.kind is not Kind.RESULT or later.test != stored.test or later.refused:
            continue
        try:
            read = house.read(later)
        except Rejected:
            continue
        if _replaces(read, message):
            return later, read
    return None


def _replaces(newer: Message, older: Message) -> bool:
    """Whether it says something of everything that pressed in the older one."""
    told = {key(group, o) for group in newer.groups for o in group.observations if _says(group, o)}
    gone = {group.order_key for group in newer.groups if group.status is Status.WITHDRAWN}
    pressing = set(_keys(older, critical=True)) or set(_keys(older, critical=False))
    return bool(pressing) and all(its in told or its[0] in gone for its in pressing)


def _says(group: Group, observation: Observation) -> bool:
    """Whether it has a word of its own: "to come" takes back nothing."""
    state = standing(group, observation)
    void = state in (Status.WITHDRAWN, Status.CANCELLED)
    said = bool(observation.value.strip()) or observation.attachment is not None
    return void or (said and state is not Status.PENDING)


def _keys(message: Message, *, critical: bool) -> Iterator[tuple[str, str, str]]:
    for group in message.groups:
        for observation in group.observations:
            if observation.flag.critical or not critical:
                yield key(group, observation)
