"""An ESC/POS reader of its own: knows the commands a slip may hold, and fails on any other byte."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

CODECS = {
    0: "cp437",
    13: "cp857",
    14: "cp737",
    16: "cp1252",
    17: "cp866",
    18: "cp852",
}


@dataclass
class Printed:
    """One line of type: its text, its columns, and the styles that stand in it."""

    text: str = ""
    columns: int = 0
    styles: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Strip:
    width: int
    rows: int
    data: bytes


@dataclass
class Bars:
    kind: str
    data: bytes


@dataclass
class Paper:
    """What stands between two cuts."""

    items: list[Printed | Strip | Bars] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [item.text for item in self.items if isinstance(item, Printed)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def strips(self) -> list[Strip]:
        return [item for item in self.items if isinstance(item, Strip)]


class Walk:
    """Reads a whole stream; whatever is not a known command or a printable byte is an error."""

    def __init__(self, stream: bytes) -> None:
        assert not re.search(rb"\x10[\x04\x05\x14]", stream), "a real-time command inside a slip"
        self.stream, self.at = stream, 0
        self.slot: int | None = None
        self.bold = self.inverse = self.large = self.centred = False
        self.line = Printed()
        self.paper = Paper()
        self.papers: list[Paper] = []
        while self.at < len(stream):
            self.step()
        assert not self.line.text, "type without an end of line"
        assert not self.paper.items, "paper that is never cut"
        assert not (self.bold or self.inverse or self.large or self.centred), "style left on"

    def take(self, count: int) -> bytes:
        taken = self.stream[self.at : self.at + count]
        assert len(taken) == count, "a command cut short"
        self.at += count
        return taken

    def step(self) -> None:
        byte = self.take(1)[0]
        if byte == 0x0A:
            self.paper.items.append(self.line)
            self.line = Printed()
        elif byte in (0x1B, 0x1C, 0x1D):
            self.command(bytes((byte,)) + self.take(1))
        else:
            assert 0x20 <= byte != 0x7F, f"stray control byte {byte:02x} at {self.at - 1}"
            self.type(byte)

    def type(self, byte: int) -> None:
        if byte < 0x80:
            char = chr(byte)
        else:
            assert self.slot is not None, "high byte before any code page"
            char = bytes((byte,)).decode(CODECS[self.slot])
            assert char.isprintable()
        self.line.text += char
        self.line.columns += 2 if self.large else 1
        style = "".join(
            name for name, on in (("B", self.bold), ("I", self.inverse), ("L", self.large)) if on
        )
        if self.line.styles and self.line.styles[-1][0] == style:
            self.line.styles[-1] = (style, self.line.styles[-1][1] + char)
        else:
            self.line.styles.append((style, char))

    def flag(self) -> bool:
        value = self.take(1)[0]
        assert value in (0, 1)
        return bool(value)

    def command(self, name: bytes) -> None:  # noqa: C901, PLR0912 — a table read from top to bottom
        match name:
            case b"\x1bR":
                assert self.take(1) == b"\x00"
            case b"\x1c.":
                pass
            case b"\x1bt":
                self.slot = self.take(1)[0]
                assert self.slot in CODECS
            case b"\x1bE":
                self.bold = self.flag()
            case b"\x1dB":
                self.inverse = self.flag()
            case b"\x1d!":
                size = self.take(1)
                assert size in (b"\x00", b"\x11")
                self.large = size == b"\x11"
            case b"\x1ba":
                assert not self.line.text, "alignment in the middle of a line"
                self.centred = self.flag()
            case b"\x1dV":
                assert self.take(2) in (b"B\x00", b"A\x00")
                self.cut()
            case b"\x1bd":
                self.take(1)
                self.cut()
            case b"\x1dv":
                self.strip()
            case b"\x1dh" | b"\x1dw":
                self.take(1)
            case b"\x1dH":
                assert self.take(1) == b"\x00"
            case b"\x1dk":
                assert self.take(1) == b"I"
                self.bars("code128", self.take(self.take(1)[0]))
            case b"\x1d(":
                assert self.take(1) == b"k"
                data = self.take(int.from_bytes(self.take(2), "little"))
                if data.startswith(b"1P0"):
                    self.bars("qr", data[3:])
            case _:
                pytest.fail(f"unknown command {name.hex()} at {self.at - 2}")

    def strip(self) -> None:
        assert not self.line.text
        assert self.take(2) == b"0\x00"
        width, rows = (int.from_bytes(self.take(2), "little") for _ in range(2))
        self.paper.items.append(Strip(width, rows, self.take(width * rows)))

    def bars(self, kind: str, data: bytes) -> None:
        assert not (self.bold or self.inverse or self.large), "a symbol in a style"
        self.paper.items.append(Bars(kind, data))

    def cut(self) -> None:
        self.papers.append(self.paper)
        self.paper = Paper()


@pytest.fixture(scope="session")
def walk():
    """`walk(stream)` gives the papers printed, or fails on the first byte that has no business there."""
    return lambda stream: Walk(stream).papers
