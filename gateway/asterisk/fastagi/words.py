"""FastAGI's words: what Asterisk says of a call, commands with their arguments quoted, and the answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ANSWER = re.compile(
    r"200 result=(-?[0-9A-Za-z*#]*)(?: \((.*?)\))?(?: endpos=(-?\d+))?\s*", re.DOTALL
)


class Unsayable(ValueError):
    """An argument that must not be sent: it would begin a command of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Asterisk's answer to one command: `code` 200, 510 (unknown), 511 (dead channel) or 520 (wrong use)."""

    code: int
    result: str = ""
    data: str = ""
    endpos: int = 0

    @property
    def key(self) -> str:
        """The key in `result` where that is a character's number; "" for 0 and -1."""
        return chr(int(self.result)) if self.result.isdigit() and int(self.result) > 0 else ""


def command(name: str, *arguments: str) -> bytes:
    """A command: its name as it is, every argument in quotes. Raises Unsayable."""
    for argument in arguments:
        if any(ord(c) < 32 or ord(c) == 127 for c in argument):
            raise Unsayable("a control character in an argument")
    quoted = ('"' + a.replace("\\", "\\\\").replace('"', '\\"') + '"' for a in arguments)
    return " ".join((name, *quoted)).encode()


def answer(line: str) -> Answer:
    """The answer in one line, which begins with three digits."""
    code = int(line[:3])
    match = _ANSWER.fullmatch(line) if code == 200 else None
    if match is None:
        return Answer(code=520 if code == 200 else code)
    return Answer(code=200, result=match[1], data=match[2] or "", endpos=int(match[3] or 0))


def number(text: str) -> str:
    """A caller's number for people to see: digits, or "" for anything that is not a telephone's number."""
    return text if re.fullmatch(r"\+?[0-9]{1,20}", text) else ""
