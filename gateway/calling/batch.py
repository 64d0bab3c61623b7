"""What one call is about: all that waits for one telephone just then, and what the call made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from gateway.calling.targets import Target
from gateway.delivery import Delivery
from gateway.store import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message of a batch and the delivery that has it called."""

    delivery: Delivery
    stored: Stored


async def _nothing() -> tuple[Item, ...]:
    return ()


@dataclass(slots=True, kw_only=True)
class Batch:
    """Several messages for one ward in one call. Grows smaller while it lasts: a result that somebody
    acknowledged meanwhile is not said any more. And larger: `more` takes what has come since."""

    ward: str
    target: Target
    items: tuple[Item, ...]
    done: set[int] = field(default_factory=set)  # message ids somebody has
    detail: str = ""  # what came of the conversation, in English keywords; "" when there was none
    wrong_number: bool = False
    more: Callable[[], Awaitable[tuple[Item, ...]]] = _nothing

    def left(self) -> Iterator[Item]:
        """What still has to be said."""
        return (item for item in self.items if item.stored.id not in self.done)

    @property
    def over(self) -> bool:
        return not any(True for _ in self.left())
