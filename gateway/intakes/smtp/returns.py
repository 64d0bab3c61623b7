"""A mail that was accepted and then kept out by a person: its sender is told once, never left in silence."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

import structlog

from gateway.mail.envelope import Envelope
from gateway.mail.headers import split
from gateway.mail.origin import Grade
from gateway.store import Stored

_log = structlog.get_logger()


class Alarm(Protocol):
    def __call__(self, topic: str, *, subject: str, reason: str) -> Coroutine[Any, Any, None]: ...


class Returns:
    """Who is told what.

    A sender that nothing proves is told nothing: its address may be a stranger's, and whoever kept the
    mail out was asked by a slip. One that is proved gets an answer as a file in `spool`, from where the
    site's mail server takes it; without a spool the laboratory is asked to tell it.
    """

    def __init__(self, *, intake: str, domain: str, spool: Path | None, alarm: Alarm) -> None:
        self._intake = intake
        self._domain = domain
        self._spool = spool
        self._alarm = alarm

    async def kept_out(self, stored: Stored, envelope: Envelope, mail: bytes) -> None:
        """A person did not let this mail be printed."""
        if envelope.grade is Grade.C:
            return
        if self._spool is None:
            await self._alarm(
                "mail undeliverable", subject=envelope.sender, reason=stored.control_id
            )
            return
        write(self._spool / f"{stored.id}.eml", answer(envelope, mail, domain=self._domain))
        _log.info("smtp.returned", intake=self._intake, message=stored.id)


def answer(envelope: Envelope, mail: bytes, *, domain: str) -> bytes:
    """What its sender is told, as a mail: in both languages, without a word of what its mail says."""
    headers, _ = split(mail)
    told = EmailMessage()
    told["From"] = f"Wardline <postmaster@{domain}>"
    told["To"] = envelope.sender
    told["Subject"] = "Courriel non imprimé / Mail not printed"
    told["Auto-Submitted"] = "auto-replied"
    named = headers.text("message-id")
    if named.isascii() and named.isprintable() and 2 < len(named) < 200:
        told["In-Reply-To"] = named
    told.set_content(
        f"Votre courriel {named} pour {envelope.recipient} a été reçu, mais le laboratoire ne l'a pas\n"
        "laissé imprimer. Appelez le service ou le laboratoire.\n\n"
        f"Your mail {named} for {envelope.recipient} was received, but the laboratory did not let it\n"
        "be printed. Call the ward or the laboratory.\n"
    )
    return told.as_bytes()


def write(path: Path, content: bytes) -> None:
    """Once, whole, and on disk: a file that is there already was written for the same mail."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
