"""Several messages in one piece: two MSH in a frame, or a batch (FHS BHS … BTS FTS), taken apart.

No byte of a message is lost or moved: what stands between two MSH goes with the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import Rejected

_SHORT, _LINES = (
    100_000,
    20_000,
)  # bytes; lines past which one search is quicker than a look at each
_NAMED = re.compile(rb"[ \t]*(MSH|FHS|BHS|BTS|FTS)(?=[^0-9A-Za-z\s]|[\r\n]|\Z)")
_START = re.compile(rb"(?:\A|(?<=[\r\n]))" + _NAMED.pattern)
_LATER = re.compile(rb"[\r\n]" + _NAMED.pattern)
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
    starts = list(_starts(raw))
    kinds = [start.kind for start in starts]
    if kinds.count(b"MSH") == len(kinds) <= 1:
        return Batch(messages=(raw,))
    messages = []
    lead = raw[: starts[0].begin]
    if lead.removeprefix(_BOM).strip():
        messages.append(lead)
    for index, start in enumerate(starts):
        end = starts[index + 1].begin if index + 1 < len(starts) else len(raw)
        if start.kind == b"MSH":
            messages.append(raw[start.begin : end])
    return Batch(
        messages=tuple(messages),
        fault=_fault(raw, starts),
        enveloped=kinds.count(b"MSH") < len(kinds),
    )


@dataclass(frozen=True, slots=True, order=True)
class _Start:
    """A segment that begins a message, or stands around some."""

    begin: int  # of its line, blanks before its name included
    end: int  # of its name
    kind: bytes


def _starts(raw: bytes) -> Iterator[_Start]:
    """Every line that begins with one of these segments' names.

    Short messages are looked at whole, long ones line by line: a document of 15 MB is one line, and to
    look at each of its bytes takes half a second.
    """
    if len(raw) <= _SHORT:
        if raw.count(b"MSH") == 1 and not any(name in raw for name in _BATCH):
            return  # nearly always: a closer look costs ten times as much
        yield from (_Start(found.start(), found.end(), found[1]) for found in _START.finditer(raw))
        return
    if raw.count(b"\r") + raw.count(b"\n") > _LINES:
        first = _NAMED.match(raw)
        if first is not None:
            yield _Start(0, first.end(), first[1])
        for later in _LATER.finditer(raw):
            yield _Start(later.start() + 1, later.end(), later[1])
        return
    begin = 0
    while begin <= len(raw):
        found = _NAMED.match(raw, begin)
        if found is not None:
            yield _Start(begin, found.end(), found[1])
        begin = _after_break(raw, begin)


def _after_break(raw: bytes, at: int) -> int:
    """Where the next line begins; past the end where there is none."""
    end = raw.find(b"\r", at)
    near = raw.find(b"\n", at, end if end >= 0 else len(raw))
    end = near if near >= 0 else end
    return end + 1 if end >= 0 else len(raw) + 1


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
