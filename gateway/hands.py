"""What a telephone call makes the rest of the house do: errands, copies, dictations, words of people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gateway import dictation
from gateway.alarm import Alarms
from gateway.asterisk.ivr.house import Spoken
from gateway.asterisk.role import Prompt
from gateway.clock import Clock
from gateway.delivery import NewDelivery, Purpose, Step
from gateway.directory import Directory
from gateway.inbox import Inbox
from gateway.message import Priority
from gateway.service import Aside, at_once
from gateway.store import Accepted, Store
from printers import code

#: How long a copy may wait for its machine before somebody brings it (seconds).
COPY_WITHIN = 600.0


class HouseHands:
    """Fills `gateway.asterisk.ivr.house.Hands`: everything is on disk when it returns."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        inbox: Inbox,
        alarms: Alarms,
        clock: Clock,
        accepted: Callable[[Accepted], None],
        listen: Callable[[], Awaitable[None]],
        sounds: Path = Path("var/speech"),
        aside: Aside = at_once,
    ) -> None:
        """`listen`: lets whoever obeys words on the platform look for new ones. `sounds`: where sounds lie
        that Asterisk plays, swept like the voice's."""
        self._sounds = sounds
        self._aside = aside
        self._store = store
        self._directory = directory
        self._inbox = inbox
        self._alarms = alarms
        self._clock = clock
        self._accepted = accepted
        self._listen = listen

    async def errand(self, what: str, detail: Mapping[str, Any]) -> None:
        if what == "wrong number":
            return  # the call desk flags the number, and tells of it once
        if what not in ("call back", "told and changed"):
            await self._alarms(what, subject=str(detail.get("subject", "")), reason="")
            return
        phone = str(detail.get("phone") or "")
        who = ", ".join(filter(None, (str(detail.get("person") or ""), phone)))
        ward = self._directory.ward(str(detail.get("ward") or "")).name
        slip = detail.get("delivery")
        about = code.make(slip) if isinstance(slip, int) else f"message {detail.get('message')}"
        await self._alarms(what, subject=who, reason=f"{ward} {about}")

    async def copy(self, message_id: int, *, ward: str, by: str, medium: str) -> None:
        steps = (*self._steps(ward, medium), Step(by="courier"))
        new = NewDelivery(to=ward, purpose=Purpose.COPY, priority=Priority.URGENT, steps=steps)
        owed = await self._store.owe(message_id, new, at=self._clock.now(), by=by)
        self._accepted(Accepted(message_id=message_id, deliveries=(owed,)))

    async def keep(self, spoken: Spoken) -> None:
        await dictation.keep(self._inbox, spoken)

    async def dictated(self, message_id: int) -> tuple[str, Prompt] | None:
        stored = await self._store.content(message_id)
        if stored.format != dictation.FORMAT or not stored.raw:
            return None
        facts, sound = dictation.split(stored.raw)
        file = self._sounds / "dictated" / f"{stored.sha256.hex()[:32]}.wav"
        await self._aside(partial(_put, file, sound))
        return str(facts["person"]), Prompt(str(file.absolute().with_suffix("")))

    async def said(self, word: str, *, by: str, reason: str) -> None:
        now = self._clock.now()
        await self._store.say(at=now, by=by, word=word, reason=reason, detail={})
        await self._listen()

    def _steps(self, ward: str, medium: str) -> tuple[Step, ...]:
        """Where somebody said "here": paper on whatever the ward prints on."""
        wanted = ("slip", "page") if medium == "slip" else (medium,)
        there = [by for by in wanted if self._directory.devices_of(ward, by=by)]
        return tuple(Step(by=by, within=COPY_WITHIN) for by in there)


def _put(file: Path, sound: bytes) -> None:
    """The whole file or none, for Asterisk's group to read."""
    file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    beside.write_bytes(sound)
    beside.chmod(0o640)
    beside.replace(file)
