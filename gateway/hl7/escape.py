"""Escape sequences in text fields (HL7 v2.5, chapter 2, 2.7): from `\\T\\` back to `&`.

One pass, left to right, nothing is read twice: `\\E\\T\\E\\` is `\\T\\`, not `&`. What is no escape
sequence is text: people do write `C:\\temp`. Control characters that come out of `\\X..\\` are kept;
making text fit for paper is the printer's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.hl7.delimiters import ABSENT, Delimiters

_MOST_LINES = 10  # of \.sp n\: a slip is not a place for a page of blanks
_MOST_SPACES = 40  # of \.sk n\


@dataclass(frozen=True, slots=True)
class Unescaped:
    text: str
    doubtful: bool = False  # some bytes could not be read in the message's character set


def unescape(text: str, delimiters: Delimiters, *, codec: str = "utf-8") -> Unescaped:
    """`text` with its escape sequences resolved; `codec` reads the bytes of `\\X..\\`."""
    mark, letters = delimiters.escape, delimiters.letters
    parts = text.split(mark)
    out = [parts[0]]
    doubtful = False
    at, last = 1, len(parts) - 1
    while at < last:
        token = parts[at]
        found = letters.get(token)
        if found is None and token[:1] == "X":
            data, at = _bytes(parts, at)
            if data:
                found, lost = _characters(data, codec)
                doubtful |= lost
        elif found is None:
            found = _resolve(token, mark)
            doubtful |= found == "" and token[0] in ("C", "M")
        if found is None:
            out += (mark, token)
            at += 1
        else:
            out += (found, parts[at + 1])
            at += 2
    if at == last:
        out += (mark, parts[last])
    return Unescaped("".join(out), doubtful)


def escape(text: str, delimiters: Delimiters) -> str:
    """`text` fit to stand in a field: its delimiters escaped, or blanks where the message has no
    escape character. `unescape` gives it back."""
    marks = {delimiters.escape: "E", delimiters.field: "F", delimiters.component: "S"}
    marks |= {delimiters.subcomponent: "T", delimiters.repetition: "R"}
    if not any(mark in text for mark in marks):
        return text
    if delimiters.escape == ABSENT:
        return "".join(" " if c in marks else c for c in text)
    mark = delimiters.escape
    return "".join(f"{mark}{marks[c]}{mark}" if c in marks else c for c in text)


def _bytes(parts: list[str], at: int) -> tuple[bytes, int]:
    """The bytes of the `\\X..\\` at `at` and of those that follow it without anything between, as
    when one letter is sent byte by byte (`\\XC3\\\\XA9\\`); and where the last of them stands."""
    data = bytearray(_hex(parts[at][1:]))
    while data and not parts[at + 1] and at + 3 < len(parts):
        more = _hex(parts[at + 2][1:]) if parts[at + 2][:1] == "X" else b""
        if not more:
            break
        data += more
        at += 2
    return bytes(data), at


def _resolve(token: str, mark: str) -> str | None:
    """What `\\token\\` stands for; None when it is no escape sequence."""
    kind = token[:1]
    if kind == ".":
        return _formatting(token)
    if kind in ("C", "M"):  # a switch to another character set: what follows may be misread
        return "" if len(token) in (5, 7) and _hex(token[1:]) else None
    if kind == "Z" and token.isalnum():  # the sender's own, known to nobody: shown as it came
        return mark + token + mark
    return None


def _hex(digits: str) -> bytes:
    """b"" for what is no even number of hexadecimal digits."""
    if len(digits) % 2 or not digits.isalnum():
        return b""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _characters(data: bytes, codec: str) -> tuple[str, bool]:
    """The text of `\\X..\\`. A CR, alone or before LF, is how senders say a new line."""
    try:
        text, doubtful = data.decode(codec), False
    except UnicodeDecodeError:
        text, doubtful = data.decode("cp1252", "replace"), True
    return text.replace("\r\n", "\n").replace("\r", "\n"), doubtful


def _formatting(token: str) -> str | None:
    """FT commands (2.7.6) reduced to what a slip can follow: line breaks and spaces."""
    command, count = token[1:3], token[3:].strip().lstrip("+-")
    if count and not (count.isascii() and count.isdecimal()):
        return None
    number = min(int(count[:4]), 9999) if count else 1
    if command in ("br", "ce"):
        return "\n" if not count else None
    if command == "sp":
        return "\n" * min(max(number, 1), _MOST_LINES)
    if command == "sk":
        return " " * min(number, _MOST_SPACES)
    return "" if command in ("in", "ti", "fi", "nf") else None
