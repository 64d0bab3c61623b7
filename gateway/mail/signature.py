"""Whether a mail's DKIM signature (RFC 6376) holds. Runs in a box of its own that opens no documents.

In a box because the canonical form of a long run of blanks takes quadratic time; in its own because a
child that a document has taken over must not say who sent the next mail.
"""

from __future__ import annotations

import json
import re

import dkim

from gateway.mail.headers import split

#: Signatures looked at: a stranger decides how many there are.
SIGNATURES = 4

#: What a reader sees or a program goes by: each must stand there once at most, and be signed.
_SHOWN = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "content-type",
    "content-transfer-encoding",
)
_TAG = re.compile(r"(?:\A|;)\s*([a-z]+)\s*=\s*([^;]*)")


def pack(mail: bytes, keys: dict[str, str]) -> bytes:
    """What `verify` takes: `keys` are TXT records by name, "2026._domainkey.chu.example"."""
    return json.dumps(keys).encode("ascii") + b"\n" + mail


def verify(payload: bytes) -> bytes:
    """The domains (JSON list) whose signature over all that is shown of the mail holds."""
    line, _, mail = payload.partition(b"\n")
    keys = {name.lower().rstrip("."): text.encode() for name, text in json.loads(line).items()}
    headers, _ = split(mail)
    present = [name for name in _SHOWN if headers.all(name)]
    if any(len(headers.all(name)) > 1 for name in present):
        return b"[]"
    domains = []
    for index, value in enumerate(headers.all("dkim-signature")[:SIGNATURES]):
        tags = dict(_TAG.findall(value.decode("ascii", "replace")))
        signed = {word.strip().lower() for word in tags.get("h", "").split(":")}
        if "l" in tags or not signed.issuperset(present):  # l: text could be put below the signed
            continue
        if _holds(mail, index, keys):
            domains.append(re.sub(r"\s", "", tags.get("d", "")).lower())
    return json.dumps(domains).encode("ascii")


def _holds(mail: bytes, index: int, keys: dict[str, bytes]) -> bool:
    def key(name: bytes, timeout: int = 0) -> bytes | None:
        return keys.get(name.decode("ascii", "replace").lower().rstrip("."))

    try:
        return bool(dkim.DKIM(mail, minkey=1024).verify(idx=index, dnsfunc=key))
    except Exception:  # noqa: BLE001 - the library raises what it likes for what it cannot read
        return False
