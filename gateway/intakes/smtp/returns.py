"""A mail that was accepted and then kept out by a person: its sender is told once, never left in silence."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

import structlog
from twisted.internet.defer import Deferred

from gateway.clock import Clock
from gateway.delivery import Delivery, Purpose, State
from gateway.intakes.smtp.reception import FORMAT
from gateway.mail.envelope import Envelope, unseal
from gateway.mail.headers import split
from gateway.mail.origin import Grade
from gateway.store import Fate, Stored

_log = structlog.get_logger()

#: How often what waits for a person is looked at, seconds.
EVERY = 3.0


class Store(Protocol):
    """The store, as far as returns need it."""

    def quarantined(self, *, limit: int = 500) -> Deferred[list[Delivery]]: ...
    def content(self, message_id: int) -> Deferred[Stored]: ...
    def fates(self, message_id: int) -> Deferred[list[Fate]]: ...
    def remember(self, name: str, value: Any, *, at: float) -> Deferred[None]: ...
    def recall(self, prefix: str) -> Deferred[dict[str, dict[str, Any]]]: ...


class Alarm(Protocol):
    def __call__(self, topic: str, *, subject: str, reason: str) -> Coroutine[Any, Any, None]: ...


class Returns:
    """Knows which mails of an intake wait for a person, over restarts, and sees what becomes of them.

    A sender that nothing proves is told nothing: its address may be a stranger's, and whoever kept the
    mail out was asked by a slip. One that is proved gets an answer as a file in `spool`, from where the
    site's mail server takes it; without a spool the laboratory is asked to tell it.
    """

    def __init__(
        self,
        store: Store,
        *,
        intake: str,
        domain: str,
        spool: Path | None,
        alarm: Alarm,
        clock: Clock,
    ) -> None:
        self._store = store
        self._intake = intake
        self._domain = domain
        self._spool = spool
        self._alarm = alarm
        self._clock = clock
        self._name = f"mail waits {intake}"
        self._waiting: set[int] | None = None  # None until it has been recalled

    async def look(self) -> None:
        if self._waiting is None:
            known = await self._store.recall(self._name)
            self._waiting = set(known.get(self._name, {}).get("messages", ()))
        now = {delivery.message_id for delivery in await self._store.quarantined()}
        gone = sorted(self._waiting - now)
        for message_id in gone:
            await self._gone(message_id)
        if now != self._waiting:
            self._waiting = now
            kept = {"messages": sorted(now)}
            await self._store.remember(self._name, kept, at=self._clock.now())

    async def _gone(self, message_id: int) -> None:
        stored = await self._store.content(message_id)
        if (stored.format, stored.intake) != (FORMAT, self._intake):
            return
        fates = await self._store.fates(message_id)
        if not any(_kept_out(fate.delivery) for fate in fates):
            return
        envelope, mail = unseal(stored.raw)
        if envelope.grade is Grade.C:
            return
        if self._spool is None:
            await self._alarm(
                "mail undeliverable", subject=envelope.sender, reason=stored.control_id
            )
            return
        write(self._spool / f"{message_id}.eml", answer(envelope, mail, domain=self._domain))
        _log.info("smtp.returned", intake=self._intake, message=message_id)


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


def _kept_out(delivery: Delivery) -> bool:
    return delivery.purpose is Purpose.WARD and delivery.state is State.REFUSED
