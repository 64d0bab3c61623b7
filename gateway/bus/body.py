"""What a message body on a bus is: HL7 v2 or FHIR JSON as it stands, a small JSON envelope, or a receipt.

The envelope is a JSON object (docs/reference/envelope.md):

    {"format": "hl7v2", "body": "MSH|^~\\\\&|…", "encoding": "text", "id": "A00040", "sender": "SIL|LABO"}

`format` is "hl7v2" or "fhir"; `body` is a message, a list of HL7 v2 messages, or a FHIR resource as an
object; `encoding` of a text is "text" (the default) or "base64". `id` and `sender` need not be there; where
they are they must be the message's own (MSH-10, or a Bundle's identifier; MSH-3|MSH-4), so that an
envelope with another's letter in it is refused. They name a FHIR resource that does not name itself.

A receipt says that a receiver has a message, or will not take it:

    {"receipt_for": "A00040", "status": "received", "by": "DPI cardiologie", "sender": "SIL|LABO"}

`status` is "received" (the default), "refused" (it never will take it) or "failed" (not now). An HL7 v2
acknowledgement (MSA) is a receipt too.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from gateway.errors import Rejected
from gateway.fhir.text import Number, parse, write
from gateway.hl7 import Batch, peek, read_ack, split
from gateway.hl7.charset import codec_of

_BOM = b"\xef\xbb\xbf"
_MLLP = (b"\x0b", b"\x1c\r", b"\x1c")
_UNSUPPORTED = 200  # table 0357
_LONGEST_NAME = 199  # of MSH-10 (HL7 v2.8, 2.14.9.10): a platform may get it as that
_STATUS = {"received": "AA", "refused": "AR", "failed": "AE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receiver's word on one message."""

    control_id: str
    code: str  # AA: it has it; AR: it never will; AE: not now
    by: str = ""
    sender: str | None = None  # of the message it is for, where the receipt says so
    text: str = ""

    @property
    def positive(self) -> bool:
        return self.code in ("AA", "CA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A FHIR resource or Bundle, to be read whole; under which name and whose, where it says so."""

    raw: bytes
    name: str = ""
    sender: str = ""


def read_body(body: bytes) -> Batch | Resource | Receipt:
    """The HL7 v2 messages in `body`, each to be read and kept on its own, or the FHIR or receipt it is.

    Raises Rejected for what is none of them.
    """
    text = body.removeprefix(_BOM).strip(b" \t\r\n")
    if text.startswith(b"{"):
        return _object(parse(text), text)
    if text.startswith(_MLLP[0]):  # some bridges leave the MLLP frame on
        text = text.removeprefix(_MLLP[0]).removesuffix(_MLLP[1]).removesuffix(_MLLP[2])
        return split(text)
    if not text:
        raise Rejected("empty body", code=100, location="MSH")
    return split(body)


def read_receipt(body: bytes) -> Receipt:
    """The receipt in `body`: JSON, or an HL7 v2 acknowledgement. Raises Rejected for anything else."""
    found = read_body(body)
    if isinstance(found, Receipt):
        return found
    if isinstance(found, Resource):
        raise Rejected("a FHIR resource is no receipt", code=_UNSUPPORTED)
    ack = read_ack(found.messages[0])
    by = peek(found.messages[0]).sender.strip("|")
    return Receipt(control_id=ack.control_id, code="A" + ack.code[1], by=by, text=ack.text)


def _object(found: dict[str, Any], text: bytes) -> Batch | Resource | Receipt:
    if "receipt_for" in found:
        return _receipt(found)
    if "resourceType" in found:
        return _resource(found, text)
    if not all(_is_text(found.get(key, "")) for key in ("id", "sender")):
        raise Rejected("the envelope's id and sender are texts", code=102)
    if found.get("format") == "fhir":
        return _enclosed(found)
    if found.get("format") != "hl7v2":
        said = 'no HL7 v2, no FHIR, and no envelope with "format": "hl7v2" or "fhir"'
        raise Rejected(said, code=_UNSUPPORTED)
    letters = found.get("body")
    letters = letters if isinstance(letters, list) else [letters]
    if not letters:
        raise Rejected("an envelope with nothing in it", code=101)
    batches = [split(_decoded(found, letter)) for letter in letters]
    messages = tuple(message for batch in batches for message in batch.messages)
    _agree(found, messages)
    fault = next((batch.fault for batch in batches if batch.fault is not None), None)
    return Batch(messages=messages, fault=fault)


def _resource(found: dict[str, Any], raw: bytes) -> Resource:
    """A Bundle may bear an identifier, and say in its MessageHeader who sends it."""
    sender = ""
    for entry in _list(found.get("entry"))[:1]:  # a message's header comes first (R4, 2.36.4)
        head = _dict(_dict(entry).get("resource"))
        if head.get("resourceType") == "MessageHeader":
            sender = _word(_dict(head.get("source")).get("name"))
    return Resource(raw=raw, name=_word(_dict(found.get("identifier")).get("value")), sender=sender)


def _enclosed(found: dict[str, Any]) -> Resource:
    """What stands on the envelope names what does not name itself, and else must be true of it."""
    letter = found.get("body")
    if isinstance(letter, list):
        raise Rejected("an envelope holds one FHIR resource: a Bundle holds several", code=102)
    raw = write(letter) if isinstance(letter, dict) else _decoded(found, letter)
    own = _resource(parse(raw), raw)
    name, sender = found.get("id", ""), found.get("sender", "")
    if name and own.name and name != own.name:
        raise Rejected(
            "the envelope's id is not its Bundle's", code=103, location="Bundle.identifier"
        )
    return Resource(raw=raw, name=name or own.name, sender=sender or own.sender)


def _decoded(found: dict[str, Any], letter: object) -> bytes:
    encoding = found.get("encoding", "text")
    decode = _DECODE.get(encoding) if _is_text(encoding) else None
    if decode is None:
        raise Rejected('the envelope\'s "encoding" is "text" or "base64"', code=103)
    return decode(letter)


def _agree(found: dict[str, Any], messages: tuple[bytes, ...]) -> None:
    """What stands on the envelope must be true of every message in it."""
    for message in messages:
        head = peek(message)
        if found.get("id", head.control_id) != head.control_id:
            raise Rejected("the envelope's id is not its message's", code=103, location="MSH-10")
        if found.get("sender", head.sender) != head.sender:
            raise Rejected("the envelope's sender is not its message's", code=103, location="MSH-3")


def _receipt(found: dict[str, Any]) -> Receipt:
    control_id, status = found["receipt_for"], found.get("status", "received")
    words = [found.get(key, "") for key in ("by", "sender", "reason")]
    if not _is_text(control_id) or not control_id or not all(map(_is_text, words)):
        raise Rejected("a receipt's receipt_for, by, sender and reason are texts", code=102)
    if not _is_text(status) or status not in _STATUS:
        raise Rejected('a receipt\'s status is "received", "refused" or "failed"', code=103)
    by, sender, text = words
    return Receipt(
        control_id=control_id, code=_STATUS[status], by=by, sender=sender or None, text=text
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def _word(value: object) -> str:
    """A name of somebody's or something's that fits into a line; "" for anything else."""
    if not isinstance(value, str) or isinstance(value, Number):
        return ""
    return value.strip() if len(value) <= _LONGEST_NAME and value.isprintable() else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(letter: object) -> bytes:
    """A letter written as text, in the bytes that its MSH-18 promises."""
    if not isinstance(letter, str) or isinstance(letter, Number):
        raise Rejected("the envelope's body is a text or a list of texts", code=102)
    codec = codec_of(peek(letter.encode("utf-8", "replace")).charset) or "utf-8"
    try:
        return letter.encode(codec)
    except UnicodeEncodeError:  # the reader looks at the bytes, and finds that they are UTF-8
        return letter.encode("utf-8", "replace")


def _base64(letter: object) -> bytes:
    try:
        return b64decode(letter, validate=True)  # type: ignore[arg-type]  # others: TypeError
    except (binascii.Error, TypeError, ValueError) as error:
        raise Rejected("the envelope's body is not base64", code=102) from error


_DECODE = {"text": _text, "base64": _base64}
