"""Listens for senders, gives each a conversation, and answers them in HL7's words."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorTime
from twisted.internet.protocol import ServerFactory

from gateway.clock import Clock, local
from gateway.errors import Rejected, StoreBroken
from gateway.hl7 import Envelope, ack, peek, wrap
from gateway.inbox import Door
from gateway.intakes.mllp.conversation import Conversation
from gateway.intakes.mllp.patience import Patience
from gateway.intakes.mllp.senders import Senders
from gateway.peers import Peers
from gateway.service import Aside, at_once
from gateway.tls import endpoint

if TYPE_CHECKING:
    from gateway.intakes.mllp import Settings

_log = structlog.get_logger()

#: What all conversations together may hold of frames that have not ended, bytes.
UNFINISHED = 128 * 2**20
#: How long messages in flight may take to be answered when the service stops, seconds.
LAST_WORDS = 3.0


class Inbox(Protocol):
    """The front door, as this way in needs it."""

    def accept(self, raw: bytes, *, door: Door, peer: str) -> Coroutine[Any, Any, object]:
        """Raises Rejected, StoreFull or StoreBroken."""
        ...

    def refuse(
        self, raw: bytes, rejected: Rejected, *, door: Door, peer: str
    ) -> Coroutine[Any, Any, object]: ...


class MllpIntake(Service):
    """One `[[intakes]]` of kind "mllp"."""

    def __init__(
        self,
        settings: Settings,
        *,
        inbox: Inbox,
        reactor: IReactorTime,
        clock: Clock,
        zone: str,
        base: Path,
        on_broken: Callable[[object], None],
        aside: Aside = at_once,
    ) -> None:
        self.reactor = reactor
        self.aside = aside
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._zone = zone
        self._base = base
        self._on_broken = on_broken
        self._door = Door(intake=settings.name, mode=settings.mode, charset=settings.charset)
        self._peers = Peers(settings.allow, per_peer=settings.per_peer, in_all=settings.connections)
        self._senders = Senders(settings.senders)
        self._conversations: dict[Conversation, str] = {}
        self._unfinished = 0
        # MSH-10 of our own answers: unique over restarts, 20 characters at most.
        self._prefix = f"{int(clock.now()):X}."
        self._numbers = count(1)
        self._port: IListeningPort | None = None
        self._empty: Deferred[None] | None = None

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        assert self._port is not None
        return int(getattr(self._port.getHost(), "port", 0))

    @property
    def connections(self) -> int:
        return len(self._conversations)

    def startService(self) -> Deferred[None]:
        """Fails with CannotListenError when the port is taken, OSError when a certificate is not there."""
        super().startService()
        return Deferred.fromCoroutine(self._listen())

    def stopService(self) -> Deferred[None]:
        """Listen no more; answer what came; then close."""
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _listen(self) -> None:
        factory = _Factory(self)
        self._port = await endpoint(self._settings, self.reactor, self._base).listen(factory)

    async def _close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)
        if not self._conversations:
            return
        self._empty = Deferred()
        cut = self.reactor.callLater(LAST_WORDS, self._cut)
        for conversation in tuple(self._conversations):
            conversation.finish()
        await self._empty
        if cut.active():
            cut.cancel()

    def _cut(self) -> None:
        for conversation in tuple(self._conversations):
            conversation.abort()

    def greet(self, host: str) -> Conversation | None:
        """A conversation with `host`, or None when it may not have one."""
        objection = self._peers.objection(host)
        if objection:
            if self._peers.trouble(host, objection):
                _log.warning(
                    "intake.refused_peer", intake=self._door.intake, peer=host, why=objection
                )
            return None
        now = self.reactor.seconds()
        return Conversation(
            self,
            host,
            longest=self._settings.longest,
            at_once=self._settings.at_once,
            patience=Patience(within=self._settings.within, idle=self._settings.idle, now=now),
        )

    # -- role `conversation.Host`

    def accept(self, raw: bytes, peer: str) -> Coroutine[Any, Any, object]:
        if self._settings.senders:
            return self._checked(raw, peer)
        return self._inbox.accept(raw, door=self._door, peer=peer)

    async def _checked(self, raw: bytes, peer: str) -> object:
        """Taken in only if this peer may be who the message says it is from."""
        try:
            self._senders.check(peek(raw), peer)
        except Rejected as why:
            _log.error("alarm", alarm=why.reason, intake=self._door.intake, peer=peer)
            await self.refuse(raw, why, peer)
            raise
        return await self._inbox.accept(raw, door=self._door, peer=peer)

    def refuse(self, raw: bytes, why: Rejected, peer: str) -> Coroutine[Any, Any, object]:
        return self._inbox.refuse(raw, why, door=self._door, peer=peer)

    def answer(self, to: Envelope, code: str, why: Rejected | None = None) -> bytes:
        """The framed acknowledgement, b"" where the sender asked for none."""
        if self._settings.acknowledge == "enhanced":
            code = enhanced(to, code)
        if not code:
            return b""
        now = local(self._clock.now(), self._zone)
        control_id = f"{self._prefix}{next(self._numbers):X}"
        return wrap(ack(to, code, control_id=control_id, now=now, rejected=why))

    def holds(self, more: int) -> bool:
        """Count `more` bytes of unfinished frames; False when that is too much for all together."""
        self._unfinished += more
        return self._unfinished <= UNFINISHED

    def trouble(self, conversation: Conversation, what: str) -> None:
        if self._peers.trouble(conversation.peer, what):
            _log.warning(
                "intake.peer_trouble", intake=self._door.intake, peer=conversation.peer, why=what
            )

    def well(self, conversation: Conversation) -> None:
        if self._peers.well(conversation.peer):
            _log.info("intake.peer_well", intake=self._door.intake, peer=conversation.peer)

    def broken(self, error: StoreBroken) -> None:
        self._on_broken(error)

    def began(self, conversation: Conversation) -> None:
        self._conversations[conversation] = conversation.peer
        self._peers.enter(conversation.peer)

    def ended(self, conversation: Conversation) -> None:
        self._peers.leave(self._conversations.pop(conversation))
        if self._empty is not None and not self._conversations and not self._empty.called:
            self._empty.callback(None)


def enhanced(to: Envelope, code: str) -> str:
    """`code` (AA, AE, AR) as MSH-15 and MSH-16 ask (HL7 v2.5, 2.9.3, table 0155); "" for no answer.

    On disk is what CA means. A sender that fills neither field is in original mode; one that wants no
    accept acknowledgement but an application one gets that.
    """
    if not to.accept_ack and not to.application_ack:
        return code
    positive = code == "AA"
    if _wanted(to.accept_ack, positive=positive):
        return "C" + code[1]
    return code if _wanted(to.application_ack, positive=positive) else ""


def _wanted(condition: str, *, positive: bool) -> bool:
    return condition in ("AL", "SU" if positive else "ER")


class _Factory(ServerFactory):
    """Twisted's way to ask for a conversation."""

    noisy = False

    def __init__(self, intake: MllpIntake) -> None:
        self._intake = intake

    def buildProtocol(self, addr: IAddress | None) -> Conversation | None:
        return self._intake.greet(getattr(addr, "host", "") or "local")
