"""What is written down of a result that was told: the record of ISO 15189:2022 7.4.1.3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.asterisk.ivr.found import Found, newest
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.readback import ReadBack
from gateway.directory import Person
from gateway.store import Acknowledgement, Stored


@dataclass(slots=True, kw_only=True)
class Record:
    """Who, when, what was conveyed, read-back, difficulties: one telling of one result to one person."""

    house: House
    found: Found
    person: Person
    via: str
    said: Sequence[str] = ()
    back: ReadBack = field(default_factory=ReadBack)
    closed: bool = False  # the end of it is written: what happens later is another story

    async def accept(self) -> None:
        await self._write(difficulty="")

    async def difficulty(self, why: str) -> None:
        """It does not count, and why. Who heard what is not true any more is the laboratory's task."""
        if self.closed:
            return
        await self._write(difficulty=why)
        if self.said and await newest(self.house, self.found.stored, self.found.message):
            await self.call_back("told and changed")

    async def call_back(self, why: str = "call back") -> None:
        """A slip at the laboratory: somebody should ring this person."""
        found = self.found
        detail = {
            "message": found.stored.id,
            "delivery": found.delivery.id if found.delivery else None,
            "person": f"{self.person.name} ({self.person.code})",
            "phone": self.person.phone,
            "ward": found.stored.ward,
        }
        await self.house.hands.errand(why, detail)

    async def _write(self, *, difficulty: str) -> None:
        self.closed = True
        found = self.found
        for stored in filter(None, (found.stored, found.instead)):
            await self.house.store.acknowledge(self._row(stored, difficulty=difficulty))

    def _row(self, stored: Stored, *, difficulty: str) -> Acknowledgement:
        found = self.found
        asked = found.instead or found.stored  # the delivery is that message's
        return Acknowledgement(
            message_id=stored.id,
            delivery_id=found.delivery.id if found.delivery and stored is asked else None,
            at=self.house.clock.now(),
            name=self.person.name,
            person=self.person.code,
            via=self.via,
            accepted=not difficulty,
            conveyed=" ".join(self.said),
            read_back=self.back.verdict,
            keyed=tuple(self.back.keyed),
            difficulties=difficulty,
        )
