"""MLLP framing: a byte stream cut into messages, however it was chunked, and back.

MLLP release 1: VT, the message, FS, CR. What arrives is rarely so tidy, so this framer
resynchronises, and it never hands over half a message nor two as one:

* VT inside a frame means the sender began again: what went before is a `Fault`.
* FS CR ends a frame. So does FS without CR where it stands after the end of a segment and
  nothing but blanks stand between it and the next VT (or nothing more comes: `Framer.settle`).
  Any other FS is a byte of the text: printer commands and 8-bit report texts carry it.
* FS followed by another MSH without a VT is ambiguous: the whole of it is a `Fault`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

VT, FS, CR = b"\x0b", b"\x1c", b"\r"

# Between frames senders put NULs, line ends, and the ACK and NAK bytes of MLLP release 2.
_BLANK = b"\x00\t\n\r \x06\x15"
# An FS that may end a frame, or part two messages; any other is passed over at once.
_TELLING = re.compile(rb"\x1c(?=[\x00\t\n\r \x06\x15M]|\Z)")
_SECOND_MESSAGE = re.compile(rb"\x1c[\x00\t\n\r \x06\x15]*MSH[^0-9A-Za-z]")
_HEAD = 4096  # of a frame that is too long: enough for its MSH, so that it can be answered
_TAIL = 64  # how far back `unsettled` looks for an FS: it is asked after every chunk
_PATIENCE = 100  # faults in a row before a peer is told to go


def wrap(message: bytes) -> bytes:
    """`message` as one MLLP frame."""
    return VT + message + FS + CR


class FaultKind(StrEnum):
    GARBAGE = "garbage"  # bytes outside any frame; told once until a message comes through
    EMPTY = "empty"  # a frame with nothing in it; told once until a message comes through
    INTERRUPTED = "interrupted"  # a new frame began before the end of this one
    AMBIGUOUS = "ambiguous"  # FS, then a second message without VT
    TOO_LONG = "too-long"  # over the limit
    FLOOD = "flood"  # nothing but faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One whole message, framing removed; no one has looked inside."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something in the stream that is not a message."""

    kind: FaultKind
    reason: str
    data: bytes = b""  # what was thrown away; of TOO_LONG its beginning, of GARBAGE nothing
    close: bool = False  # the connection should be closed: nothing more will be read from it


