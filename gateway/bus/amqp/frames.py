"""A broker's frames on their way in: what it says of itself is heard, what the library would choke on mended.

RabbitMQ says with `connection.blocked` that it takes no messages for now, and why (disk, memory), and
with `connection.close` why it ends a connection. The library only logs the first and may lose the words
of the second.

A publisher's properties and routing key pass the broker unread. Where the library cannot decode them (a
content type in Latin-1, a time in nanoseconds, a table of unknown types) it gives up the connection, the
broker gives the message again, and nothing behind it ever comes in. So such a message loses its properties
here, and is read by its body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pamqp import frame

_METHOD, _HEADER = 1, 2  # frame types
_CONNECTION, _CLOSE = 10, 50  # class and method of a connection's own words
_BLOCKED, _UNBLOCKED = 60, 61  # RabbitMQ's extension of AMQP 0-9-1
_BASIC, _DELIVER = 60, 60
_HEAD = 7  # octets before a frame's payload: type, channel, size
_LONGEST = 1024  # of a method that is looked at; a delivery has three short strings
_FIXED = 12  # octets of a content header before its property flags: class, weight, body size


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """It takes no messages for now; "": it takes them again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """It ends the connection: AMQP's reply code and text."""

    code: int
    text: str


Said = Blocked | Closed


class Frames:
    """A stream of frames, cut anyhow; `said` is what the broker said of itself since it was last taken."""

    def __init__(self) -> None:
        self._kept = bytearray()  # what came of the frame that is looked at
        self._wanted = _HEAD  # octets of it that must be here before it can be judged
        self._skip = 0  # octets still to come of a frame that is not looked at
        self.said: list[Said] = []

    def feed(self, data: bytes) -> bytes:
        """What of `data`, and of what came before, the library may see now."""
        at, passed = 0, []
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                passed.append(data[at : at + step])
                self._skip -= step
                at += step
                continue
            more = data[at : at + self._wanted - len(self._kept)]
            self._kept += more
            at += len(more)
            if len(self._kept) == self._wanted:
                passed.append(self._look())
        return b"".join(passed)

    def _look(self) -> bytes:
        """The head of a frame is here, or the whole of one that matters: what of it goes on."""
        kept = bytes(self._kept)
        size = int.from_bytes(kept[3:7], "big")
        if len(kept) == _HEAD:
            short = kept[0] == _METHOD and size <= _LONGEST
            if short or kept[0] == _HEADER:
                self._wanted = _HEAD + size + 1  # its end octet
                return b""
            self._skip = size + 1
        elif kept[0] == _HEADER:
            kept = header(kept)
        elif kept[1:3] == b"\0\0":
            self.said += _said(kept)
        else:
            kept = method(kept)
        self._kept.clear()
        self._wanted = _HEAD
        return kept


def header(found: bytes) -> bytes:
    """A content header as it came, or without its properties where the library could not read them."""
    try:
        frame.unmarshal(found)
    except Exception:  # noqa: BLE001 - whatever it stumbles over, it would stumble again and again
        bare = found[_HEAD : _HEAD + _FIXED] + b"\0\0"
        return found[:3] + len(bare).to_bytes(4, "big") + bare + found[-1:]
    return found


def method(found: bytes) -> bytes:
    """A method as it came, or a delivery whose exchange and routing key are in ASCII."""
    which = int.from_bytes(found[_HEAD : _HEAD + 2], "big"), int.from_bytes(found[9:11], "big")
    if which != (_BASIC, _DELIVER):
        return found
    at = 11  # of the consumer tag, which is ours; behind it a number and a flag
    at += 1 + found[at] + 9
    texts = []
    for _ in range(2):
        end = at + 1 + found[at]
        texts.append(found[at : at + 1] + _ascii(found[at + 1 : end]))
        at = end
    start = len(found) - 1 - sum(map(len, texts))
    return found[:start] + b"".join(texts) + found[-1:]


def _ascii(text: bytes) -> bytes:
    return text if text.isascii() else bytes(b if b < 0x80 else 0x3F for b in text)


def _said(found: bytes) -> Iterator[Said]:
    """What a method of the connection itself says."""
    if int.from_bytes(found[_HEAD : _HEAD + 2], "big") != _CONNECTION:
        return
    number, rest = int.from_bytes(found[9:11], "big"), found[11:-1]
    if number == _BLOCKED:
        yield Blocked(reason=f"blocked by the broker: {_short(rest)}")
    elif number == _UNBLOCKED:
        yield Blocked(reason="")
    elif number == _CLOSE:
        yield Closed(code=int.from_bytes(rest[:2], "big"), text=_short(rest[2:]))


def _short(data: bytes) -> str:
    """A short string: its length in one octet, then UTF-8. In one line and without a comma: it goes
    into alarms and onto paper."""
    text = data[1 : 1 + data[0]].decode("utf-8", "replace") if data else ""
    return " ".join(text.replace(",", ";").split())
