"""What a thermal printer says back: its status bytes told apart and turned into words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WARNINGS = frozenset({"media-low", "marker-supply-low"})  # it prints all the same
HEADERS = frozenset(b"\x37\x3d\x5f\x35\x3b\x39")  # each begins a block that ends at NUL
LONGEST_BLOCK = 128  # bytes; the longest we know of is a model name


@dataclass(frozen=True, slots=True)
class Answer:
    """One byte in answer to DLE EOT; only the asker knows to which n."""

    byte: int


@dataclass(frozen=True, slots=True)
class AutoStatus:
    """An automatic status block (GS a): four bytes, sent at once and on each change."""

    block: tuple[int, int, int, int]

    @property
    def reasons(self) -> tuple[str, ...]:
        first, second, third, _ = self.block
        return _words(
            empty=third & 0x0C,
            low=third & 0x03,
            cover=first & 0x20,
            cutter=second & 0x08,
            error=second & 0x64,  # mechanical, unrecoverable, auto-recoverable
            offline=first & 0x48 | second & 0x01,  # feeding by hand, waiting to be put on line
        )


@dataclass(frozen=True, slots=True)
class PaperStatus:
    """The answer to GS r: given in its turn, when all before it is done."""

    byte: int


@dataclass(frozen=True, slots=True)
class ProcessId:
    """The answer to GS ( H fn 48: the job of this token is printed."""

    token: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """The answer to DLE DC4 fn 8: receive and print buffers are empty."""


@dataclass(frozen=True, slots=True)
class Block:
    """Another answer that ends at NUL (GS I and others), header first, NUL left off."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FlowControl:
    """XON (0x11) or XOFF (0x13); some serial-to-network boxes let them through."""

    byte: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A byte that is none of the above: reported, never swallowed."""

    byte: int


Event = Answer | AutoStatus | PaperStatus | ProcessId | Cleared | Block | FlowControl | Unknown


@dataclass(frozen=True, slots=True)
class Status:
    """What DLE EOT 1 to 4 answered, in that order."""

    answers: tuple[int, int, int, int]

    @property
    def reasons(self) -> tuple[str, ...]:
        """IPP `printer-state-reasons` words, gravest first; () when nothing is wrong."""
        printer, cause, error, paper = self.answers
        return _words(
            empty=paper & 0x60 | cause & 0x20,
            low=paper & 0x0C,
            cover=cause & 0x04,
            cutter=error & 0x08,
            error=error & 0x64 | cause & 0x40,
            offline=printer & 0x68 | cause & 0x08,  # feeding by hand, waiting to be put on line
        )

    @property
    def ready(self) -> bool:
        return not severe(self.reasons)


def severe(reasons: Iterable[str]) -> tuple[str, ...]:
    """The reasons that stop paper from coming out."""
    return tuple(word for word in reasons if word not in WARNINGS)


class Backchannel:
    """Cuts the bytes a printer sends back into events, however they arrive.

    The bit patterns that tell them apart: Epson TM-T88III specification, appendix G.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes; an unfinished one waits for more."""
        self._held += data
        events: list[Event] = []
        while self._held and (found := _first(self._held)) is not None:
            event, length = found
            del self._held[:length]
            events.append(event)
        return events


def _first(held: bytearray) -> tuple[Event, int] | None:
    """The first event in `held` and its length; None while it is incomplete."""
    byte = held[0]
    if byte & 0x93 == 0x12:
        return Answer(byte), 1
    if byte & 0x93 == 0x10:
        return _auto_status(held)
    if byte in HEADERS:
        return _block(held)
    if byte in (0x11, 0x13):
        return FlowControl(byte), 1
    if byte & 0x90 == 0:
        return PaperStatus(byte), 1
    return Unknown(byte), 1


def _auto_status(held: bytearray) -> tuple[Event, int] | None:
    first, *rest = held[:4]
    if any(byte & 0x90 for byte in rest):  # bytes 2 to 4 are 0xx0xxxx: something was lost here
        return Unknown(first), 1
    if len(rest) < 3:
        return None
    return AutoStatus((first, rest[0], rest[1], rest[2])), 4


def _block(held: bytearray) -> tuple[Event, int] | None:
    end = next((i for i, byte in enumerate(held) if byte < 0x20), None)
    if end is None and len(held) < LONGEST_BLOCK:
        return None
    if end is None or held[end] != 0:  # blocks hold printable bytes only: this never was one
        return Unknown(held[0]), 1
    data = bytes(held[:end])
    if data == b"\x37\x25":
        return Cleared(), end + 1
    if data.startswith(b"\x37\x22") and len(data) == 6:
        return ProcessId(data[2:].decode("latin-1")), end + 1
    return Block(data), end + 1


def _words(
    *, empty: int, low: int, cover: int, cutter: int, error: int, offline: int
) -> tuple[str, ...]:
    causes = {"media-empty": empty, "cover-open": cover, "media-jam": cutter}
    words = [word for word, bits in causes.items() if bits]
    if error & 0x20 or (error and not words):  # the other error bits accompany those causes
        words.append("other-error")
    if offline and not words:
        words.append("offline")
    if low and not empty:
        words.append("media-low")
    return tuple(words)
