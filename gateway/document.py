"""A document for a ward that is no message: a page with a title, posted by a system that knows its ward.

What is stored is one line of JSON, then the document's bytes as they came.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import Rejected
from gateway.hl7.attachment import media_of
from gateway.message import Attachment, Group, Kind, Message, Observation, Status
from gateway.render import Context, render
from gateway.store import Stored
from printers.slip import Enclosure, Slip

FORMAT = "document"
#: What a printer can be given: never Office files, never archives.
MEDIA = ("application/pdf", "image/png", "image/jpeg", "image/tiff", "text/plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document and what it is called."""

    title: str
    media: str  # one of `MEDIA`
    data: bytes


def pack(data: bytes, *, media: str, title: str = "") -> bytes:
    """What is stored of it."""
    head = json.dumps({"media": media, "title": title}, ensure_ascii=False)
    return head.encode("utf-8", "replace") + b"\n" + data


def unpack(raw: bytes) -> Document:
    """What `pack` made. Raises Rejected: purged, or never that."""
    head, newline, data = raw.partition(b"\n")
    try:
        found = json.loads(head)
        document = Document(title=str(found["title"]), media=str(found["media"]), data=data)
    except (ValueError, KeyError, TypeError):
        raise Rejected("no document", code=207) from None
    if not newline or document.media not in MEDIA:
        raise Rejected("no document", code=207)
    return document


def message_of(raw: bytes, *, control_id: str, sender: str) -> Message:
    """The message that a packed document is, under the name it was given."""
    document = unpack(raw)
    return Message(
        control_id=control_id,
        sender=sender,
        type="DOCUMENT",
        kind=Kind.DOCUMENT,
        groups=(Group(name=document.title, observations=(_announced(document),)),),
    )


async def open(stored: Stored, context: Context, *, kit: Any) -> Slip:  # noqa: A001 - the role's name
    """What a ward gets: the sheet that says where it comes from, and the document itself."""
    document = unpack(stored.raw)
    message = message_of(stored.raw, control_id=stored.control_id, sender=stored.sender)
    slip = render(message, context)
    enclosure = Enclosure(
        title=document.title or document.media, media_type=document.media, data=document.data
    )
    return replace(slip, body=(*slip.body, enclosure))


def _announced(document: Document) -> Observation:
    """Its bytes decide what it is, not its sender."""
    found, fault = media_of(document.data[:32].lstrip(b"\xef\xbb\xbf"), document.media)
    title = document.title or document.media
    return Observation(
        code="document",
        name=title,
        value="",
        status=Status.FINAL,
        attachment=Attachment(title=title, media_type=found, size=len(document.data), fault=fault),
    )
