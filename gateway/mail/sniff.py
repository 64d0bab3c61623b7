"""What an attachment is, by its first bytes: its name and its declared type are only its sender's word."""

from __future__ import annotations

import re

from gateway.locale import N_

PDF, PNG, JPEG, TIFF = "application/pdf", "image/png", "image/jpeg", "image/tiff"
TEXT, HTML, HL7 = "text/plain", "text/html", "application/hl7-v2"

_PRINTED = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
)

#: First bytes of what is never opened, and what it is called.
_CLOSED = (
    (b"\x78\x9f\x3e\x22", N_("Outlook package (TNEF)")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", N_("Office document")),
    (b"{\\rtf", N_("Office document")),
    (b"PK\x03\x04", N_("Office document or archive")),
    (b"PK\x05\x06", N_("archive")),
    (b"\x1f\x8b", N_("archive")),
    (b"BZh", N_("archive")),
    (b"7z\xbc\xaf\x27\x1c", N_("archive")),
    (b"Rar!\x1a\x07", N_("archive")),
    (b"\xfd7zXZ\x00", N_("archive")),
    (b"MZ", N_("program")),
    (b"\x7fELF", N_("program")),
    (b"GIF8", N_("picture of another kind")),
    (b"BM", N_("picture of another kind")),
)

_TEXTS = ("text/", "message/", "application/pgp-signature", "multipart/")
_HL7 = re.compile(rb"(?:\xef\xbb\xbf)?[\x0b\s]*(?:MSH|FHS|BHS)[|^~&!#$%*+/:;<=>@\\-]")


def is_hl7(data: bytes) -> bool:
    return _HL7.match(data[:256]) is not None


def sniff(data: bytes, declared: str, *, name: str = "", charset: str = "") -> tuple[str, str]:
    """(media type, ""), or ("", what it is) for what is not opened."""
    if is_hl7(data):
        return HL7, ""
    if b"%PDF-" in data[:1024]:
        return PDF, ""
    for first, kind in _PRINTED:
        if data.startswith(first):
            return kind, ""
    for first, word in _CLOSED:
        if data.startswith(first):
            return "", word
    text = declared.startswith(_TEXTS) and declared != "text/rtf"
    if (text or name.lower().endswith(".txt")) and _texty(data, wide="16" in charset):
        return (HTML if declared == HTML else TEXT), ""
    return "", declared or N_("unknown")


def _texty(data: bytes, *, wide: bool) -> bool:
    """A few NULs are dirt in a text; in UTF-16 every other byte may be one."""
    head = data[:4096]
    return head.count(0) * (2 if wide else 10) <= max(len(head), 80)
