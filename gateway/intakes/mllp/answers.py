"""Answers leave in the order their messages came, however their commits overtake one another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gateway.hl7 import Envelope


class Slot:
    """The place of one answer in the order."""

    __slots__ = ("envelope", "frame", "size")

    def __init__(self, envelope: Envelope, size: int) -> None:
        self.envelope = envelope
        self.size = size  # bytes of its message
        self.frame: bytes | None = None  # None until it is known; b"" when there is none


class Answers:
    """The messages of one connection that are not answered yet. `write` gets whole frames."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._slots: deque[Slot] = deque()
        self.size = 0  # bytes of the messages that wait

    def __len__(self) -> int:
        return len(self._slots)

    def expect(self, envelope: Envelope, size: int) -> Slot:
        """A message of `size` bytes came, and takes its place."""
        slot = Slot(envelope, size)
        self._slots.append(slot)
        self.size += size
        return slot

    def settle(self, slot: Slot, frame: bytes) -> None:
        """Its answer is known: it leaves now if all before it have, and takes with it those it held up."""
        slot.frame = frame
        slots, ready = self._slots, []
        while slots and (known := slots[0].frame) is not None:
            self.size -= slots.popleft().size
            ready.append(known)
        if ready:
            self._write(b"".join(ready))
