"""Finds the real-time commands in what arrives: they act at once, whatever stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Act(Enum):
    STATUS = "DLE EOT"
    RESUME = "DLE ENQ 1"  # recover, go on at the line that failed
    RESUME_EMPTY = "DLE ENQ 2"  # recover, forget what is buffered
    DRAWER = "DLE DC4 1"
    POWER_OFF = "DLE DC4 2"
    CLEAR = "DLE DC4 8"


@dataclass(frozen=True, slots=True)
class RealTime:
    act: Act
    request: int = 0  # of DLE EOT


_LONGEST = 10
_COMMAND = re.compile(
    rb"\x10(?:\x04(?P<status>[\x01-\x04])|\x05(?P<resume>\x01)|\x05(?P<empty>\x02)"
    rb"|\x14(?P<drawer>\x01[\x00\x01][\x01-\x08])|\x14(?P<off>\x02\x01\x08)"
    rb"|\x14(?P<clear>\x08\x01\x03\x14\x01\x06\x02\x08))"
)
_ACTS = {
    "status": Act.STATUS,
    "resume": Act.RESUME,
    "empty": Act.RESUME_EMPTY,
    "drawer": Act.DRAWER,
    "off": Act.POWER_OFF,
    "clear": Act.CLEAR,
}


class Scanner:
    """Splits a stream at the end of each real-time command, also one that arrives in pieces."""

    def __init__(self) -> None:
        self._tail = b""  # the end of what went before, where a command may have begun

    def feed(self, data: bytes) -> Iterator[tuple[bytes, RealTime | None]]:
        """`data` in pieces, in order, each with the command that its last byte completes, if any."""
        seen = self._tail + data
        offset, done = len(self._tail), 0
        for found in _COMMAND.finditer(seen):
            yield data[max(0, done - offset) : found.end() - offset], _command(found)
            done = found.end()
        yield data[max(0, done - offset) :], None
        rest = seen[max(done, len(seen) - _LONGEST + 1) :]
        start = rest.find(b"\x10")
        self._tail = rest[start:] if start >= 0 else b""


def _command(found: re.Match[bytes]) -> RealTime:
    name = found.lastgroup or ""
    request = found[name][0] if name == "status" else 0
    return RealTime(_ACTS[name], request)
