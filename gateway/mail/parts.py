"""The parts of a mail (RFC 2046): cut in one pass, bounded in number and depth, whatever its sender meant."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadEncoding
from binascii import a2b_qp, a2b_uu
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.locale import N_
from gateway.mail.headers import Headers, split, valued

#: A hundred thousand parts take the standard parser 26 s; a ward has no use for more than these.
PARTS, DEPTH = 50, 8

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_LETTER = bytes(b for b in range(256) if b not in _LETTERS)
_NO_BLANK = bytes(b for b in range(256) if b not in b" \t\r\n=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One part that holds content."""

    type: str
    parameters: dict[str, str]
    attached: bool  # its sender calls it an attachment
    name: str  # its file name, decoded
    data: bytes  # decoded
    group: int  # leaves of one group are versions of the same: multipart/alternative
    whole: bool = True


@dataclass(slots=True)
class Walk:
    """A walk through one mail; `warnings` (English, in `gateway/locale`) say what is wrong with it."""

    leaves: list[Leaf] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)  # in their order, each once
    forwarded: dict[int, list[Headers]] = field(default_factory=dict)  # of mails a leaf begins
    _parts: int = 0
    _groups: int = 0

    def message(self, raw: bytes, start: int = 0, *, depth: int = 0) -> Headers:
        """Walk through a whole mail; its headers."""
        headers, body = split(raw, start)
        self._part(headers, raw, body, depth=depth, group=0)
        return headers

    def _part(self, headers: Headers, raw: bytes, start: int, *, depth: int, group: int) -> None:
        kind, parameters = _content_type(headers)
        if depth > DEPTH:
            self._warn(N_("Parts nested too deep were not opened."))
            return
        if kind.startswith("multipart/"):
            boundary = parameters.get("boundary", "").rstrip()
            sections = _sections(raw, start, boundary) if boundary else None
            if sections:
                self._sections(raw, sections, kind, depth=depth, group=group)
                return
            self._warn(N_("Its parts could not be told apart: shown as it came."))
            kind, parameters = "text/plain", {}
        data, sound = _decoded(headers, raw[start:])
        if not sound:
            self._warn(N_("Its transfer encoding is unknown or broken."))
        if kind == "message/partial":
            self._warn(N_("It ends before its end: something may be missing."))
        if kind == "message/rfc822" and data:
            inside = self.forwarded.setdefault(len(self.leaves), [])
            inside.insert(0, self.message(data, depth=depth + 1))
            return
        word, more = valued(next(iter(headers.all("content-disposition")), b""))
        name = more.get("filename") or parameters.get("name", "")
        self.leaves.append(
            Leaf(
                type=kind,
                parameters=parameters,
                attached=word == "attachment" or bool(name and not kind.startswith("text/")),
                name=name,
                data=data,
                group=group,
                whole=sound,
            )
        )

    def _sections(
        self,
        raw: bytes,
        sections: Iterator[tuple[int, int, bool]],
        kind: str,
        *,
        depth: int,
        group: int,
    ) -> None:
        if kind == "multipart/alternative":
            self._groups += 1
            group = self._groups
        for begin, end, closed in sections:
            if self._parts >= PARTS:
                self._warn(N_("It has too many parts: the last ones were not opened."))
                return
            self._parts += 1
            if not closed:
                self._warn(N_("It ends before its end: something may be missing."))
            section = raw[begin:end]
            headers, body = split(section)
            self._part(headers, section, body, depth=depth + 1, group=group)

    def _warn(self, text: str) -> None:
        self.warnings[text] = None


def _content_type(headers: Headers) -> tuple[str, dict[str, str]]:
    value = next(iter(headers.all("content-type")), b"")
    kind, parameters = valued(value)
    return (kind if "/" in kind else "text/plain"), parameters


def _sections(raw: bytes, start: int, boundary: str) -> Iterator[tuple[int, int, bool]] | None:
    """Where each section begins and ends, and whether its end was marked; None without any mark."""
    mark = b"--" + boundary.encode("utf-8", "replace")
    first = next(_marks(raw, start, mark), None)
    return None if first is None else _between(raw, start, mark)


def _between(raw: bytes, start: int, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    begin: int | None = None
    for at, after, last in _marks(raw, start, mark):
        if begin is not None:
            yield begin, _without_break(raw, begin, at), True
        begin = after
        if last:
            return
    if begin is not None:
        yield begin, len(raw), False


def _marks(raw: bytes, start: int, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """Each delimiter line: where it begins, where the next line does, and whether it is the last."""
    at = raw.find(mark, start)
    while at >= 0:
        end = at + len(mark)
        line_end = raw.find(b"\n", end, end + 200)
        rest = raw[end : line_end if line_end >= 0 else end + 200]
        last = rest.startswith(b"--")
        if (at == start or raw[at - 1] in b"\r\n") and not rest.removeprefix(b"--").strip():
            yield at, (line_end + 1 if line_end >= 0 else len(raw)), last
        at = raw.find(mark, end)


def _without_break(raw: bytes, begin: int, end: int) -> int:
    """The line break before a delimiter belongs to it (RFC 2046, 5.1.1)."""
    if end > begin and raw[end - 1 : end] == b"\n":
        end -= 1
    if end > begin and raw[end - 1 : end] == b"\r":
        end -= 1
    return end


def _decoded(headers: Headers, body: bytes) -> tuple[bytes, bool]:
    """The body without its transfer encoding, and whether that could be undone."""
    how = next(iter(headers.all("content-transfer-encoding")), b"").strip().lower()
    try:
        match how:
            case b"base64":
                return _base64(body)
            case b"quoted-printable":
                return a2b_qp(body), True
            case b"x-uuencode" | b"uuencode" | b"x-uue":
                return _uudecoded(body), True
    except (BadEncoding, ValueError):
        return body, False
    return body, how in (b"", b"7bit", b"8bit", b"binary")


def _base64(body: bytes) -> tuple[bytes, bool]:
    """What is mostly something else is left as it came: its letters would decode to noise."""
    letters = body.translate(None, _NO_LETTER)
    junk = len(body) - len(letters) - len(body.translate(None, _NO_BLANK))
    if junk * 8 > len(body):
        return body, False
    if len(letters) % 4 == 1:  # the last letter says nothing
        letters = letters[:-1]
    return b64decode(letters + b"=" * (-len(letters) % 4)), not junk


def _uudecoded(body: bytes) -> bytes:
    lines = body.splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith(b"begin ")), -1)
    if begin < 0:
        raise ValueError("no beginning")
    data = bytearray()
    for line in lines[begin + 1 :]:
        if line.strip() in (b"end", b"", b"`"):
            break
        data += a2b_uu(line)
    return bytes(data)
