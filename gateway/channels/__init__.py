"""The ways out, one file each; what every one of them is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.delivery import Receipt
from printers.slip import Slip


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """What a device says of itself; `state` is "ok", "trouble" or "unreachable"."""

    state: str
    reasons: tuple[str, ...] = ()  # IPP printer-state-reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt to put one delivery on one device."""

    begin: Callable[[], Awaitable[Slip]]
    """Call once the device has answered that it can print, before the first byte of content:
    writes the attempt down, gives the slip its number, and returns what to print."""

    until: float | None
    """When the step ends (seconds since the epoch, UTC): a job held by an empty printer waits no longer."""

    trouble: Callable[[tuple[str, ...]], None] = lambda reasons: None
    """Call when the device stops in mid-job, with its reasons, and with none when it goes on."""

    name: str = ""
    """What a device that lists its jobs may call it: ASCII, of ids only ("WL-1204")."""

    doubt: bool = False
    """The last job on this device ended uncertain: clear what it may still hold."""


class Channel(Protocol):
    """A device that puts deliveries into a ward's hands."""

    async def deliver(self, job: Job) -> Receipt:
        """Proof that it is on paper. Raises TemporaryFailure, PermanentFailure or Uncertain."""
        ...

    async def probe(self) -> DeviceStatus:
        """How the device is, printing nothing. Never raises for a device that does not answer."""
        ...
