"""How a stored message is opened again: as a message to render, or as a document with a slip of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway import registry
from gateway.errors import PermanentFailure, Rejected
from gateway.hl7 import Limits, Unreadable, extract
from gateway.hl7 import read as read_hl7
from gateway.message import Message
from gateway.render import Context
from gateway.store import Stored
from printers.slip import Enclosure, Slip

#: Documents of one message that are printed.
ENCLOSED = 10
#: Media types of a document that paper can show.
PRINTABLE = ("application/pdf", "image/png", "image/jpeg", "image/tiff", "text/plain")
HL7, NOTICE = "hl7v2", "notice"
#: A record of who received what, as it goes to the platform (`gateway.platform.record`).
RECORD = "record"


class Box(Protocol):
    """Untrusted work in a process of its own (`gateway.box`)."""

    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes:
        """What `function` ("module:name", bytes to bytes) makes of `payload`. Raises BoxFailed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What opening a document may need."""

    reactor: Any
    box: Box | None = None
    limits: Limits = field(default_factory=Limits)


class Formats:
    """Every format that is plugged in; a module is imported when its first message is opened."""

    def __init__(
        self,
        *,
        kit: Kit,
        charsets: Mapping[str, str] | None = None,
        registered: Mapping[str, str] = registry.FORMATS,
    ) -> None:
        """`charsets`: what each intake's senders mean when a message does not say, by intake."""
        self._kit = kit
        self._charsets = charsets or {}
        self._registered = registered

    def read(self, stored: Stored) -> Message:
        """The message in `stored`, as it was read at first. Raises Rejected: purged, or no message."""
        if stored.format == HL7:
            charset = self._charsets.get(stored.intake, "utf-8")
            return read_hl7(stored.raw, default_charset=charset, limits=self._kit.limits)
        module = self._module(stored.format)
        if module is None or not hasattr(module, "read"):
            raise Rejected(f"a {stored.format} holds no values to read")
        message: Message = module.read(stored, limits=self._kit.limits)
        return message

    def enclosed(self, stored: Stored, message: Message) -> tuple[Enclosure, ...]:
        """The documents that came with `message`, as far as paper can show them; what it cannot is
        announced among its values all the same."""
        announced = [o.attachment for g in message.groups for o in g.observations if o.attachment]
        announced = announced[:ENCLOSED]
        return tuple(
            Enclosure(title=each.title or each.media_type, media_type=each.media_type, data=data)
            for each, data in zip(announced, self._documents(stored, len(announced)), strict=False)
            if data and not each.fault and each.media_type in PRINTABLE
        )

    def hl7(self, stored: Stored) -> bytes:
        """What the platform, which speaks HL7 v2, is given: the bytes that came, or what they say.

        Raises PermanentFailure for what has no such form: it goes on by paper alone.
        """
        if stored.format in (HL7, NOTICE, RECORD):
            return stored.raw
        module = self._module(stored.format)
        if module is None or not hasattr(module, "hl7"):
            raise PermanentFailure(f"the platform takes HL7 v2: this is a {stored.format}")
        written: bytes = module.hl7(stored)
        return written

    def _documents(self, stored: Stored, count: int) -> Sequence[bytes]:
        """The bytes of each attachment its message announces, in that order; b"" for what is broken."""
        if stored.format == HL7:
            return [self._extracted(stored, index) for index in range(count)]
        module = self._module(stored.format)
        return module.documents(stored) if hasattr(module, "documents") else ()

    def _extracted(self, stored: Stored, index: int) -> bytes:
        charset = self._charsets.get(stored.intake, "utf-8")
        try:
            return extract(stored.raw, index, default_charset=charset)
        except Unreadable:
            return b""

    def document(self, stored: Stored) -> bool:
        """Whether it is a document: it makes its own slip."""
        return stored.format != HL7 and hasattr(self._module(stored.format), "open")

    async def open(self, stored: Stored, context: Context) -> Slip:
        slip: Slip = await self._module(stored.format).open(stored, context, kit=self._kit)
        return slip

    def _module(self, format: str) -> Any:
        return registry.load(self._registered, format) if format in self._registered else None
