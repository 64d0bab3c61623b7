"""What a message body on a bus is: HL7 v2 as it stands, a small JSON envelope, or a receipt.

The envelope is a JSON object (docs/reference/envelope.md):

    {"format": "hl7v2", "body": "MSH|^~\\\\&|…", "encoding": "text", "id": "A00040", "sender": "SIL|LABO"}

`body` is a message, or a list of messages; `encoding` is "text" (the default) or "base64". `id` and
`sender` need not be there; where they are they must be the message's own (MSH-10; MSH-3|MSH-4), so that
an envelope with another's letter in it is refused.

A receipt says that a receiver has a message, or will not take it:

    {"receipt_for": "A00040", "status": "received", "by": "DPI cardiologie", "sender": "SIL|LABO"}

`status` is "received" (the default), "refused" (it never will take it) or "failed" (not now). An HL7 v2
acknowledgement (MSA) is a receipt too.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from gateway.errors import Rejected
from gateway.hl7 import Batch, peek, read_ack, split
from gateway.hl7.charset import codec_of

_BOM = b"\xef\xbb\xbf"
_MLLP = (b"\x0b", b"\x1c\r", b"\x1c")
_UNSUPPORTED = 200  # table 0357
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


def read_body(body: bytes) -> Batch | Receipt:
    """The HL7 v2 messages in `body`, each to be read and kept on its own, or the receipt it is.

    Raises Rejected for what is neither.
    """
    text = body.removeprefix(_BOM).strip(b" \t\r\n")
    if text.startswith(b"{"):
        return _object(_json(text))
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
    ack = read_ack(found.messages[0])
    by = peek(found.messages[0]).sender.strip("|")
    return Receipt(control_id=ack.control_id, code="A" + ack.code[1], by=by, text=ack.text)


def _object(found: dict[str, Any]) -> Batch | Receipt:
    if "receipt_for" in found:
        return _receipt(found)
    if "resourceType" in found:
        raise Rejected("FHIR on a bus is not read: send HL7 v2", code=_UNSUPPORTED)
    if found.get("format") != "hl7v2":
        raise Rejected('neither HL7 v2 nor an envelope with "format": "hl7v2"', code=_UNSUPPORTED)
    letters = found.get("body")
    letters = letters if isinstance(letters, list) else [letters]
    encoding = found.get("encoding", "text")
    decode = _DECODE.get(encoding) if _is_text(encoding) else None
    if decode is None:
        raise Rejected('the envelope\'s "encoding" is "text" or "base64"', code=103)
    batches = [split(decode(letter)) for letter in letters]
    messages = tuple(message for batch in batches for message in batch.messages)
    _agree(found, messages)
    fault = next((batch.fault for batch in batches if batch.fault is not None), None)
    return Batch(messages=messages, fault=fault)


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
    if not isinstance(control_id, str) or not control_id or not all(map(_is_text, words)):
        raise Rejected("a receipt's receipt_for, by, sender and reason are texts", code=102)
    if not _is_text(status) or status not in _STATUS:
        raise Rejected('a receipt\'s status is "received", "refused" or "failed"', code=103)
    by, sender, text = words
    return Receipt(
        control_id=control_id, code=_STATUS[status], by=by, sender=sender or None, text=text
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _text(letter: object) -> bytes:
    """A letter written as text, in the bytes that its MSH-18 promises."""
    if not isinstance(letter, str):
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


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise Rejected("JSON nested too deep", code=100) from None
    except ValueError as error:
        raise Rejected(f"not JSON: {_place(error)}", code=100) from None
    if not isinstance(found, dict):
        raise Rejected("not a JSON object", code=100)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two keys of one name: two readers would see two different messages."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _place(error: ValueError) -> str:
    """Where and what, without quoting the body."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return "a key comes twice" if str(error) == "a key comes twice" else "unreadable"
