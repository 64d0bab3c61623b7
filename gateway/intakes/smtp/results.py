"""HL7 messages that came in a mail: each goes in by the front door, as any HL7 does."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Iterator, Sequence
from typing import Any, Protocol

from gateway.errors import Rejected
from gateway.hl7 import split
from gateway.inbox import Door
from gateway.intakes.smtp import words


class Inbox(Protocol):
    """The front door, as HL7 in a mail needs it; raises StoreFull or StoreBroken."""

    def accept(
        self, raw: bytes, *, door: Door, peer: str, only: Collection[str] = ()
    ) -> Coroutine[Any, Any, object]:
        """Raises Rejected as well, which is then on disk."""
        ...

    def refuse(
        self, raw: bytes, rejected: Rejected, *, door: Door, peer: str
    ) -> Coroutine[Any, Any, object]: ...


class Results:
    """Hands them to the inbox; `peer` says who vouches for them, as for any connection."""

    def __init__(self, inbox: Inbox, *, door: Door) -> None:
        self._inbox = inbox
        self._door = door

    async def vouched(self, files: Sequence[bytes], *, peer: str, wards: Collection[str]) -> str:
        """Of a sender that is known and still listens: what it is answered when one is refused, else "".

        `wards`: those its messages may reach; none: all.
        """
        for file in files:
            fault = split(file).fault
            if fault is not None:
                return words.BAD_HL7.format(number="file", why=words.ascii_only(fault.reason))
        for number, raw in enumerate(_messages(files), 1):
            try:
                await self._inbox.accept(raw, door=self._door, peer=peer, only=wards)
            except Rejected as rejected:
                why = words.ascii_only(f"{rejected.location} {rejected.reason}".strip())
                return words.BAD_HL7.format(number=number, why=why)
        return ""

    async def let_through(self, files: Sequence[bytes], *, peer: str) -> int:
        """Of a mail that a person let through; how many were taken. Nobody listens any more: the
        laboratory is told of what is refused, and the rest goes in."""
        taken = 0
        for file in files:
            batch = split(file)
            if batch.fault is not None:
                await self._inbox.refuse(file, batch.fault, door=self._door, peer=peer)
                continue
            for raw in batch.messages:
                try:
                    await self._inbox.accept(raw, door=self._door, peer=peer)
                except Rejected:
                    continue  # on disk, and a slip at the laboratory says why
                taken += 1
        return taken


def _messages(files: Sequence[bytes]) -> Iterator[bytes]:
    for file in files:
        yield from split(file).messages
