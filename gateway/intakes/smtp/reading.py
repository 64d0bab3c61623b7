"""One mail read in the box, for whoever must know what it holds."""

from __future__ import annotations

from typing import Protocol

from gateway.mail import letter
from gateway.mail.letter import Letter

#: What a mail is called in the store, and in the registry of formats.
FORMAT = "mail"
#: Seconds for reading one mail.
READING = 10.0


class Box(Protocol):
    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes: ...


async def read(box: Box, mail: bytes) -> Letter | None:
    """The mail; None where what came out of the box is none. Raises BoxFailed."""
    found = await box.call("gateway.mail.reading:read", mail, timeout=READING)
    try:
        return letter.load(found)
    except ValueError:
        return None
