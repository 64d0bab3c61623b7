"""The header block of a mail or of one of its parts: bounded, in one pass, never raising."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from binascii import a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gateway.mail.charset import decode

#: Longest header block read, bytes. 320 kB of encoded words take the standard library 6 s.
BLOCK = 64 * 1024
#: Longest value looked at for parameters, and longest value shown.
VALUE = 8 * 1024

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:[ \t]*(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r""";\s*([^\s=;"]{1,80})\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)""", re.DOTALL)
_CONTINUED = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")


@dataclass(frozen=True, slots=True)
class Headers:
    """Names in lower case, values as bytes with their folding; in their order."""

    fields: tuple[tuple[str, bytes], ...] = ()
    whole: bool = True  # False: the block was longer than BLOCK

    def all(self, name: str) -> tuple[bytes, ...]:
        return tuple(value for known, value in self.fields if known == name)

    def text(self, name: str) -> str:
        """The first field of this name as a person reads it, or ""."""
        return next((readable(value) for value in self.all(name)), "")


def split(raw: bytes, start: int = 0) -> tuple[Headers, int]:
    """The headers from `start` on, and where the body begins.

    A line that is no field ends the block, as an empty one does: a mail whose empty line is missing
    loses none of its text.
    """
    fields: list[tuple[str, bytes]] = []
    at, end = start, min(len(raw), start + BLOCK)
    if raw[start : start + 5] == b"From ":  # a mailbox's own line
        at = _LINE.match(raw, start).end()  # type: ignore[union-attr]
    while at < end:
        found = _LINE.match(raw, at)
        assert found is not None
        line = found[1]
        if not line:
            return Headers(tuple(fields)), found.end()
        if line[:1] in b" \t" and fields:
            name, value = fields[-1]
            if len(value) < VALUE:
                fields[-1] = (name, value + b"\r\n" + line)
        else:
            field = _FIELD.fullmatch(line)
            if field is None:
                return Headers(tuple(fields)), at
            fields.append((field[1].decode("ascii").lower(), field[2][:VALUE]))
        at = found.end()
    return Headers(tuple(fields), whole=at >= len(raw)), at


def readable(value: bytes) -> str:
    """A field's value as text: unfolded, its encoded words (RFC 2047) decoded where they can be."""
    text, _ = decode(value)
    return words(_unfolded(text))


def words(text: str) -> str:
    """`text` with its encoded words decoded; those next to one another are one text cut in pieces."""
    parts: list[str] = []
    held, charset, at = b"", "", 0
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        codec = word[1].partition("*")[0]  # RFC 2231, 5: a language may follow
        data = _encoded(word[2], word[3])
        if held and (between.strip() or codec.lower() != charset.lower()):
            parts.append(decode(held, charset)[0])
            held = b""
        if between.strip() or at == 0:
            parts.append(between)
        held, charset, at = held + data, codec, word.end()
    if held:
        parts.append(decode(held, charset)[0])
    return "".join((*parts, text[at:])).strip()


def valued(value: bytes) -> tuple[str, dict[str, str]]:
    """A field with parameters (Content-Type, Content-Disposition): its word in lower case, and them.

    RFC 2231's continuations and charsets are put together; of two of one name the first is taken.
    """
    text, _ = decode(value[:VALUE])
    text = _unfolded(text)
    head = text.partition(";")[0].strip().lower()
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, content in _parameters(text):
        continued = _CONTINUED.fullmatch(name)
        if continued is None or name == continued[1]:
            plain.setdefault(name, words(content))
        else:
            number, extended = int(continued[2] or 0), continued[3] is not None
            pieces.setdefault(continued[1], []).append((number, extended, content))
    for name, found in pieces.items():
        plain[name] = _joined(sorted(found, key=lambda piece: piece[0]))
    return head, plain


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for found in _PARAMETER.finditer(text):
        content = found[2].strip()
        if content.startswith('"'):
            content = re.sub(r"\\(.)", r"\1", content.strip('"'), flags=re.DOTALL)
        yield found[1].lower(), content


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    charset, data = "", b""
    for index, (_, extended, piece) in enumerate(pieces):
        content = piece
        if extended and index == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        data += unquote_to_bytes(content) if extended else content.encode("utf-8", "surrogatepass")
    return decode(data, charset)[0]


def _encoded(how: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if how in "qQ":
        return a2b_qp(data, header=True)
    try:
        return b64decode(data + b"=" * (-len(data) % 4))
    except BadBase64:
        return data


def _unfolded(text: str) -> str:
    return re.sub(r"(?:\r\n|\n|\r)[ \t]*", " ", text)
