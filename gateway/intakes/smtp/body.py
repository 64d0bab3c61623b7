"""The text of one mail as it arrives: up to the one mark that ends it, and never more than its limit."""

from __future__ import annotations

_END = b"\r\n.\r\n"


class Body:
    """Bytes after 354, up to CR LF . CR LF (RFC 5321, 4.1.1.4) and nothing that only looks like it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray(b"\r\n")  # so that a first line of "." is an end like any other
        self.size = 0  # bytes that came
        self.ended = False

    @property
    def held(self) -> int:
        """Bytes of memory it takes."""
        return len(self._kept)

    @property
    def too_long(self) -> bool:
        return self.size > self._limit

    def feed(self, data: bytes) -> bytes:
        """Take `data`; gives back what came after the end, b"" while there is none."""
        look = max(0, len(self._kept) - len(_END) + 1)
        self._kept += data
        self.size += len(data)
        end = self._kept.find(_END, look)
        if end >= 0:
            rest = bytes(self._kept[end + len(_END) :])
            del self._kept[end + 2 :]
            self.size -= len(rest)
            self.ended = True
            return rest
        if self.too_long:  # its end is still looked for, its content is not wanted any more
            del self._kept[: -len(_END) + 1]
        return b""

    def bare(self) -> bool:
        """Whether it holds a CR or LF alone: two servers could find two ends in it (CVE-2023-51764)."""
        pairs = self._kept.count(b"\r\n")
        return self._kept.count(b"\r") != pairs or self._kept.count(b"\n") != pairs

    def text(self) -> bytes:
        """The mail, once: without the dots that were put before its dots (RFC 5321, 4.5.2)."""
        text = bytes(self._kept)
        self._kept.clear()
        return text.replace(b"\r\n.", b"\r\n")[2:]