class Framer:
    """Cut one connection's stream into frames. One per connection; memory is bounded by `limit`.

    `limit` is the longest message, in bytes. Time is linear in what is fed, and the result does
    not depend on how it was chunked.
    """

    __slots__ = (
        "_doubtful",
        "_faults",
        "_garbage",
        "_held",
        "_inside",
        "_limit",
        "_scan",
        "_told",
        "closed",
    )

    def __init__(self, *, limit: int = 16 * 2**20) -> None:
        self.closed = False
        self._limit = limit
        self._held = bytearray()  # the body, so far, of the frame we are in
        self._scan = 0  # up to where `_held` holds no undecided FS
        self._inside = False
        self._doubtful = False  # some FS in it may part two messages
        self._told: set[FaultKind] = set()  # said once, until a message comes through
        self._faults = 0
        self._garbage = 0

    @property
    def in_frame(self) -> bool:
        """A frame has begun and not ended: the message timeout should be running."""
        return self._inside

    @property
    def pending(self) -> int:
        """Bytes held of the frame that has not ended."""
        return len(self._held)

    @property
    def unsettled(self) -> bool:
        """A whole message is here if nothing follows its FS: start the settle timer."""
        return self._inside and _ended(self._held[-_TAIL:]) is not None

    def feed(self, data: bytes) -> list[Frame | Fault]:
        """What `data` completes, in the order it came."""
        if self.closed:
            return []
        view: bytes | bytearray = data
        if self._held:
            self._held += data
            view = self._held
        out: list[Frame | Fault] = []
        kept = self._cut(view, out)
        self._keep(view, kept)
        return out

    def settle(self) -> list[Frame | Fault]:
        """Nothing came for a while: an FS with only blanks after it was the end.

        For senders that leave out the final CR and wait for their answer.
        """
        body = _ended(self._held) if self.unsettled else None
        if body is None:
            return []
        out: list[Frame | Fault] = []
        self._inside = False
        self._emit(body, out)
        self._keep(b"", 0)
        return out

    def _cut(self, view: bytes | bytearray, out: list[Frame | Fault]) -> int:
        """Emit all that is complete; return where what must be kept begins."""
        at = 0
        while not self.closed:
            if not self._inside:
                start = view.find(VT, at)
                self._outside(view[at:] if start < 0 else view[at:start], out)
                if start < 0 or self.closed:
                    return len(view)
                at = start + 1
                self._inside, self._scan, self._doubtful = True, at, False
            telling = _TELLING.search(view, self._scan)
            end = telling.start() if telling else -1
            stop = len(view) if end < 0 else end
            again = view.rfind(VT, self._scan, stop)
            if again >= 0:
                self._interrupted(bytes(view[at:again]), out)
                at = again + 1
                self._doubtful = False
            if self.closed:
                break
            if stop - at > self._limit:
                self._too_long(view[at:], out)
            elif end < 0 or end + 1 == len(view):
                self._scan = stop - at
                return at
            elif view[end + 1] == 0x0D:
                self._inside = False
                self._emit(_taken(view, at, end), out, doubtful=self._doubtful)
                at = end + 2
            else:
                self._doubtful = True
                self._scan = end + 1
        return len(view)

    def _keep(self, view: bytes | bytearray, at: int) -> None:
        if at >= len(view) or self.closed:
            self._held = bytearray()  # a fresh one: the memory of a long message is given back
        elif view is self._held:
            del self._held[:at]
        else:
            self._held = bytearray(view[at:])

    def _outside(self, junk: bytes | bytearray, out: list[Frame | Fault]) -> None:
        odd = len(junk.translate(None, _BLANK))
        if not odd:
            return
        self._garbage += odd
        self._tell_once(FaultKind.GARBAGE, "bytes outside a frame were skipped", out)
        if self._garbage > self._limit:
            self._close(FaultKind.TOO_LONG, "nothing but bytes outside a frame", b"", out)

    def _interrupted(self, part: bytes, out: list[Frame | Fault]) -> None:
        """`part` ran from one VT to the last VT that followed: nothing in it has a sure end."""
        for piece in part.split(VT):
            if self.closed:
                return
            if not piece and FaultKind.EMPTY in self._told:
                continue  # a flood of VT: 64 kB of it must not take 20 ms
            if len(piece) > self._limit:
                self._too_long(piece, out)
            elif (body := _ended(piece)) is not None:
                self._emit(body, out)
            elif not piece.strip(_BLANK):
                self._tell_once(FaultKind.EMPTY, "an empty frame", out)
            else:
                self._fault(FaultKind.INTERRUPTED, "a new frame began before its end", piece, out)

    def _emit(self, body: bytes, out: list[Frame | Fault], *, doubtful: bool = True) -> None:
        if body[:1] in _BLANK and not body.strip(_BLANK):
            self._empty(body, out)
        elif doubtful and _SECOND_MESSAGE.search(body):
            self._fault(FaultKind.AMBIGUOUS, "two messages in one frame, FS between", body, out)
        else:
            out.append(Frame(data=body))
            self._told.clear()
            self._faults = self._garbage = 0

    def _empty(self, body: bytes, out: list[Frame | Fault]) -> None:
        """Blanks were meant as a message, and their sender waits; nothing at all keeps a line alive."""
        if b" " in body or b"\t" in body:
            self._fault(FaultKind.EMPTY, "a frame of nothing but blanks", body, out)
        else:
            self._tell_once(FaultKind.EMPTY, "an empty frame", out)

    def _tell_once(self, kind: FaultKind, reason: str, out: list[Frame | Fault]) -> None:
        if kind not in self._told:
            self._told.add(kind)
            out.append(Fault(kind=kind, reason=reason))

    def _fault(self, kind: FaultKind, reason: str, data: bytes, out: list[Frame | Fault]) -> None:
        out.append(Fault(kind=kind, reason=reason, data=data))
        self._faults += 1
        if self._faults >= _PATIENCE:
            self._close(FaultKind.FLOOD, f"{_PATIENCE} faults and no message", b"", out)

    def _too_long(self, body: bytes | bytearray, out: list[Frame | Fault]) -> None:
        head = bytes(body[: min(_HEAD, self._limit)])
        self._close(FaultKind.TOO_LONG, f"longer than {self._limit} bytes", head, out)

    def _close(self, kind: FaultKind, reason: str, data: bytes, out: list[Frame | Fault]) -> None:
        out.append(Fault(kind=kind, reason=reason, data=data, close=True))
        self.closed = True
        self._inside = False


def _taken(view: bytes | bytearray, start: int, stop: int) -> bytes:
    """Copied once: 16 MB take 3 ms."""
    if isinstance(view, bytes):
        return view[start:stop]
    with memoryview(view) as whole, whole[start:stop] as part:
        return bytes(part)


def _ended(held: bytes | bytearray) -> bytes | None:
    """The body before the last FS of `held` when that FS stands at the end of a segment
    and only blanks follow it, else None: elsewhere the rest of the message may yet come.
    """
    body = held.rstrip(_BLANK)
    return bytes(body[:-1]) if body.endswith((b"\r\x1c", b"\n\x1c")) else None
