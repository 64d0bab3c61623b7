"""What is done with one whole mail before its sender gets an answer: judged, read, and put on disk."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol

import structlog

from gateway.box import Box, BoxFailed, Why
from gateway.errors import Rejected, StoreBroken, StoreFull
from gateway.inbox import Door
from gateway.intakes.smtp import words
from gateway.intakes.smtp.addresses import Recipient
from gateway.intakes.smtp.pace import Pace
from gateway.intakes.smtp.reading import FORMAT, results
from gateway.intakes.smtp.results import Results
from gateway.locale import N_
from gateway.mail import signature
from gateway.mail.envelope import Envelope
from gateway.mail.headers import Headers, split
from gateway.mail.origin import Grade, Proof, Sender, Verdict, author, judge, listed
from gateway.message import Kind, Message, Priority

_log = structlog.get_logger()

#: Stations a mail may have passed (RFC 5321, 6.3 asks for 100 at least; ours is the last).
HOPS = 100
#: Seconds for looking at the signatures of one mail.
VERIFYING = 5.0


class Accepted(Protocol):
    @property
    def message_id(self) -> int: ...


class Inbox(Protocol):
    """The front door, as this way in needs it; all raise StoreFull or StoreBroken."""

    def accept(
        self, raw: bytes, *, door: Door, peer: str, only: Collection[str] = ()
    ) -> Coroutine[Any, Any, object]: ...

    def refuse(
        self, raw: bytes, rejected: Rejected, *, door: Door, peer: str
    ) -> Coroutine[Any, Any, object]: ...

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
    ) -> Coroutine[Any, Any, Accepted]:
        """Raises Rejected as well."""
        ...


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
        expect: Callable[[int], Awaitable[None]],
    ) -> None:
        """`expect`: told of every mail that waits for a person and holds what is due once it is let in."""
        self._expect = expect
        self._results = Results(inbox, door=door)
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
            sender = verdict.sender
            fault = await self._results.vouched(
                found,
                peer=_peer(posted, verdict),
                wards=sender.wards if sender else (),
            )
            if fault:
                return fault
        message = _message(posted, headers)
        due = verdict.grade is not Grade.C or bool(found)
        return [
            await self._put(posted, recipient, verdict=verdict, message=message, due=due)
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

    async def _read(self, mail: bytes) -> tuple[bytes, ...]:
        """The HL7 in it; none when it cannot be read: then its paper says so."""
        try:
            found = await results(self._box, mail)
        except BoxFailed as failed:
            if failed.why in (Why.BUSY, Why.STOPPED):
                raise
            _log.warning("smtp.unreadable", intake=self._door.intake, why=str(failed.why))
            return ()
        if found is None:
            _log.warning("smtp.unreadable", intake=self._door.intake, why="no answer")
        return found or ()

    async def _put(
        self, posted: Posted, recipient: Recipient, *, verdict: Verdict, message: Message, due: bool
    ) -> str:
        """The answer for one recipient. `due`: what a person decides of it has consequences."""
        held = _why_held(verdict, recipient)
        try:
            taken = await self._take(posted, recipient, verdict=verdict, message=message, held=held)
        except Rejected as rejected:
            return f"550 5.6.0 {words.ascii_only(rejected.reason)}"
        if held and due:
            await self._expect(taken.message_id)
        return words.HELD if held else words.TAKEN

    async def _take(
        self, posted: Posted, recipient: Recipient, *, verdict: Verdict, message: Message, held: str
    ) -> Accepted:
        """A copy for each recipient: handed in for one more ward, the same mail is not the same to us."""
        envelope = Envelope(
            sender=posted.mail_from,
            recipient=recipient.address,
            grade=verdict.grade,
            grounds=verdict.grounds,
            proof=verdict.proof,
        )
        return await self._inbox.take(
            _addressed(message, recipient),
            envelope.seal(posted.mail),
            format=FORMAT,
            door=self._door,
            peer=_peer(posted, verdict),
            wards=(recipient.ward,),
            held=held,
        )


def _peer(posted: Posted, verdict: Verdict) -> str:
    """Its address, and behind it what proved who it is; that alone where nothing did."""
    return f"{posted.peer} {verdict.proof}".rstrip()


def _why_held(verdict: Verdict, recipient: Recipient) -> str:
    if verdict.grade is Grade.C:
        return verdict.grounds
    sender = verdict.sender
    if sender is not None and sender.wards and recipient.ward not in sender.wards:
        return N_("its sender may not print in this ward")
    return ""


def _message(posted: Posted, headers: Headers) -> Message:
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
