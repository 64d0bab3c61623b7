"""Cuts a byte stream into ESC/POS commands and text, however it arrives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

LONGEST_COMMAND = 1 << 22  # bytes; what declares itself longer is swallowed unread

Length = Callable[
    [bytearray], int | None
]  # of the command `held` begins with; None: not enough yet


@dataclass(frozen=True, slots=True)
class Op:
    """One command, or a run of text or of NULs: its name and all its bytes."""

    name: str  # "text", "ESC @", "GS v"…, "unknown"
    raw: bytes

    @property
    def args(self) -> bytes:
        """What follows the name: two bytes, but for the control characters, one."""
        return self.raw[2:] if self.raw[0] in _FAMILIES else self.raw[1:]


class Lexer:
    """Fed with bytes, gives operations; an unfinished one waits, as it does inside a real printer."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0

    @property
    def waiting(self) -> int:
        """Bytes of a command that is not complete."""
        return len(self._held)

    def feed(self, data: bytes) -> Iterator[Op]:
        self._held += data
        self._swallow()
        while self._held and (length := _length(self._held)) is not None:
            if length > LONGEST_COMMAND:
                yield Op("unknown", bytes(self._held[:8]))
                self._skip = length
                self._swallow()
            elif length > len(self._held):
                return
            else:
                raw = bytes(self._held[:length])
                del self._held[:length]
                yield Op(_name(raw), raw)

    def reset(self) -> None:
        """Forget what was begun."""
        self._held.clear()
        self._skip = 0

    def _swallow(self) -> None:
        gone = min(self._skip, len(self._held))
        self._skip -= gone
        del self._held[:gone]


_RUN = re.compile(rb"[\x20-\xff]+|\x00+")  # text; NULs, which come by the thousand
_FAMILIES = {0x10: "DLE", 0x1B: "ESC", 0x1C: "FS", 0x1D: "GS"}
_CONTROLS = {0x00: "NUL", 0x09: "HT", 0x0A: "LF", 0x0C: "FF", 0x0D: "CR", 0x18: "CAN"}


def _name(raw: bytes) -> str:
    first = raw[0]
    if first >= 0x20:
        return "text"
    if first in _CONTROLS:
        return _CONTROLS[first]
    if len(raw) < 2 or raw[1] not in _LENGTHS.get(first, {}):
        return "unknown"
    second = {0x04: "EOT", 0x05: "ENQ", 0x14: "DC4"}.get(raw[1], chr(raw[1]))
    return f"{_FAMILIES[first]} {second}"


def _length(held: bytearray) -> int | None:
    """How long the command `held` begins with is, as far as its first bytes tell."""
    if run := _RUN.match(held):
        return run.end()
    family = _LENGTHS.get(held[0])
    if family is None:
        return 1
    if len(held) < 2:
        return None
    rule = family.get(held[1], 0)
    return 2 + rule if isinstance(rule, int) else rule(held)


def _word(held: bytearray, at: int) -> int:
    return held[at] | held[at + 1] << 8


def _declared(header: int, count: Callable[[bytearray], int]) -> Length:
    """A command whose first `header` bytes tell how many follow."""

    def length(held: bytearray) -> int | None:
        return None if len(held) < header else header + count(held)

    return length


def _until_nul(held: bytearray) -> int | None:
    end = held.find(0, 2)
    return None if end < 0 else end + 1


def _bit_image(held: bytearray) -> int:
    """ESC * m nL nH: one byte a column, or three in the 24-dot modes."""
    return _word(held, 3) * (3 if held[2] >= 32 else 1)


def _downloaded(held: bytearray) -> int | None:
    """ESC & y c1 c2, then for each character x and y * x bytes."""
    if len(held) < 5:
        return None
    at = 5
    for _ in range(held[3], held[4] + 1):
        if at >= len(held):
            return None
        at += 1 + held[2] * held[at]
    return at


def _stored_images(held: bytearray) -> int | None:
    """FS q n, then for each image xL xH yL yH and x * y * 8 bytes."""
    if len(held) < 3:
        return None
    at = 3
    for _ in range(held[2]):
        if at + 4 > len(held):
            return None
        at += 4 + _word(held, at) * _word(held, at + 2) * 8
    return at


def _barcode(held: bytearray) -> int | None:
    """GS k m: data up to NUL (m 0-6), or n and n bytes (m 65 on)."""
    if len(held) < 4:
        return None
    if held[2] >= 65:
        return 4 + held[3]
    end = held.find(0, 3)
    return None if end < 0 else end + 1


def _by_function(lengths: Mapping[int, int], other: int) -> Length:
    """A command whose third byte, its function, decides the length."""

    def length(held: bytearray) -> int | None:
        return None if len(held) < 3 else lengths.get(held[2], other)

    return length


_PARAMETRIC = _declared(5, lambda held: _word(held, 3))  # ( fn pL pH, then p bytes
_RASTER = _declared(8, lambda held: _word(held, 4) * _word(held, 6))  # v 0 m xL xH yL yH
_LARGE = _declared(7, lambda held: _word(held, 3) | _word(held, 5) << 16)  # 8 L p1 p2 p3 p4

# After each two-byte name: how many argument bytes, or a rule. Epson's command reference.
_LENGTHS: Mapping[int, Mapping[int, int | Length]] = {
    0x10: {
        0x04: _by_function({7: 4, 8: 4, 18: 4}, 3),
        0x05: 1,
        0x14: _by_function({1: 5, 2: 5, 3: 8, 7: 4, 8: 10}, 3),
    },
    0x1B: {
        **dict.fromkeys(b"@2LSim<v", 0),
        **dict.fromkeys(b"tE!aMdJ3{GR -=%?VrUKeTu", 1),
        **dict.fromkeys(b"c$\\", 2),
        ord("p"): 3,
        ord("W"): 8,
        ord("*"): _declared(5, _bit_image),
        ord("D"): _until_nul,
        ord("&"): _downloaded,
        ord("("): _PARAMETRIC,
    },
    0x1C: {
        **dict.fromkeys(b".&", 0),
        **dict.fromkeys(b"!-CW", 1),
        **dict.fromkeys(b"Sp?", 2),
        ord("2"): 2 + 72,
        ord("q"): _stored_images,
        ord("("): _PARAMETRIC,
    },
    0x1D: {
        **dict.fromkeys(b":c", 0),
        **dict.fromkeys(b"!BarIhwfHb/TE", 1),
        **dict.fromkeys(b"LWP$\\", 2),
        ord("^"): 3,
        ord("z"): 3,
        ord("g"): 4,
        ord("V"): _by_function(dict.fromkeys((65, 66, 97, 98, 103, 104), 4), 3),
        ord("k"): _barcode,
        ord("v"): _RASTER,
        ord("Q"): _RASTER,
        ord("*"): _declared(4, lambda held: held[2] * held[3] * 8),
        ord("("): _PARAMETRIC,
        ord("8"): _LARGE,
    },
}
