"""Reads slips back from the raw bytes a printer was sent: strict, small, and nothing of Wardline's in it.

Written from Epson's command reference for the TM-T20II alone. What is not in it, or not as it says,
is `Unknown`: a decoder that shrugs would hide the one byte that opens a drawer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

COLUMNS = 48
#: ESC t n: what the 80s to FFs mean (TM-T20II: page 0 PC437, 13 PC857, 14 PC737, 16 WPC1252, ...).
CODE_PAGES = {0: "cp437", 13: "cp857", 14: "cp737", 16: "cp1252", 17: "cp866", 18: "cp852"}

#: Commands of a fixed length, in layout and around it, each as exactly as it may be sent.
_FIXED = re.compile(
    rb"""
    (?P<feed>\n)
  | (?P<init>\x1b@)
  | \x1bR(?P<country>\x00)
  | \x1bt(?P<page>.)
  | \x1bE(?P<bold>[\x00\x01])
  | \x1ba(?P<align>[\x00\x01\x02])
  | \x1bd(?P<lines>.)
  | \x1d!(?P<size>[\x00\x11])
  | \x1dB(?P<inverse>[\x00\x01])
  | \x1dV(?P<cut>[AB]\x00)
  | \x1da(?P<reports>\x0e)
  | \x1dh(?P<height>.)
  | \x1dw(?P<module>[\x02-\x06])
  | \x1dH(?P<caption>\x00)
  | \x1dr(?P<sensor>\x01)
  | \x1d\(H\x06\x0000(?P<token>[ -~]{4})
  | \x10\x04(?P<ask>[\x01-\x04])
  | (?P<forget>\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08)
  | (?P<text>[\x20-\x7e\x80-\xff]+)
  | (?P<nul>\x00+)(?=[^\x00])
    """,
    re.VERBOSE | re.DOTALL,
)
_BARCODE = re.compile(rb"\x1dk\x49(.)", re.DOTALL)
_RASTER = re.compile(rb"\x1dv0\x00(..)(..)", re.DOTALL)
_SYMBOL = re.compile(rb"\x1d\(k(..)1(.)", re.DOTALL)
_BEGUN = re.compile(
    rb"\x00+|\x1b[RtEad]?|\x1d([!BVahwHrk]|k\x49|v(0(\x00.{0,3})?)?|\((H.{0,7}|k.{0,2})?)?"
    rb"|\x10(\x04|\x14.{0,8})?|\x1d\(k.*",
    re.DOTALL,
)


class Unknown(Exception):
    """Bytes that are no command this printer knows, or one that a layout has no business sending."""


@dataclass(frozen=True)
class Token:
    """One command or run of text, as it stood in the stream."""

    name: str
    value: bytes


@dataclass
class Slip:
    """One piece of paper: its lines as text, and what stood beside the text."""

    lines: list[str] = field(default_factory=list)
    rasters: int = 0  # lines that were drawn, dot by dot
    codes: list[str] = field(default_factory=list)
    inverse: list[str] = field(default_factory=list)  # what stands white on black

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def blank(self) -> bool:
        return not (self.text.strip() or self.rasters or self.codes)


def joined(slips: list[Slip]) -> list[Slip]:
    """The pages of a long slip as one: each but the first bears "page 2/3" on a line of its own."""
    found: list[Slip] = []
    for slip in slips:
        number = next((m[1] for line in slip.lines if (m := _PAGE.fullmatch(line))), "1")
        if number == "1":
            found.append(Slip())
        whole = found[-1]
        whole.lines += slip.lines
        whole.codes += slip.codes
        whole.inverse += slip.inverse
        whole.rasters += slip.rasters
    return found


_PAGE = re.compile(r"page (\d+)/\d+")


def tokens(stream: bytes) -> tuple[list[Token], bytes]:
    """The commands of `stream`, and what is left of one that is not whole yet. Raises Unknown."""
    found: list[Token] = []
    at = 0
    while at < len(stream):
        token, after = _token(stream, at)
        if token is None:
            return found, stream[at:]
        found.append(token)
        at = after
    return found, b""


def _token(stream: bytes, at: int) -> tuple[Token | None, int]:
    if match := _FIXED.match(stream, at):
        name = str(match.lastgroup)
        return Token(name, match[name]), match.end()
    for pattern, name, length in (
        (_RASTER, "raster", lambda m: _little(m[1]) * _little(m[2])),
        (_BARCODE, "code128", lambda m: m[1][0]),
        (_SYMBOL, "symbol", lambda m: _little(m[1]) - 2),
    ):
        if match := pattern.match(stream, at):
            end = match.end() + length(match)
            if end > len(stream):
                return None, at
            head = match[2] if name == "symbol" else match[1]
            return Token(name, head + stream[match.end() : end]), end
    if _BEGUN.fullmatch(stream, at):
        return None, at
    raise Unknown(
        f"{stream[at : at + 12].hex(' ')} at {at}, after {stream[max(0, at - 24) : at]!r}"
    )


def _little(two: bytes) -> int:
    return int.from_bytes(two, "little")


class Reader:
    """What a printer's head would have put on paper. Feed it bytes as they come."""

    def __init__(self) -> None:
        self.slips: list[Slip] = []  # cut off, or torn off by `finish`
        self._rest = b""
        self._slip = Slip()
        self._line = ""
        self._codec = ""
        self._large = self._inverse = False
        self._acts: dict[str, Callable[[bytes], None]] = {
            "text": self._type,
            "feed": lambda _: self._feed(1),
            "lines": lambda data: self._feed(data[0]),
            "init": lambda _: self._initialise(),
            "page": self._choose,
            "size": lambda data: setattr(self, "_large", data != b"\x00"),
            "inverse": lambda data: setattr(self, "_inverse", data != b"\x00"),
            "raster": self._draw,
            "code128": self._bars,
            "symbol": self._squares,
            "cut": lambda _: self._cut(),
            "nul": self._nothing,
        }

    def feed(self, data: bytes) -> list[Token]:
        """What was understood of it, in order. Raises Unknown."""
        found, self._rest = tokens(self._rest + data)
        for token in found:
            if token.name in self._acts:
                self._acts[token.name](token.value)
        return found

    def finish(self) -> list[Slip]:
        """All paper there is, the last of it torn off. Raises Unknown for a command without its end."""
        if self._rest:
            raise Unknown(f"breaks off within {self._rest[:12].hex(' ')}")
        self._tear()
        return self.slips

    def _type(self, data: bytes) -> None:
        if not self._codec and max(data) > 0x7E:
            raise Unknown(f"{data!r} before a code page was chosen")
        try:
            text = data.decode(self._codec or "ascii")
        except UnicodeDecodeError as error:
            raise Unknown(f"{data!r} is not in {self._codec}") from error
        if not text.isprintable():
            raise Unknown(f"{text!r} does not print")
        self._line += text
        if len(self._line) > (COLUMNS // 2 if self._large else COLUMNS):
            raise Unknown(f"{self._line!r} is wider than the paper")
        if self._inverse:
            self._slip.inverse.append(text)

    def _feed(self, count: int) -> None:
        self._slip.lines += [self._line, *[""] * (count - 1)]
        self._line = ""

    def _initialise(self) -> None:
        self._line = ""  # ESC @ forgets what is not fed yet
        self._codec, self._large, self._inverse = "", False, False

    def _choose(self, data: bytes) -> None:
        if data[0] not in CODE_PAGES:
            raise Unknown(f"code page {data[0]}")
        self._codec = CODE_PAGES[data[0]]

    def _draw(self, data: bytes) -> None:
        self._begins("a picture")
        if not 0 < _little(data[:2]) <= COLUMNS * 12 // 8:
            raise Unknown(f"a picture {_little(data[:2]) * 8} dots wide")
        if re.search(rb"\x10[\x04\x05\x14]", data[2:]):
            raise Unknown("a picture in which a printer may find a real-time command")
        self._slip.rasters += 1

    def _bars(self, data: bytes) -> None:
        self._begins("a bar code")
        if not re.fullmatch(rb".\{B[ -z|~]+", data, re.DOTALL):
            raise Unknown(f"bar code {data!r}")
        self._slip.codes.append(data[3:].decode("ascii"))

    def _squares(self, data: bytes) -> None:
        if data[:1] not in b"ACEPQ":
            raise Unknown(f"GS ( k function {data[:1]!r}")
        if data[:1] == b"P":
            self._slip.codes.append(data[2:].decode("ascii"))

    def _cut(self) -> None:
        self._begins("a cut")
        self._tear()

    def _nothing(self, data: bytes) -> None:
        if len(data) not in (16, 8192, 8208):  # what ends a broken-off command, and a picture
            raise Unknown(f"{len(data)} NUL bytes")

    def _begins(self, what: str) -> None:
        if self._line:
            raise Unknown(f"{what} in the middle of the line {self._line!r}")

    def _tear(self) -> None:
        if self._line:
            self._feed(1)
        if not self._slip.blank:
            self.slips.append(self._slip)
        self._slip = Slip()
