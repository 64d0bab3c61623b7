"""The HL7 in a mail, read in the box: all that must be known of it before it comes to paper."""

from __future__ import annotations

from typing import Protocol

from gateway.mail import letter

#: What a mail is called in the store, and in the registry of formats.
FORMAT = "mail"
#: Seconds for reading one mail.
READING = 10.0


class Box(Protocol):
    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes: ...


async def results(box: Box, mail: bytes) -> tuple[bytes, ...] | None:
    """The HL7 files in a mail; None where what came out of the box is no answer. Raises BoxFailed."""
    found = await box.call("gateway.mail.reading:results", mail, timeout=READING)
    try:
        return letter.load(found).hl7
    except ValueError:
        return None
