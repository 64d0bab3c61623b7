"""Documents carried inside OBX-5 (ED, chapter 2.A.24): measured, never kept decoded."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

from gateway.hl7.syntax import Syntax
from gateway.message import Attachment

_CHUNK = 2**16  # characters of base64 decoded at a time: a multiple of four
_PDF = "JVBERi0"  # "%PDF-" in base64: some labs send it as plain text (OBX-2 TX or ST)

# What a document is shows in its first bytes; what the sender calls it often does not.
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"{\\rtf", "application/rtf"),
    (b"PK\x03\x04", "application/zip"),
    (b"<?xml", "text/xml"),
    (b"<ClinicalDocument", "text/xml"),
)
_TOLD_BY_MAGIC = frozenset(media for _, media in _MAGIC) - {"text/xml"}
_SUBTYPES = {
    "PDF": "application/pdf",
    "RTF": "application/rtf",
    "JPEG": "image/jpeg",
    "JPG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "TIF": "image/tiff",
}


class Unreadable(ValueError):
    """The document's bytes cannot be recovered; says why."""


def is_document(kind: str, raw: str) -> bool:
    """Whether an OBX-5 of type `kind` holds a document rather than a value."""
    return (kind == "ED" and raw not in ("", '""')) or (raw.startswith(_PDF) and len(raw) > 64)


def attachment_of(raw: str, title: str, syntax: Syntax) -> Attachment:
    """What one repetition of OBX-5 carries; `fault` says why it cannot be read."""
    data, encoding, declared = _parts(raw, syntax)
    size, head = 0, b""
    try:
        for chunk in _decoded(data, encoding, syntax):
            head = head or chunk[:32]
            size += len(chunk)
    except Unreadable as error:
        return Attachment(title=title, media_type="", size=0, fault=str(error))
    if not size:
        return Attachment(title=title, media_type="", size=0, fault="empty")
    media, fault = media_of(head.lstrip(b"\xef\xbb\xbf"), declared)
    return Attachment(title=title, media_type=media, size=size, fault=fault)


def bytes_of(raw: str, syntax: Syntax) -> bytes:
    """The document itself. Raises `Unreadable`."""
    data, encoding, _ = _parts(raw, syntax)
    return b"".join(_decoded(data, encoding, syntax))


def _parts(raw: str, syntax: Syntax) -> tuple[str, str, str]:
    """Data, encoding (HEX, A, else base64) and declared media type of an ED."""
    parts = raw.split(syntax.component)
    if len(parts) == 1:
        return syntax.text(raw), "BASE64", ""
    kind, subtype = syntax.part(parts, 2), syntax.part(parts, 3)
    encoding = syntax.part(parts, 4).upper()
    data = syntax.text(parts[4]) if len(parts) > 4 else ""
    return data, encoding, _declared(kind, subtype)


def _declared(kind: str, subtype: str) -> str:
    known = _SUBTYPES.get(subtype.upper()) or _SUBTYPES.get(kind.upper())
    if known:
        return known
    return f"{kind}/{subtype}".lower() if kind and subtype else ""


def media_of(head: bytes, declared: str) -> tuple[str, str]:
    for magic, media in _MAGIC:
        if head.startswith(magic):
            return media, ""
    if declared in _TOLD_BY_MAGIC:
        return "", f"not what it is said to be ({declared})"
    return declared, ""


def _decoded(data: str, encoding: str, syntax: Syntax) -> Iterator[bytes]:
    """The document in pieces: a 12 MB PDF must not stand in memory a second time."""
    if encoding == "A":
        yield data.encode(syntax.codec, "replace")
        return
    if not data.isascii():
        raise Unreadable(f"bad {'hex' if encoding == 'HEX' else 'base64'}")
    if any(blank in data for blank in "\r\n\t "):
        data = "".join(data.split())
    if encoding == "HEX":
        try:
            yield bytes.fromhex(data)
        except ValueError:
            raise Unreadable("bad hex") from None
        return
    if "=" not in data[-2:]:
        data += "=" * (-len(data) % 4)  # some encoders leave the padding out
    for at in range(0, len(data), _CHUNK):
        try:
            yield binascii.a2b_base64(data[at : at + _CHUNK], strict_mode=True)
        except ValueError:
            raise Unreadable("bad base64") from None
