"""A stored FHIR message read again, as it was at first."""

from __future__ import annotations

from typing import Protocol

from gateway.fhir.extract import extract
from gateway.fhir.reader import read as read_fhir
from gateway.hl7.limits import Limits
from gateway.hl7.write import write
from gateway.message import Message


class Stored(Protocol):
    """A message out of the store."""

    @property
    def raw(self) -> bytes: ...
    @property
    def control_id(self) -> str: ...
    @property
    def sender(self) -> str: ...


def read(stored: Stored, *, limits: Limits | None = None) -> Message:
    """Raises Rejected: purged."""
    return read_fhir(stored.raw, control_id=stored.control_id, sender=stored.sender, limits=limits)


def documents(stored: Stored) -> tuple[bytes, ...]:
    """The bytes of its attachments, in the order of `read`; b"" for one that cannot be had."""
    return extract(stored.raw)


def hl7(stored: Stored) -> bytes:
    """The same as HL7 v2, documents and all. Raises Rejected: purged."""
    return write(read(stored), documents(stored))
