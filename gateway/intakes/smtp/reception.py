"""What is done with one whole mail before its sender gets an answer: judged, read, and put on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol

import structlog

from gateway.box import Box, BoxFailed, Why
from gateway.errors import Rejected, StoreBroken, StoreFull
from gateway.hl7 import split as messages_of
from gateway.inbox import Door
from gateway.intakes.smtp import words
from gateway.intakes.smtp.addresses import Recipient
from gateway.intakes.smtp.pace import Pace
from gateway.locale import N_
from gateway.mail import letter, signature
from gateway.mail.envelope import Envelope
from gateway.mail.headers import Headers, split
from gateway.mail.letter import Letter
from gateway.mail.origin import Grade, Proof, Sender, Verdict, author, judge, listed
from gateway.message import Kind, Message, Priority

_log = structlog.get_logger()

FORMAT = "mail"

#: Stations a mail may have passed (RFC 5321, 6.3 asks for 100 at least; ours is the last).
HOPS = 100
#: Seconds for reading one mail, and for looking at its signatures.
READING, VERIFYING = 10.0, 5.0


class Inbox(Protocol):
    """The front door, as this way in needs it; both raise Rejected, StoreFull or StoreBroken."""

    def accept(self, raw: bytes, *, door: Door, peer: str) -> Coroutine[Any, Any, object]: ...

    def take(
        self,
        message: Message,
        raw: bytes,
        *,
        format: str,
        door: Door,
        peer: str,
        wards: tuple[str, ...] | None = None,
        held: str = "",
    ) -> Coroutine[Any, Any, object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A mail as it was handed in."""

    mail: bytes
    mail_from: str
    recipients: tuple[Recipient, ...]
    peer: str
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the site asks of mail."""

    senders: tuple[Sender, ...]
    keys: Mapping[str, str]  # DKIM: TXT records by name
    hold: bool  # what nothing vouches for waits for a person; False: it is refused
    unverified_per_hour: int
    per_hour: int
    bytes_per_hour: int
    size: int


class Reception:
    """Takes whole mails in. `receive` answers once what it answers for is on disk."""

    def __init__(
        self,
        inbox: Inbox,
        *,
        door: Door,
        rules: Rules,
        box: Box,
        signatures: Box | None,
        pace: Pace,
        on_broken: Callable[[object], None],
    ) -> None:
        self._inbox = inbox
        self._door = door
        self._rules = rules
        self._box = box
        self._signatures = signatures
        self._pace = pace
        self._on_broken = on_broken

    def objection(self, peer: str, mail_from: str, size: int) -> str:
        """Why this sender may hand in no mail of `size` bytes now; "" when it may."""
        rules, sender = self._rules, listed(self._rules.senders, mail_from)
        longest = min(rules.size, sender.size or rules.size) if sender else rules.size
        if size > longest:
            return words.TOO_LONG.format(limit=longest)
        who = f"{peer} {mail_from.lower()}"
        if self._pace.count(who) >= ((sender and sender.per_hour) or rules.per_hour):
            return words.TOO_FAST
        if self._pace.size(who) + size > rules.bytes_per_hour:
            return words.TOO_MUCH
        return ""

    async def receive(self, posted: Posted) -> Sequence[str]:
        """One answer for each recipient."""
        try:
            answers = await self._receive(posted)
        except StoreFull:
            answers = words.NO_ROOM
        except StoreBroken as broken:
            self._on_broken(broken)
            answers = words.INTERNAL
        except Exception as error:  # noqa: BLE001 - its text may hold a patient's mail
            _log.error("smtp.failed", intake=self._door.intake, error=type(error).__name__)
            answers = words.INTERNAL
        return [answers] * len(posted.recipients) if isinstance(answers, str) else answers

    async def _receive(self, posted: Posted) -> str | Sequence[str]:
        headers, _ = split(posted.mail)
        if not headers.whole:
            return words.LONG_HEADER
        if len(headers.all("received")) > HOPS:
            return words.LOOP
        objection = self.objection(posted.peer, posted.mail_from, len(posted.mail))
        if objection:
            return objection
        try:
            verdict = await self._judge(posted, headers)
            refused = self._refused(posted, verdict)
            if refused:
                return refused
            found = await self._read(posted.mail)
        except BoxFailed:  # only where it was not even begun: nobody's fault, so it may come again
            return words.BUSY
        self._pace.add(f"{posted.peer} {posted.mail_from.lower()}", len(posted.mail))
        if verdict.grade is not Grade.C:
            fault = await self._results(posted, found)
            if fault:
                return fault
        message = _message(posted, headers, found)
        return [
            await self._take(posted, recipient, verdict=verdict, message=message)
            for recipient in posted.recipients
        ]

    async def _judge(self, posted: Posted, headers: Headers) -> Verdict:
        facts: dict[str, Any] = {"author": author(headers), "mail_from": posted.mail_from}
        verdict = judge(self._rules.senders, proof=posted.proof, **facts)
        hopeless = verdict.sender is None or not headers.all("dkim-signature")
        if verdict.grade is Grade.A or hopeless or self._signatures is None:
            return verdict
        payload = signature.pack(posted.mail, dict(self._rules.keys))
        try:
            signed = json.loads(
                await self._signatures.call(
                    "gateway.mail.signature:verify", payload, timeout=VERIFYING
                )
            )
        except BoxFailed as failed:
            if failed.why in (Why.BUSY, Why.STOPPED):
                raise
            _log.warning("smtp.signature", intake=self._door.intake, why=str(failed.why))
            return verdict
        for domain in signed:
            better = judge(self._rules.senders, proof=posted.proof, signed=domain, **facts)
            if better.grade is Grade.B:
                return better
        return verdict

    def _refused(self, posted: Posted, verdict: Verdict) -> str:
        """What nothing vouches for waits for a person, who has only so much time."""
        if verdict.grade is not Grade.C:
            return ""
        if not self._rules.hold:
            return words.UNKNOWN.format(why=verdict.grounds)
        who = f"unverified {posted.peer}"
        if self._pace.count(who) >= self._rules.unverified_per_hour:
            return words.UNKNOWN_FLOOD
        self._pace.add(who, 0)
        return ""

    async def _read(self, mail: bytes) -> Letter | None:
        """The mail, or None when it cannot be read: then its paper says so."""
        try:
            return letter.load(
                await self._box.call("gateway.mail.reading:read", mail, timeout=READING)
            )
        except BoxFailed as failed:
            if failed.why in (Why.BUSY, Why.STOPPED):
                raise
            _log.warning("smtp.unreadable", intake=self._door.intake, why=str(failed.why))
        except ValueError:
            _log.warning("smtp.unreadable", intake=self._door.intake, why="no letter")
        return None

    async def _results(self, posted: Posted, found: Letter | None) -> str:
        """HL7 messages go in as HL7 does; the answer when one of them is refused."""
        files = [messages_of(file) for file in (found.hl7 if found else ())]
        for file in files:
            if file.fault is not None:
                return words.BAD_HL7.format(number="file", why=words.ascii_only(file.fault.reason))
        for number, raw in enumerate((m for file in files for m in file.messages), 1):
            try:
                await self._inbox.accept(raw, door=self._door, peer=posted.peer)
            except Rejected as rejected:
                why = words.ascii_only(f"{rejected.location} {rejected.reason}".strip())
                return words.BAD_HL7.format(number=number, why=why)
        return ""

    async def _take(
        self, posted: Posted, recipient: Recipient, *, verdict: Verdict, message: Message
    ) -> str:
        """A copy for each recipient: handed in for one more ward, the same mail is not the same to us."""
        envelope = Envelope(
            sender=posted.mail_from,
            recipient=recipient.address,
            grade=verdict.grade,
            grounds=verdict.grounds,
            proof=verdict.proof,
        )
        held = _why_held(verdict, recipient)
        try:
            await self._inbox.take(
                _addressed(message, recipient),
                envelope.seal(posted.mail),
                format=FORMAT,
                door=self._door,
                peer=posted.peer,
                wards=(recipient.ward,),
                held=held,
            )
        except Rejected as rejected:
            return f"550 5.6.0 {words.ascii_only(rejected.reason)}"
        return words.HELD if held else words.TAKEN


def _why_held(verdict: Verdict, recipient: Recipient) -> str:
    if verdict.grade is Grade.C:
        return verdict.grounds
    sender = verdict.sender
    if sender is not None and sender.wards and recipient.ward not in sender.wards:
        return N_("its sender may not print in this ward")
    return ""


def _message(posted: Posted, headers: Headers, found: Letter | None) -> Message:
    named = headers.text("message-id").strip("<> ")
    if not 0 < len(named) <= 150 or not named.isascii():
        named = sha256(posted.mail).hexdigest()[:32]
    return Message(
        control_id=named,
        sender=f"mail|{posted.mail_from.lower()}",
        type="MAIL",
        kind=Kind.DOCUMENT,
        priority=_priority(headers),
        sent_at=headers.text("date")[:40],
    )


def _addressed(message: Message, recipient: Recipient) -> Message:
    return replace(message, control_id=f"{message.control_id} {recipient.ward}")


def _priority(headers: Headers) -> Priority:
    high = headers.text("importance").lower() == "high"
    return (
        Priority.URGENT
        if high or headers.text("x-priority")[:1] in ("1", "2")
        else Priority.ROUTINE
    )
