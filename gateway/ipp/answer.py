"""What comes back on a connection, cut into HTTP/1.1 answers: bounded in every direction (RFC 9112)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.ipp.errors import Nonsense

LONGEST_HEAD = 32_768
LONGEST_BODY = 4_000_000  # bytes; media databases of large printers reach 200 kB
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |$)")


@dataclass(frozen=True, slots=True)
class Answered:
    """One whole answer; `keep`: the connection may be asked again."""

    status: int
    body: bytes
    keep: bool


class Reader:
    """Takes bytes as they come; `feed` gives the answer once it is whole. Raises Nonsense."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._head: tuple[int, dict[bytes, bytes]] | None = None

    def feed(self, data: bytes) -> Answered | None:
        self._held += data
        if len(self._held) > LONGEST_HEAD + LONGEST_BODY + LONGEST_BODY // 2:
            raise Nonsense("an answer without end")
        while self._head is None:
            head = self._take_head()
            if head is None:
                return None
            if head[0] >= 200:  # 100 Continue and its like come before the answer
                self._head = head
        return self._whole(ended=False)

    def end(self) -> Answered | None:
        """The connection ended: what was delimited by nothing else is whole now."""
        return self._whole(ended=True) if self._head is not None else None

    def _take_head(self) -> tuple[int, dict[bytes, bytes]] | None:
        end = self._held.find(b"\r\n\r\n")
        if end < 0 or end > LONGEST_HEAD:
            if len(self._held) > LONGEST_HEAD:
                raise Nonsense("a head without end")
            return None
        first, *lines = bytes(self._held[:end]).split(b"\r\n")
        del self._held[: end + 4]
        status = _STATUS.match(first)
        if status is None:
            raise Nonsense("no HTTP")
        fields = (line.partition(b":") for line in lines)
        return int(status[1]), {name.strip().lower(): v.strip() for name, _, v in fields}

    def _whole(self, *, ended: bool) -> Answered | None:
        assert self._head is not None
        status, fields = self._head
        keep = fields.get(b"connection", b"").lower() != b"close"
        if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
            body = _unchunked(bytes(self._held))
        elif b"content-length" in fields:
            body = _counted(self._held, fields[b"content-length"])
        else:
            body, keep = (bytes(self._held) if ended else None), False
        if len(self._held) > LONGEST_BODY + LONGEST_BODY // 2 or len(body or b"") > LONGEST_BODY:
            raise Nonsense("an answer that is too long")
        if body is None:
            return None
        self._held.clear()
        self._head = None
        return Answered(status, body, keep)


def _counted(held: bytearray, length: bytes) -> bytes | None:
    if not re.fullmatch(rb"[0-9]{1,8}", length) or int(length) > LONGEST_BODY:
        raise Nonsense("a length that cannot be")
    return bytes(held[: int(length)]) if len(held) >= int(length) else None


def _unchunked(held: bytes) -> bytes | None:
    """The chunks joined; None while the last one is missing (RFC 9112 7.1)."""
    parts: list[bytes] = []
    at = 0
    while (line := held.find(b"\r\n", at)) >= 0:
        size = re.match(rb"([0-9A-Fa-f]{1,7})[ \t]*(?:;|$)", held[at:line])
        if size is None:
            raise Nonsense("a chunk without a size")
        length = int(size[1], 16)
        if length == 0:
            trailer_ends = held.startswith(b"\r\n", line + 2) or held.find(b"\r\n\r\n", line) >= 0
            return b"".join(parts) if trailer_ends else None
        if len(held) < line + 2 + length + 2:
            return None
        parts.append(held[line + 2 : line + 2 + length])
        at = line + 2 + length + 2
    return None
