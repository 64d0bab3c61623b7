"""A received fax as the store keeps it: a line of JSON on what is known of it, then the file as it came."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

FORMAT = "fax"


class Ending(StrEnum):
    """How its call ended."""

    WHOLE = "whole"
    BROKEN = "broken"  # fewer pages came than were sent, or none
    UNKNOWN = "unknown"  # Asterisk ended before it could say


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One fax that came in, or tried to."""

    number: str  # of ours, that was dialled
    ending: Ending
    station: str = ""  # how the sender's machine calls itself; anybody can say anything
    pages: int = 0  # that can be read
    file: bytes = b""  # TIFF; b"" when no page came


def seal(received: Received) -> bytes:
    head = asdict(replace(received, file=b""))
    del head["file"]
    return json.dumps(head, sort_keys=True).encode() + b"\n" + received.file


def unseal(raw: bytes) -> Received:
    """Raises ValueError for what `seal` did not make."""
    line, _, file = raw.partition(b"\n")
    try:
        head = json.loads(line)
        return Received(**{**head, "ending": Ending(head["ending"])}, file=file)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("not a fax") from error
