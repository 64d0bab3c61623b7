"""A mail as it was read: a frozen record that leaves the box as JSON and bytes, never as objects."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, replace
from typing import Any

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """An attachment that may be printed: PDF, PNG, JPEG, TIFF or plain text, by its content."""

    title: str  # its file name as sent: for eyes only, never a path
    media_type: str
    data: bytes = b""
    pages: int = 1
    left_out: int = 0  # pages beyond those in `data`


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An attachment that is not printed, and why (English, in `gateway/locale`)."""

    title: str
    what: str  # "Office document", "archive", "image/gif"…
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail. All text is as its sender wrote it: making it printable is the printer's business."""

    message_id: str = ""
    sender: str = ""  # From, decoded, display name and all
    to: str = ""
    subject: str = ""
    date: str = ""  # as sent
    text: str = ""
    html: str = ""  # the HTML version as text, only where it says something else than `text`
    lines_left_out: int = 0
    enclosed: tuple[Enclosed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    hl7: tuple[bytes, ...] = ()
    warnings: tuple[str, ...] = ()  # English, in `gateway/locale`
    fault: str = ""  # why it could not be read as a whole; the rest is then what could be

    def dump(self) -> bytes:
        blobs = [*(e.data for e in self.enclosed), *self.hl7]
        bare = replace(self, hl7=(), enclosed=())
        head = asdict(bare) | {"sizes": [len(blob) for blob in blobs]}
        head["enclosed"] = [[e.title, e.media_type, e.pages, e.left_out] for e in self.enclosed]
        # Surrogates may have come through a broken encoding: escaped, they cost nothing here.
        words = json.dumps(head).encode("ascii")
        return b"".join((_LENGTH.pack(len(words)), words, *blobs))


def load(data: bytes) -> Letter:
    """What `Letter.dump` wrote. Raises ValueError for anything else: the box may have been taken over."""
    try:
        return _load(data)
    except (struct.error, KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a letter") from error


def _load(data: bytes) -> Letter:
    (length,) = _LENGTH.unpack_from(data)
    head: dict[str, Any] = json.loads(data[_LENGTH.size : _LENGTH.size + length])
    blobs, at = [], _LENGTH.size + length
    for size in head.pop("sizes"):
        if not 0 <= size <= len(data) - at:
            raise ValueError("not a letter")
        blobs.append(data[at : at + size])
        at += size
    enclosed = [
        Enclosed(title=title, media_type=kind, data=data, pages=pages, left_out=more)
        for (title, kind, pages, more), data in zip(head["enclosed"], blobs, strict=False)
    ]
    head["hl7"] = tuple(blobs[len(enclosed) :])
    head["enclosed"] = tuple(enclosed)
    head["left_out"] = tuple(LeftOut(**x) for x in head["left_out"])
    head["warnings"] = tuple(head["warnings"])
    return Letter(**head)
