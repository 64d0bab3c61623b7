"""What is known of each fax number: the machine that a person has vouched for, and those that are stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from gateway.store import Store

#: Under what the store remembers them, followed by the number.
PREFIX = "fax "


class Trust(StrEnum):
    """Whether patient data may go to a number; the two that say no are `printer-state-reasons`' kind."""

    KNOWN = "known"
    UNTESTED = "fax-untested"  # nobody has yet said which machine answers there
    STOPPED = "wrong-station"  # another machine answered than the one that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One number. Moments are seconds (UTC), 0 for never."""

    station: str | None = None  # of the machine a person vouched for; None: nobody has
    vouched_at: float = 0.0
    vouched_by: str = ""
    stopped: str | None = None  # the station that answered instead; None: not stopped
    stopped_at: float = 0.0
    code: str = ""  # on the test page that was sent last; "" once it was given back
    tested_at: float = 0.0
    tested: str = ""  # how the test ended: "arrived", or the cause
    heard: str = ""  # the station that took the test page
    proved_at: float = 0.0  # when the right machine last took a fax

    @property
    def trust(self) -> Trust:
        if self.stopped is not None:
            return Trust.STOPPED
        return Trust.UNTESTED if self.station is None else Trust.KNOWN


def read(saved: Mapping[str, Any]) -> Entry:
    """An entry as the store gave it back."""
    return Entry(**{key: saved[key] for key in Entry.__dataclass_fields__ if key in saved})


class Register:
    """The numbers as the store remembers them; `configured` are stations the site's file gives."""

    def __init__(
        self,
        store: Store,
        *,
        configured: Mapping[str, str] | None = None,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._configured = configured or {}
        self._now = now
        self._entries: dict[str, Entry] = {}

    async def load(self) -> None:
        """Read again: another process may have written what a person said. Done before each write too."""
        found = await self._store.recall(PREFIX)
        self._entries = {name.removeprefix(PREFIX): read(saved) for name, saved in found.items()}

    def entry(self, number: str) -> Entry:
        entry = self._entries.get(number, Entry())
        if entry.station is None and number in self._configured:
            return replace(entry, station=self._configured[number])
        return entry

    async def stop(self, number: str, *, answered: str) -> None:
        """No patient data there any more, until a person has tested the number anew."""
        now = self._now()
        await self.load()
        await self._save(number, replace(self.entry(number), stopped=answered, stopped_at=now))
        await self._store.note(
            "fax stopped", at=now, detail={"number": number, "answered": answered}
        )

    async def proved(self, number: str) -> None:
        """The right machine has taken a fax."""
        await self.load()
        await self._save(number, replace(self.entry(number), proved_at=self._now()))

    async def tested(self, number: str, *, code: str, outcome: str, heard: str) -> None:
        """A test page was sent, or was not; a person who reads `code` from it vouches for `heard`."""
        now = self._now()
        await self.load()
        entry = replace(
            self.entry(number),
            code=code if outcome == ARRIVED else "",
            tested_at=now,
            tested=outcome,
            heard=heard,
        )
        await self._save(number, entry)
        detail = {"number": number, "outcome": outcome, "answered": heard}
        await self._store.note("fax tested", at=now, detail=detail)

    async def _save(self, number: str, entry: Entry) -> None:
        if not entry.vouched_at:  # the site's file says it, and may say otherwise tomorrow
            entry = replace(entry, station=None)
        self._entries[number] = entry
        await self._store.remember(PREFIX + number, asdict(entry), at=self._now())


ARRIVED = "arrived"


def vouched(entry: Entry, *, code: str, by: str, at: float) -> Entry | None:
    """The entry once a person has given back the code of the test page; None for another code."""
    if not entry.code or entry.code != code.replace(" ", ""):
        return None
    return replace(
        entry,
        station=entry.heard,
        vouched_at=at,
        vouched_by=by,
        stopped=None,
        stopped_at=0.0,
        code="",
    )
