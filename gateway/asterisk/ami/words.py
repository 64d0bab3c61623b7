"""AMI's words on the wire: actions that hold nothing but what was meant, events that no caller can forge.

The texts are written and read by the package `asterisk-ami`; its client, which runs threads of its own and
loops on a dead connection, is not used. What it lacks is here: it would write a line break that stands in
a value, and reads characters as line breaks that Asterisk takes for part of a caller's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from asterisk.ami import Event as TextEvent
from asterisk.ami import Response as TextResponse
from asterisk.ami import SimpleAction

#: Asterisk refuses a line of more than 1022 bytes, and with it the whole action.
LONGEST = 1000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]*")
# Line breaks to `str.splitlines`, none to Asterisk: a telephone's display name may hold them.
_FALSE_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


class Unsayable(ValueError):
    """An action that must not be sent: something in it could be read as more than was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; a field that is not there is ""."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> str:
        return self.fields.get(key, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Asterisk's answer to one action."""

    status: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> str:
        return self.fields.get(key, "")

    @property
    def refused(self) -> bool:
        return self.status.lower() == "error"


def encode(
    name: str, headers: Mapping[str, str], *, variables: Mapping[str, str] | None = None
) -> bytes:
    """One action, ready to be sent. Raises Unsayable.

    A header holds printable ASCII only. A variable's value is held to letters, digits, "_", "." and "-":
    Asterisk splits the others at commas and strips quotes.
    """
    for word in (name, *headers, *(variables or {})):
        if not _NAME.fullmatch(word):
            raise Unsayable(f"{word!r} is no name")
    for key, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise Unsayable(f"{key}: a control or foreign character")
    for key, value in (variables or {}).items():
        if not _PLAIN.fullmatch(value):
            raise Unsayable(f"variable {key}: more than letters, digits and _.-")
    action = SimpleAction(name, **headers)
    for key, value in (variables or {}).items():
        action[key] = value
    text = f"{action}\r\n".encode("ascii")
    if max(map(len, text.split(b"\r\n"))) > LONGEST:
        raise Unsayable("a line is too long")
    return text


def decode(lines: Sequence[bytes]) -> Event | Response | None:
    """What the lines of one packet say; None for what is neither event nor response."""
    text = "\r\n".join(_cleaned(line) for line in lines)
    if TextResponse.match(text):
        response = TextResponse.read(text)
        return Response(status=response.status, fields=response.keys)
    if TextEvent.match(text) and ": " in text.split("\r\n", 1)[0]:
        event = TextEvent.read(text)
        plain = {k: v for k, v in event.keys.items() if isinstance(v, str)}
        return Event(name=event.name.strip(), fields=plain)
    return None


def _cleaned(line: bytes) -> str:
    text = line.decode("utf-8", "replace").replace("\r", "\ufffd").replace("\n", "\ufffd")
    return _FALSE_BREAKS.sub("\ufffd", text)
