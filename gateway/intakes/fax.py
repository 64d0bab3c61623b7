"""Faxes that come in: taken from Asterisk's folder once their call has ended, stored, and only then removed.

The folder is what counts. Events are lost with the link or while nobody listens; they only say when to look.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from gateway.asterisk.ami.words import Event
from gateway.box import BoxFailed, Why
from gateway.clock import Clock
from gateway.errors import StoreBroken, StoreFull
from gateway.fax import spool, words
from gateway.fax.envelope import FORMAT, Ending, Received, seal
from gateway.inbox import Door
from gateway.message import Kind, Message, Priority
from gateway.router import Mode
from gateway.service import spawn

log = structlog.get_logger()

#: Seconds between two looks into the folder where no event says that there is something.
EVERY = 5.0
#: A call may last 1800 s (`dialplans/`): a file of which nothing was said for longer will not be any wholer.
STALE = 1900.0

_NAME = re.compile(r"(?P<number>[0-9]{2,15})-[A-Za-z0-9._-]{1,100}\.tif")


class Inbox(Protocol):
    """The front door, as this way in needs it."""

    def take(
        self,
        message: Message,
        raw: bytes,
        *,
        format: str,
        door: Door,
        peer: str,
        wards: Sequence[str] | None = None,
    ) -> Awaitable[object]: ...


class Box(Protocol):
    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the store answers and writes down for faxes that are no messages."""

    known: Callable[
        [str, str], Awaitable[bool]
    ]  # whether there is a message of (sender, control id)
    note: Callable[[str, Mapping[str, object]], Awaitable[None]]


class FaxIntake(Service):
    """Fills the role `gateway.asterisk.ami.link.Ear`."""

    name = "faxes in"

    def __init__(
        self,
        folder: Path,
        *,
        wards: Mapping[str, str],
        inbox: Inbox,
        box: Box,
        memory: Memory,
        clock: Clock,
        wall: Callable[[], float],
        on_broken: Callable[[object], None],
    ) -> None:
        """`wards`: by the number that was dialled. `wall`: the machine's time, which files are dated in."""
        self._folder = folder
        self._wards = wards
        self._inbox = inbox
        self._box = box
        self._memory = memory
        self._clock = clock
        self._wall = wall
        self._on_broken = on_broken
        self._next: IDelayedCall | None = None
        self._work: Deferred[None] | None = None
        self._again = False
        self._told = ""

    def startService(self) -> None:
        super().startService()
        self._kick()

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        if self._next is not None and self._next.active():
            self._next.cancel()
        return self._work

    def event(self, event: Event) -> None:
        if words.received(event):
            self._kick()

    def up(self) -> None:
        self._kick()

    def down(self, why: str) -> None:
        """What was being received is in the folder, whole or not."""

    def _kick(self) -> None:
        if not self.running:
            return
        if self._work is not None:
            self._again = True
            return
        if self._next is not None and self._next.active():
            self._next.cancel()
        work = spawn(self._look(), "look for faxes")
        if not work.called:
            self._work = work
        work.addCallback(lambda _: self._looked())

    def _looked(self) -> None:
        self._work = None
        if not self.running:
            return
        again, self._again = self._again, False
        self._next = self._clock.call_later(0.0 if again else EVERY, self._kick)

    async def _look(self) -> None:
        told = ""
        for name in self._finished():
            try:
                await self._take(name)
            except (StoreFull, BoxFailed) as trouble:
                told = f"{type(trouble).__name__}: {trouble}"
                break  # they wait where they are
            except OSError as trouble:
                told = (
                    f"{trouble.strerror or trouble}: {name}"  # it waits; the others do not for it
                )
            except StoreBroken as broken:
                self._on_broken(broken)
                return
        self._tell(told)

    def _finished(self) -> Iterable[str]:
        """Names of files whose call is over, oldest first."""
        try:
            # An end that is being written is still empty.
            files = [(path.name, path.stat()) for path in self._folder.iterdir()]
            there = {name: at.st_mtime for name, at in files if at.st_size or spool.END not in name}
        except OSError as error:
            self._tell(f"no folder for faxes: {error.strerror}")
            return []
        found = {n.removesuffix(spool.END): at for n, at in there.items() if n.endswith(spool.END)}
        stale = self._wall() - STALE
        found |= {name: at for name, at in there.items() if name not in found and at < stale}
        named = (name for name in found if _NAME.fullmatch(name))
        return sorted(named, key=lambda name: (found[name], name))

    async def _take(self, name: str) -> None:
        path = self._folder / name
        number = str(_NAME.fullmatch(name)["number"])  # type: ignore[index]
        sender, control_id = f"FAX|{number}", name.removesuffix(".tif")
        fax = await self._read(path, number)
        taken = not fax.file and await self._memory.known(sender, control_id)
        if not taken and not fax.file and not fax.station:
            # No machine ever spoke: somebody dialled a wrong number. Nothing was sent, nothing is lost.
            await self._memory.note("call to a fax number", {"number": number, "id": control_id})
        elif not taken:
            await self._inbox.take(
                Message(
                    control_id=control_id,
                    sender=sender,
                    type="FAX",
                    kind=Kind.DOCUMENT,
                    # Nobody has read it yet: it may be what a doctor waits for.
                    priority=Priority.URGENT,
                ),
                seal(fax),
                format=FORMAT,
                door=Door(intake=FORMAT, mode=Mode.DIRECT),
                peer=fax.station,
                wards=[self._wards[number]] if number in self._wards else [],
            )
            log.info("fax.received", id=control_id, ending=str(fax.ending), pages=fax.pages)
        # The end goes last: while it is there, a start knows that the file was taken.
        path.unlink(missing_ok=True)
        path.with_name(name + spool.END).unlink(missing_ok=True)

    async def _read(self, path: Path, number: str) -> Received:
        """What came, from its file and what Asterisk wrote beside it. Raises OSError, BoxFailed."""
        try:
            file = spool.read(path)
        except (FileNotFoundError, spool.TooLarge):
            file = b""  # no page ever came, or no fax did: whoever sent it is asked to do so again
        status, said, called = _end(path)
        pages, station = await self._pages(file, said) if file else (0, "")
        ending = Ending.UNKNOWN
        if status:
            whole = status == "SUCCESS" and pages > 0 and pages == said
            ending = Ending.WHOLE if whole else Ending.BROKEN
        return Received(
            number=number,
            ending=ending,
            station=words.station(called or station),
            pages=pages,
            file=file if pages else b"",
        )

    async def _pages(self, file: bytes, said: int) -> tuple[int, str]:
        """How many pages can be read, and who sent them; as many as were `said` where that took too long."""
        try:
            found = json.loads(await self._box.call("gateway.fax.boxed:look", file, timeout=20.0))
        except BoxFailed as failed:
            if failed.why in (Why.BUSY, Why.STOPPED):
                raise
            if failed.why is Why.TIME:
                return max(said, 1), ""
            return 0, ""  # whatever it is, it is no fax
        return int(found["pages"]), str(found["station"])

    def _tell(self, trouble: str) -> None:
        """Once when it begins, once when it is over."""
        if trouble != self._told:
            self._told = trouble
            log.error("fax.folder", trouble=trouble) if trouble else log.info("fax.folder", ok=True)


def _end(path: Path) -> tuple[str, int, str]:
    """Status, pages and station as Asterisk wrote them; a status of "" where it wrote nothing."""
    said = spool.end(path)
    if not said:
        return "", 0, ""
    status, pages, station = (*said, "", "", "")[:3]
    return status or "NOTHING", int(pages) if re.fullmatch("[0-9]{1,4}", pages) else 0, station
