"""Several messages in one piece: two MSH in a frame, or a batch (FHS BHS … BTS FTS), taken apart.

No byte of a message is lost or moved: what stands between two MSH goes with the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from gateway.errors import Rejected

_NAME = rb"[ \t]*(MSH|FHS|BHS|BTS|FTS)(?=[^0-9A-Za-z\s]|[\r\n]|\Z)"
_FIRST = re.compile(_NAME)
# Six times as fast as asking of each byte what stands before it.
_NEXT = re.compile(rb"[\r\n]" + _NAME)
_BATCH = (b"FHS", b"BHS", b"BTS", b"FTS")
_NUMBER = re.compile(rb"[^0-9A-Za-z\s][ \t]*([0-9]{1,9})[ \t]*(?![0-9A-Za-z.])")
_BOM = b"\xef\xbb\xbf"
#: Looked at in one go, bytes: more would hold up whoever waits for the interpreter longer than 20 ms.
_PIECE = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was in a frame or a file. Each message is read, kept and answered on its own."""

    messages: tuple[bytes, ...]
    fault: Rejected | None = None  # a count that does not agree, a batch cut short; nothing is lost
    enveloped: bool = False  # batch or file segments came


def split(raw: bytes) -> Batch:
    """The messages in `raw`; a single one comes back as it is.

    What precedes the first MSH and is no batch segment comes out as a piece of its own, so that
    reading it refuses it. Batch and file counts (BTS-1, FTS-1) are checked where they are given.
    """
    if len(raw) <= _PIECE and raw.count(b"MSH") == 1 and not any(name in raw for name in _BATCH):
        return Batch(messages=(raw,))  # nearly always: a closer look costs ten times as much
    starts = _starts(raw)
    kinds = [start.kind for start in starts]
    if kinds.count(b"MSH") == len(kinds) <= 1:
        return Batch(messages=(raw,))
    messages = []
    lead = raw[: starts[0].at]
    if lead.removeprefix(_BOM).strip():
        messages.append(lead)
    for index, start in enumerate(starts):
        end = starts[index + 1].at if index + 1 < len(starts) else len(raw)
        if start.kind == b"MSH":
            messages.append(raw[start.at : end])
    return Batch(
        messages=tuple(messages),
        fault=_fault(raw, starts),
        enveloped=kinds.count(b"MSH") < len(kinds),
    )


class _Start(NamedTuple):
    at: int  # where its line begins
    kind: bytes
    end: int  # of its name


def _starts(raw: bytes) -> list[_Start]:
    """Where segments of these names begin; looked for in pieces that end where a line does."""
    first = _FIRST.match(raw)
    found = [_Start(0, first[1], first.end())] if first else []
    at = 0
    while at < len(raw):
        stop = at + _PIECE
        if stop < len(raw):
            stop = max(raw.rfind(b"\r", at + 1, stop), raw.rfind(b"\n", at + 1, stop), at + 1)
            stop = stop if stop > at + 1 else at + _PIECE
        found += (_Start(m.start() + 1, m[1], m.end()) for m in _NEXT.finditer(raw, at, stop + 1))
        at = stop
    return found


def _fault(raw: bytes, starts: list[_Start]) -> Rejected | None:
    """The first count that lies, or the batch or file that was cut short."""
    messages = batches = 0
    unfinished: list[bytes] = []
    for start in starts:
        kind = start.kind
        if kind == b"MSH":
            messages += 1
        elif kind in _ENDS.values():
            unfinished.append(kind)
            messages = 0
        else:
            counted, what = (messages, "messages") if kind == b"BTS" else (batches, "batches")
            batches += kind == b"BTS"
            said = _count(raw, start)
            if said is not None and said != counted:
                return Rejected(
                    f"{said} {what} announced, {counted} came",
                    code=102,
                    location=f"{kind.decode()}-1",
                )
            if unfinished and unfinished[-1] == _ENDS[kind]:
                unfinished.pop()
    if unfinished:
        end = next(e for e, s in _ENDS.items() if s == unfinished[-1]).decode()
        return Rejected(f"batch without {end}", code=100, location=end)
    return None


_ENDS = {b"BTS": b"BHS", b"FTS": b"FHS"}


def _count(raw: bytes, start: _Start) -> int | None:
    """BTS-1 or FTS-1; None where it is empty or no number."""
    found = _NUMBER.match(raw, start.end)
    return int(found[1]) if found else None
