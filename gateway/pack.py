"""The pack desk: a ward's last results on paper when an outage begins, while it lasts, or when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from gateway import notice, render
from gateway.clock import Clock
from gateway.delivery import NewDelivery, Purpose, Step
from gateway.directory import folded
from gateway.errors import Rejected
from gateway.message import Message, Patient, Priority
from gateway.notice import Notice, announcement
from gateway.service import Aside, at_once
from gateway.store import Accepted, Outage, Store, Stored, Whereabouts, Word

log = structlog.get_logger()

TOPIC = "pack"
#: The word with which a person asks for one; `detail` names the ward.
WORD = "pack"
#: Patients on one slip. A pack is cut into slips so that a critical result never waits for all of it.
PATIENTS = 6
#: Results looked at for each patient, newest first.
RESULTS = 20
#: A word said while nobody listened is still obeyed this long after, seconds.
FRESH = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When packs come of themselves, and how far they look back (seconds)."""

    at_outage: bool = False
    every: float | None = None
    reach: float = 72 * 3600.0

    def slot(self, outage: Outage | None, now: float) -> int | None:
        """Which pack of this outage is due now: 0 at its beginning, then one each `every`."""
        if outage is None:
            return None
        number = int((now - outage.began_at) / self.every) if self.every else 0
        return number if number or self.at_outage else None


class PackDesk:
    """Makes packs; each is in the store before it is on paper, and none is made twice."""

    def __init__(
        self,
        store: Store,
        *,
        schedule: Schedule,
        wards: Iterable[str],
        clock: Clock,
        outage: Callable[[], Outage | None],
        accepted: Callable[[Accepted], None],
    ) -> None:
        self._store = store
        self._schedule = schedule
        self._wards = tuple(wards)
        self._clock = clock
        self._outage = outage
        self._accepted = accepted
        self._heard = -1
        self._made: tuple[int, int] | None = None

    async def listen(self) -> None:
        """Obey what was asked for since the last call, or just before the start."""
        for word in await self._store.words(after=self._heard):
            self._heard = word.id
            if word.word == WORD and word.at > self._clock.now() - FRESH:
                await self._obey(word)
        self._heard = max(self._heard, 0)

    async def look(self) -> None:
        """Make what the schedule calls for; called again and again."""
        if self._heard < 0:
            await self.listen()
        outage = self._outage()
        slot = self._schedule.slot(outage, self._clock.now())
        if outage is None or slot is None or self._made == (outage.id, slot):
            return
        for ward in self._wards:
            await self._make(ward, name=f"pack-outage-{outage.id}-{slot}", because="outage")
        self._made = (outage.id, slot)

    async def _obey(self, word: Word) -> None:
        ward = str(word.detail.get("ward", ""))
        if ward not in self._wards:
            log.warning("pack for an unknown ward", word=word.id)
            return
        log.info("pack", ward=ward, by=word.by)
        await self._make(ward, name=f"pack-word-{word.id}", because="word")

    async def _make(self, ward: str, *, name: str, because: str) -> None:
        """One slip for each few patients, in the order of their beds."""
        if await self._store.known(sender=notice.SENDER, control_id=f"{name}-{ward}-1"):
            return
        present = sorted(await self._store.present(ward), key=_bed)
        if not present and because == "outage":  # a site without ADT would get a useless slip
            return
        stale = await notice.waiting(self._store, ward, stale=is_pack)
        parts = _parts(present)
        for number, patients in enumerate(parts, start=1):
            detail = {
                "ward": ward,
                "because": because,
                "part": number,
                "parts": len(parts),
                "patients": [[w.patient.ipp, w.patient.nda] for w in patients],
                "reach": self._schedule.reach,
            }
            arrival = announcement(
                Notice(topic=TOPIC, detail=detail),
                control_id=f"{name}-{ward}-{number}",
                now=self._clock.now(),
                deliveries=(_to(ward, degraded=self._outage() is not None),),
                supersedes=stale if number == 1 else (),
            )
            self._accepted(await self._store.accept(arrival))


def is_pack(told: Notice) -> bool:
    return told.topic == TOPIC


def of_an_outage(told: Notice) -> bool:
    """A pack nobody asked for: when the platform is back it is no longer wanted."""
    return told.topic == TOPIC and told.detail["because"] == "outage"


async def gather(
    store: Store,
    detail: Mapping[str, Any],
    *,
    read: Callable[[Stored], Message],
    now: float,
    aside: Aside = at_once,
) -> render.Pack:
    """What one slip of a pack shows: as things are now, not as they were when it was asked for.

    Each patient's results are read `aside`: twenty long ones would hold up the reactor.
    """
    since = now - detail["reach"]
    ward = detail["ward"]
    census = None
    if detail["part"] == 1:
        everybody = sorted(await store.present(ward), key=_bed)
        census = tuple(render.Present(patient=w.patient, location=w.location) for w in everybody)
    patients = [
        await _looked(store, keys, ward, read=read, since=since, aside=aside)
        for keys in detail["patients"]
    ]
    return render.Pack(
        part=detail["part"],
        parts=detail["parts"],
        patients=tuple(patients),
        since=since,
        census=census,
    )


async def _looked(
    store: Store,
    keys: Sequence[str],
    ward: str,
    *,
    read: Callable[[Stored], Message],
    since: float,
    aside: Aside,
) -> render.Present:
    known = [key for key in keys if key]
    where = await store.whereabouts(known)
    stored = await store.latest(known, since=since, limit=RESULTS + 1)
    results = await aside(lambda: [_waited(s, read) for s in stored[:RESULTS]])
    return render.Present(
        patient=where.patient if where else Patient(ipp=keys[0], nda=keys[1]),
        location=where.location if where else None,
        here=where is not None and where.location is not None and where.ward == ward,
        results=tuple(one for one in results if one is not None),
        more=len(stored) > RESULTS,
    )


def _waited(stored: Stored, read: Callable[[Stored], Message]) -> render.Waited | None:
    try:
        return render.Waited(message=read(stored), received_at=stored.received_at)
    except Rejected:  # it was readable once; a purge may have come between
        return None


def _parts(present: Sequence[Whereabouts]) -> list[Sequence[Whereabouts]]:
    """At least one, so that who asked sees that nobody is known."""
    return [present[i : i + PATIENTS] for i in range(0, max(len(present), 1), PATIENTS)]


def _bed(where: Whereabouts) -> tuple[str, ...]:
    place, patient = where.location, where.patient
    bed = (place.room.rjust(8), place.bed.rjust(8)) if place else ("", "")
    return (*bed, folded(patient.family), folded(patient.given), patient.key)


def _to(ward: str, *, degraded: bool) -> NewDelivery:
    """It waits for the ward's own printer: next door it is no use, and nobody's business."""
    return NewDelivery(
        to=ward,
        purpose=Purpose.NOTICE,
        priority=Priority.ROUTINE,
        steps=(Step(by="slip"),),
        degraded=degraded,
    )
