"""What the console needs of the house: memory, directory, who people are, paper, and hands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gateway.asterisk.access import Access
from gateway.clock import Clock
from gateway.delivery import Delivery
from gateway.directory import Directory, Person
from gateway.message import Message
from gateway.service import Aside
from gateway.store import Store, Stored
from printers.slip import Slip


class Hands(Protocol):
    """What a person at a telephone or a screen makes the house do. On disk when it returns."""

    async def copy(self, message_id: int, *, ward: str, by: str, medium: str) -> None: ...
    async def said(self, word: str, *, by: str, reason: str) -> None: ...


class Composer(Protocol):
    async def look(self, row: Delivery) -> Slip:
        """What stands on the paper of this delivery, with all that came along."""
        ...


class Paper(Protocol):
    async def sheets(self, slip: Slip) -> tuple[Slip, list[bytes]]:
        """`slip`, and the pages of its enclosures as PNG, drawn in the box."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything the console may touch."""

    name: str  # of the site
    language: str
    zone: str
    drill: bool
    platform: bool  # whether there is a platform to speak of
    devices: tuple[str, ...]
    path: Path  # the store's file
    store: Store
    directory: Directory
    access: Access
    hands: Hands
    read: Callable[[Stored], Message]  # raises Rejected: purged, or holds no values
    composer: Composer
    paper: Paper
    report: Callable[[int, str], Awaitable[bytes]]  # of an outage, "pdf", "csv" or "json"
    listen: Callable[[], Awaitable[None]]  # whoever obeys words looks for new ones
    clock: Clock
    aside: Aside

    async def looked(self, person: Person, page: str, **about: Any) -> None:
        """Write down that a person looks at a patient's page, before they see it."""
        detail: Mapping[str, Any] = {"person": person.code, "page": page, **about}
        await self.store.note("looked", at=self.clock.now(), detail=detail)
