"""What the machine needs of the world around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from printers.virtual.paper import Slip


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """What the machine needs of a reactor."""

    def seconds(self) -> float: ...

    def callLater(self, delay: float, work: Callable[..., Any], *args: Any) -> Timer: ...


class Surroundings(Protocol):
    """Hosts, hands and power, as the machine knows them."""

    def send(self, data: bytes, *, mark: bool) -> None:
        """Bytes for whoever is connected."""
        ...

    def take(self, slip: Slip, done: Callable[[], None]) -> None:
        """A slip fell out; the machine goes on once `done` was called."""
        ...

    def room(self) -> None:
        """There is room in the buffer, or something to do has been done."""
        ...

    def power_lost(self) -> None: ...
