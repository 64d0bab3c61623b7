"""What the service itself knows of a mail, kept in one line before the bytes that came."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from gateway.mail.origin import Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who handed in a mail, for whom, and how sure we are of its sender.

    Nothing in it changes when a sender hands in the same mail again: it is part of what is compared.
    """

    sender: str  # MAIL FROM
    recipient: str  # RCPT TO: the one that this copy is for
    grade: Grade
    grounds: str  # what the grade rests on (English, in `gateway/locale`)
    proof: str = ""  # the name in it: of a login, a certificate, a signing domain

    def seal(self, mail: bytes) -> bytes:
        return json.dumps(asdict(self)).encode("ascii") + b"\n" + mail


def unseal(raw: bytes) -> tuple[Envelope, bytes]:
    """What `seal` put together. Raises ValueError for anything else."""
    line, found, mail = raw.partition(b"\n")
    if not found:
        raise ValueError("no envelope")
    try:
        known = json.loads(line)
        return Envelope(**{**known, "grade": Grade(known["grade"])}), mail
    except (TypeError, KeyError) as error:
        raise ValueError("no envelope") from error
