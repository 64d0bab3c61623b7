"""Orders and reasons that somebody dictated on the telephone: listed, and played."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from gateway import dictation
from gateway.directory import Person
from gateway.intakes.http.answers import Answer
from gateway.locale import N_
from gateway.store import search
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.rights import in_lab, may_see
from gateway.web.visit import Refused, Visit
from printers import code

#: Bytes of a second: 8 kHz, 16 bits, one channel; and of what stands before the sound.
SECOND, HEADER = 16_000, 44
_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One dictation as the list shows it."""

    id: int
    at: float
    what: str
    person: str
    ward: str
    seconds: int
    codes: tuple[str, ...]


class Dictations:
    """A ward hears what is for it; the laboratory hears all, reasons for breaking the glass among them."""

    def __init__(self, house: House, pages: Pages) -> None:
        self._house = house
        self._pages = pages

    async def show(self, visit: Visit) -> Answer:
        found = await self._house.aside(partial(search.dictations, self._house.path))
        return await self._pages.page(visit, "dictations", spoken=list(_mine(found, visit.person)))

    async def sound(self, visit: Visit, number: int) -> Answer:
        """The WAV file as it was recorded, or the part of it that a player asks for."""
        try:
            stored = await self._house.store.content(number)
        except (LookupError, OverflowError):
            raise Refused(404, _NONE) from None
        if stored.format != dictation.FORMAT or not stored.raw:
            raise Refused(404, _NONE)
        told, sound = dictation.split(stored.raw)
        if not _may_hear(visit.person, str(told["what"]), stored.ward):
            raise Refused(404, _NONE)
        answer = part(sound, visit.range)
        if not visit.range or visit.range.startswith("bytes=0-"):
            await self._house.looked(visit.person, "dictation", message=number)
        return answer


def part(sound: bytes, asked: str) -> Answer:
    """All of it, or one range of bytes (RFC 9110, 14.1.2); several at once are answered with all."""
    headers = {"Accept-Ranges": "bytes"}
    found, size = _RANGE.fullmatch(asked.strip()), len(sound)
    if found is None or found.groups() == ("", ""):
        return Answer(status=200, body=sound, media="audio/wav", headers=headers)
    first, last = found.groups()
    if first:
        begin, end = int(first), min(int(last) + 1 if last else size, size)
    else:
        begin, end = max(size - int(last), 0), size
    if begin >= end:
        return Answer(
            status=416, media="text/plain", headers={**headers, "Content-Range": f"bytes */{size}"}
        )
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    return Answer(status=206, body=sound[begin:end], media="audio/wav", headers=headers)


def _mine(found: Sequence[search.Dictated], person: Person) -> Iterator[Spoken]:
    for one in found:
        head, _, _ = one.head.partition(b"\n")
        told = json.loads(head) if head else {"what": "forgotten", "person": ""}
        if _may_hear(person, told["what"], one.ward):
            yield Spoken(
                id=one.id,
                at=one.received_at,
                what=told["what"],
                person=told["person"],
                ward=one.ward,
                seconds=max(one.size - len(head) - 1 - HEADER, 0) // SECOND,
                codes=tuple(code.make(delivery) for delivery in one.deliveries),
            )


def _may_hear(person: Person, what: str, ward: str) -> bool:
    return in_lab(person) or (what == "order" and may_see(person, [ward]))


_NONE = N_("There is no such dictation, or it is not for one of your wards.")
