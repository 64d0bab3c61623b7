"""POST /api/v1/messages: HL7 v2 as it stands, an envelope around it, or a document for a ward."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from gateway import document
from gateway.bus.body import Receipt, Resource, read_body
from gateway.errors import Rejected
from gateway.fhir import name_of
from gateway.hl7 import peek
from gateway.inbox import LONG, Door
from gateway.intakes.http.answers import Answer, Problem, reply
from gateway.intakes.http.asked import Asked
from gateway.intakes.http.memory import Memory
from gateway.locale import N_
from gateway.message import Message
from gateway.router import Mode
from gateway.service import Aside

T = TypeVar("T")

HL7 = (
    "application/hl7-v2",
    "x-application/hl7-v2+er7",
    "application/hl7-v2+er7",
    "application/edi-hl7",
)
JSON = ("application/json",)
#: Messages of one batch.
MOST = 500
_HEADS = (b"MSH", b"FHS", b"BHS", b"\x0bMSH")


class Accepted(Protocol):
    @property
    def message_id(self) -> int: ...
    @property
    def duplicate(self) -> bool: ...


class Inbox(Protocol):
    """The front door, as this way in needs it. All raise StoreFull or StoreBroken."""

    def accept(self, raw: bytes, *, door: Door, peer: str) -> Coroutine[Any, Any, Accepted]:
        """Raises Rejected as well, which is then on disk."""
        ...

    def take(
        self,
        message: Message,
        raw: bytes,
        *,
        format: str,
        door: Door,
        peer: str,
        wards: tuple[str, ...] | None = None,
    ) -> Coroutine[Any, Any, Accepted]: ...

    def refuse(
        self, raw: bytes, rejected: Rejected, *, door: Door, peer: str
    ) -> Coroutine[Any, Any, object]: ...

    def confirm(
        self, control_id: str, *, sender: str | None, proof: str
    ) -> Coroutine[Any, Any, bool]: ...

    def ward(self, word: str) -> str:
        """The code of the ward that a word means; "" for none of ours."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Takes what is posted. `Problem` says why something is not taken."""

    inbox: Inbox
    door: Door
    memory: Memory
    aside: Aside

    async def post(self, asked: Asked) -> Answer:
        take = self._way(asked)
        said = (asked.media.encode(), repr(sorted(asked.query.items())).encode(), asked.body)
        return await self.memory.once(
            (asked.sender.name, asked.key),
            *said,
            work=lambda: take(asked),
            reused=Problem(422, "key-reused"),
        )

    def wards(self, asked: Asked) -> tuple[str, ...] | None:
        """The wards a sender names itself; None where the message says. Raises Problem (422)."""
        words = list(asked.query.get("ward", ()))
        if not words and "ward" in asked.headers:
            words = [asked.headers["ward"]]
        if not words:
            return None
        codes = tuple(self.inbox.ward(word) for word in words)
        if not all(codes):
            raise Problem(422, "refused", N_("no such ward"), location="ward", code=103)
        return codes

    def _way(self, asked: Asked) -> Callable[[Asked], Coroutine[Any, Any, Answer]]:
        media, body = asked.media, asked.body
        if not body:
            raise Problem(400, "bad-request", N_("empty body"))
        if media in HL7 or (media == "text/plain" and body.lstrip().startswith(_HEADS)):
            asked.may("hl7")
            return self._hl7
        if media in JSON:
            asked.utf8()
            asked.may("hl7")
            return self._hl7
        if media in document.MEDIA:
            asked.may("document")
            return self._document
        accepted = ", ".join((*HL7[:2], *JSON, *document.MEDIA))
        raise Problem(415, "unsupported-type", headers={"Accept-Post": accepted})

    async def _hl7(self, asked: Asked) -> Answer:
        try:
            found = await self.read_beside(partial(read_body, asked.body), asked)
        except Rejected as rejected:
            await self.inbox.refuse(asked.body, rejected, door=self.door, peer=asked.peer)
            raise Problem.of(rejected) from None
        if isinstance(found, Receipt):
            return await self._receipt(found, asked)
        if isinstance(found, Resource):
            raise Problem(422, "refused", N_("FHIR is posted to /fhir"), code=200)
        if not found.messages or len(found.messages) > MOST:
            raise Problem(422, "refused", f"between 1 and {MOST} messages in one request", code=100)
        if found.fault is not None:
            await self.inbox.refuse(asked.body, found.fault, door=self.door, peer=asked.peer)
            raise Problem.of(found.fault)
        for raw in found.messages:
            if peek(raw).sender not in asked.sender.sends_as:
                await self._not_theirs(raw, asked)
        told = [await self._accept(raw, asked) for raw in found.messages]
        if len(told) == 1:
            return _told(told[0])
        refused = [one for one in told if "refused" in one]
        return reply(422 if refused else 200, {"messages": told})

    async def _not_theirs(self, raw: bytes, asked: Asked) -> None:
        """Somebody speaks in another's name: the laboratory is told, nothing is taken."""
        why = Rejected(N_("this token may not send in this name"), code=103, location="MSH-3")
        await self.inbox.refuse(raw, why, door=self.door, peer=asked.peer)
        raise Problem(403, "forbidden", why.reason, location="MSH-3", code=103)

    async def _accept(self, raw: bytes, asked: Asked) -> dict[str, Any]:
        try:
            accepted = await self.inbox.accept(raw, door=self.door, peer=asked.peer)
        except Rejected as rejected:
            return {
                "control_id": peek(raw).control_id,
                "refused": rejected.reason,
                "location": rejected.location,
                "code": rejected.code,
            }
        return {"control_id": peek(raw).control_id, **facts(accepted)}

    async def _receipt(self, receipt: Receipt, asked: Asked) -> Answer:
        if self.door.mode is not Mode.TAP:  # who sends to a ward cannot call its own paper off
            raise Problem(422, "refused", N_("receipts are for an intake in mode tap"), code=200)
        if receipt.sender is not None and receipt.sender not in asked.sender.sends_as:
            raise Problem(403, "forbidden")
        if not receipt.positive:
            return reply(200, {"receipt_for": receipt.control_id, "closed": False})
        closed = await self.inbox.confirm(
            receipt.control_id,
            sender=receipt.sender or asked.sender.own,
            proof=f"receipt {receipt.code} {receipt.by or asked.sender.name}".rstrip(),
        )
        return reply(200, {"receipt_for": receipt.control_id, "closed": closed})

    async def read_beside(self, work: Callable[[], T], asked: Asked) -> T:
        """`work` on what is asked; beside the reactor where that is long."""
        return work() if len(asked.body) <= LONG // 2 else await self.aside(work)

    async def _document(self, asked: Asked) -> Answer:
        wards = self.wards(asked)
        if wards is None:
            raise Problem(422, "refused", N_("a document needs a ward"), location="ward", code=101)
        title = next(iter(asked.query.get("title", ())), "")[:200]
        work = partial(_packed, asked, title, wards)
        raw, message = await self.read_beside(work, asked)
        # A platform cannot be given a page: whatever the mode, it goes to its ward.
        door = replace(self.door, mode=Mode.DIRECT)
        accepted = await self.inbox.take(
            message, raw, format=document.FORMAT, door=door, peer=asked.peer, wards=wards
        )
        return _told({"control_id": message.control_id, **facts(accepted)})


def _packed(asked: Asked, title: str, wards: tuple[str, ...]) -> tuple[bytes, Message]:
    raw = document.pack(asked.body, media=asked.media, title=title)
    named = asked.key.encode() or b"\0".join((raw, *(w.encode() for w in wards)))
    own = asked.sender.own
    return raw, document.message_of(raw, control_id=name_of(named, own), sender=own)


def facts(accepted: Accepted) -> dict[str, Any]:
    """What a sender is told of a message that is on disk."""
    return {"id": accepted.message_id, "duplicate": accepted.duplicate}


def where(message_id: object) -> str:
    return f"/api/v1/messages/{message_id}"


def _told(one: dict[str, Any]) -> Answer:
    """Raises Problem for the one message that was refused."""
    if "refused" in one:
        place = {"location": one["location"]} if one["location"] else {}
        raise Problem(422, "refused", one["refused"], code=one["code"], **place)
    return reply(200 if one["duplicate"] else 201, one, {"Location": where(one["id"])})
