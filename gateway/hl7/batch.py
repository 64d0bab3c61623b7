"""Several messages in one piece: two MSH in a frame, or a batch (FHS BHS … BTS FTS), taken apart.

No byte of a message is lost or moved: what stands between two MSH goes with the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import Rejected

_START = re.compile(rb"(?:\A|(?<=[\r\n]))[ \t]*(MSH|FHS|BHS|BTS|FTS)(?=[^0-9A-Za-z\s]|[\r\n]|\Z)")
_BATCH = (b"FHS", b"BHS", b"BTS", b"FTS")
_NUMBER = re.compile(rb"[^0-9A-Za-z\s][ \t]*([0-9]{1,9})[ \t]*(?![0-9A-Za-z.])")
_BOM = b"\xef\xbb\xbf"


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
    if raw.count(b"MSH") == 1 and not any(name in raw for name in _BATCH):
        return Batch(messages=(raw,))  # nearly always: a closer look costs ten times as much
    starts = list(_START.finditer(raw))
    kinds = [m[1] for m in starts]
    if kinds.count(b"MSH") == len(kinds) <= 1:
        return Batch(messages=(raw,))
    messages = []
    lead = raw[: starts[0].start()]
    if lead.removeprefix(_BOM).strip():
        messages.append(lead)
    for index, start in enumerate(starts):
        end = starts[index + 1].start() if index + 1 < len(starts) else len(raw)
        if start[1] == b"MSH":
            messages.append(raw[start.start() : end])
    return Batch(
        messages=tuple(messages),
        fault=_fault(raw, starts),
        enveloped=kinds.count(b"MSH") < len(kinds),
    )


def _fault(raw: bytes, starts: list[re.Match[bytes]]) -> Rejected | None:
    """The first count that lies, or the batch or file that was cut short."""
    messages = batches = 0
    unfinished: list[bytes] = []
    for start in starts:
        kind = start[1]
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


def _count(raw: bytes, start: re.Match[bytes]) -> int | None:
    """BTS-1 or FTS-1; None where it is empty or no number."""
    found = _NUMBER.match(raw, start.end())
    return int(found[1]) if found else None
