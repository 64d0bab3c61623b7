"""Listens for senders of mail in the reactor's own loop, and gives each a conversation."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError

from gateway.box import Box
from gateway.bridge import from_asyncio, to_asyncio
from gateway.clock import Clock
from gateway.directory import Directory
from gateway.inbox import Door
from gateway.intakes.smtp import smarthost, tls, users, words
from gateway.intakes.smtp.addresses import Book
from gateway.intakes.smtp.conversation import Conversation, LmtpConversation
from gateway.intakes.smtp.hooks import Hooks
from gateway.intakes.smtp.pace import Pace
from gateway.intakes.smtp.reception import Inbox, Posted, Reception, Rules
from gateway.intakes.smtp.results import Results
from gateway.intakes.smtp.returns import Alarm, Returns
from gateway.intakes.smtp.smarthost import Smarthost
from gateway.intakes.smtp.waiting import EVERY, Store, Waiting
from gateway.mail.origin import Proof
from gateway.peers import Peers
from gateway.poller import Repeat
from gateway.service import in_thread

if TYPE_CHECKING:
    from gateway.intakes.smtp import Settings

_log = structlog.get_logger()

#: What all conversations together may hold of mails that have not ended, bytes.
UNFINISHED = 128 * 2**20
#: How long mails in flight may take to be answered when the service stops, seconds.
LAST_WORDS = 3.0

_LISTEN = re.compile(r"tcp6?:(\d{1,5})(?::interface=(\S+))?")


class SmtpIntake(Service):
    """One `[[intakes]]` of kind "smtp" or "lmtp"; the role `conversation.Host`."""

    def __init__(
        self,
        settings: Settings,
        *,
        inbox: Inbox,
        reactor: Any,
        clock: Clock,
        base: Path,
        on_broken: Callable[[object], None],
        directory: Directory,
        box: Box,
        store: Store | None = None,
        alarms: Alarm | None = None,
    ) -> None:
        self._store = store
        self._alarms = alarms
        self._waiting: Waiting | None = None
        self._looking: list[Repeat] = []
        self._settings = settings
        self._inbox = inbox
        self._reactor = reactor
        self._clock = clock
        self._base = base
        self._on_broken = on_broken
        self._directory = directory
        self._box = box
        self._door = Door(intake=settings.name, mode=settings.mode)
        self._peers = Peers(settings.allow, per_peer=settings.per_peer, in_all=settings.connections)
        self._conversations: set[Conversation] = set()
        self._unfinished = 0
        self._server: asyncio.Server | None = None
        self._empty: Deferred[None] | None = None
        self._signatures: Box | None = None
        self._lmtp = settings.kind == "lmtp"
        self.hostname = settings.hostname or settings.domains[0]
        self.implicit = settings.implicit
        self.size = settings.size
        self.idle = settings.idle
        self.within = settings.within
        self.tls: ssl.SSLContext | None = None
        self.hooks: Any = None

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        return len(self._conversations)

    def startService(self) -> Deferred[None]:
        """Fails with CannotListenError when the port is taken, OSError or ValueError for a bad file."""
        super().startService()
        return Deferred.fromCoroutine(self._listen())

    def stopService(self) -> Deferred[None]:
        """Listen no more; answer what came whole; then close."""
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _listen(self) -> None:
        settings = self._settings
        if settings.certificate is not None and settings.private_key is not None:
            self.tls = tls.context(
                certificate=self._base / settings.certificate,
                private_key=self._base / settings.private_key,
                client_ca=self._base / settings.client_ca if settings.client_ca else None,
            )
        keys = _keys(self._base / settings.keys) if settings.keys else {}
        if keys:
            self._signatures = Box(self._reactor, self._clock)
            self._signatures.startService()
        self._open_desk(keys)
        loop = asyncio.get_running_loop()
        kind = LmtpConversation if self._lmtp else Conversation
        host, port = place(settings.listen)
        self._watch_held()
        try:
            self._server = await from_asyncio(
                loop.create_server(lambda: kind(self, loop), host, port, backlog=100)
            )
        except OSError as error:
            raise CannotListenError(host, port, error) from error

    def _open_desk(self, keys: dict[str, str]) -> None:
        settings = self._settings
        self._reception = Reception(
            self._inbox,
            door=self._door,
            rules=Rules(
                senders=tuple(entry.sender() for entry in settings.senders),
                keys=keys,
                hold=settings.unverified == "hold",
                unverified_per_hour=settings.unverified_per_hour,
                per_hour=settings.per_hour,
                bytes_per_hour=settings.bytes_per_hour,
                size=settings.size,
            ),
            box=self._box,
            signatures=self._signatures,
            pace=Pace(self._clock.now),
            on_broken=self._on_broken,
            expect=self._expect,
        )
        self._book = Book(self._directory, settings.domains)
        self.hooks = Hooks(
            intake=settings.name,
            book=self._book,
            logins=users.read(self._base / settings.users) if settings.users else {},
            recipients=settings.recipients,
            tls_first=settings.tls_first,
            objection=self._reception.objection,
            aside=in_thread(self._reactor),
            lmtp=self._lmtp,
            failures=Pace(self._clock.now),
            on_broken=self._on_broken,
        )

    def _watch_held(self) -> None:
        settings = self._settings
        if self._store is None or self._alarms is None:
            return
        name, clock, alarm = settings.name, self._clock, self._alarms
        post = None
        if settings.smarthost:
            send = smarthost.sender(self._reactor, smarthost=settings.smarthost, name=self.hostname)
            post = Smarthost(self._store, intake=name, send=send, alarm=alarm, clock=clock)
            self._repeat(post.look, every=smarthost.EVERY, what="answers to mail")
        returns = Returns(
            domain=settings.domains[0],
            spool=self._base / settings.returns if settings.returns else None,
            post=post,
            alarm=alarm,
            clock=clock,
            aside=in_thread(self._reactor),
        )
        self._waiting = Waiting(
            self._store,
            intake=name,
            results=Results(self._inbox, door=self._door),
            returns=returns,
            box=self._box,
            clock=clock,
        )
        self._repeat(self._waiting.look, every=EVERY, what="mails that wait")

    def _repeat(self, work: Callable[[], Awaitable[None]], *, every: float, what: str) -> None:
        looking = Repeat(work, every=every, clock=self._clock, what=what)
        self._looking.append(looking)
        looking.startService()

    async def _expect(self, message_id: int) -> None:
        if self._waiting is not None:
            await self._waiting.expect(message_id)

    async def _close(self) -> None:
        for looking in self._looking:
            await maybeDeferred(looking.stopService)
        server, self._server = self._server, None
        if server is not None:
            server.close()
        if self._conversations:
            self._empty = Deferred()
            cut = self._reactor.callLater(LAST_WORDS, self._cut)
            for conversation in tuple(self._conversations):
                conversation.close()
            await self._empty
            if cut.active():
                cut.cancel()
        if self._signatures is not None:
            await maybeDeferred(self._signatures.stopService)

    def _cut(self) -> None:
        for conversation in tuple(self._conversations):
            if conversation.transport is not None:
                conversation.transport.abort()

    # -- role `conversation.Host`

    def greet(self, conversation: Conversation, host: str) -> str:
        objection = self._peers.objection(host)
        self._conversations.add(conversation)
        self._peers.enter(host)
        if not objection:
            return ""
        self.trouble(host, objection)
        return words.NOT_ALLOWED if "list" in objection else words.TOO_MANY_PEERS

    def ended(self, conversation: Conversation) -> None:
        self._conversations.discard(conversation)
        self._peers.leave(conversation.peer)
        if self._empty is not None and not self._conversations and not self._empty.called:
            self._empty.callback(None)

    def holds(self, more: int) -> bool:
        self._unfinished += more
        return self._unfinished <= UNFINISHED

    def trouble(self, host: str, what: str) -> None:
        if self._peers.trouble(host, what):
            _log.warning("intake.peer_trouble", intake=self._door.intake, peer=host, why=what)

    def deliver(
        self, conversation: Conversation, mail: bytes
    ) -> Coroutine[Any, Any, Sequence[str]]:
        envelope, session = conversation.envelope, conversation.session
        found = (self._book.find(address) for address in envelope.rcpt_tos)
        certificate = (session.ssl or {}).get("peercert")
        posted = Posted(
            mail=mail,
            mail_from=envelope.mail_from,
            recipients=tuple(r for r in found if r is not None),
            peer=conversation.peer,
            proof=Proof(
                login=session.auth_data or "" if session.authenticated else "",
                certificates=tls.names(certificate),
            ),
        )
        return self._delivered(conversation, posted)

    async def _delivered(self, conversation: Conversation, posted: Posted) -> Sequence[str]:
        answers = await to_asyncio(self._reception.receive(posted))
        if self._peers.well(posted.peer):
            _log.info("intake.peer_well", intake=self._door.intake, peer=posted.peer)
        return answers if conversation.per_recipient else [one(answers)]


def one(answers: Sequence[str]) -> str:
    """The one answer of SMTP for all recipients: the worst, so that what is not on disk comes again.

    Copies that are on disk are recognised when it does.
    """
    return max(answers, key=lambda answer: ("254".find(answer[0]), answer is words.HELD))


def place(listen: str) -> tuple[str, int]:
    """Where to listen. Raises ValueError."""
    found = _LISTEN.fullmatch(listen)
    if found is None or int(found[1]) > 65535:
        raise ValueError('write "tcp:2525:interface=127.0.0.1", or "tcp:2525" for every address')
    interface = (found[2] or ("::" if listen.startswith("tcp6") else "0.0.0.0")).replace("\\:", ":")
    socket.getaddrinfo(interface, None, flags=socket.AI_NUMERICHOST)
    return interface, int(found[1])


def _keys(folder: Path) -> dict[str, str]:
    """Public keys for DKIM by their name in DNS: a file `2026._domainkey.chu.example` (`.txt` may follow)
    holds the text of that record."""
    files = [path for path in sorted(folder.iterdir()) if "._domainkey." in path.name]
    return {
        path.name.removesuffix(".txt").lower(): "".join(path.read_text("ascii").split('"')).strip()
        for path in files
    }
