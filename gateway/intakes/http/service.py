"""Listens for senders, knows them by their tokens, and answers each request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort

from gateway.clock import Clock
from gateway.errors import StoreBroken, StoreFull
from gateway.inbox import Door
from gateway.intakes.http.answers import LATER, Answer, Problem
from gateway.intakes.http.memory import Memory
from gateway.intakes.http.messages import Messages
from gateway.intakes.http.metrics import Metrics
from gateway.intakes.http.resources import Resources
from gateway.intakes.http.routes import routes
from gateway.intakes.http.senders import Sender, Senders
from gateway.intakes.http.wire import Channel
from gateway.intakes.http.wire import Door as Site
from gateway.intakes.http.words import Saying, Words
from gateway.peers import Peers
from gateway.service import in_thread, shielded
from gateway.tls import endpoint

if TYPE_CHECKING:
    from gateway.intakes.http import Settings

_log = structlog.get_logger()

#: What all connections together may hold of bodies, bytes.
UNFINISHED = 128 * 2**20
#: How long requests in hand may take to be answered when the service stops, seconds.
LAST_WORDS = 3.0


class HttpIntake(Service):
    """One `[[intakes]]` of kind "http"."""

    def __init__(
        self,
        settings: Settings,
        *,
        inbox: Any,
        reactor: Any,
        clock: Clock,
        base: Path,
        on_broken: Callable[[object], None],
        saying: Saying | None = None,
    ) -> None:
        self.settings = settings
        self.inbox = inbox
        self.longest, self.within, self.idle = settings.longest, settings.within, settings.idle
        self.full = False  # the last message found no room on disk
        self.metrics = Metrics(settings.name)
        self._reactor = reactor
        self._base = base
        self._on_broken = on_broken
        self._senders = Senders()
        self._peers = Peers(settings.allow, per_peer=settings.per_peer, in_all=settings.connections)
        self._channels: dict[Channel, None] = {}
        self._held = 0
        self._port: IListeningPort | None = None
        self._empty: Deferred[None] | None = None
        door = Door(intake=settings.name, mode=settings.mode, charset=settings.charset)
        aside = in_thread(reactor)
        memory = Memory(clock, aside=aside)
        self.messages = Messages(inbox=inbox, door=door, memory=memory, aside=aside)
        self.resources = Resources(messages=self.messages, limits=inbox.limits)
        self.words = Words(saying=saying, aside=in_thread(reactor))

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        assert self._port is not None
        return int(getattr(self._port.getHost(), "port", 0))

    @property
    def connections(self) -> int:
        return len(self._channels)

    def startService(self) -> Deferred[None]:
        """Fails with CannotListenError when the port is taken, OSError or ValueError for a file of tokens
        or a certificate that is not there or is none."""
        super().startService()
        return Deferred.fromCoroutine(self._listen())

    def stopService(self) -> Deferred[None]:
        """Listen no more; answer what came; then close."""
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _listen(self) -> None:
        self._senders = Senders(self.settings.senders, base=self._base)
        site = Site(routes(self), self, self._reactor)
        self._port = await endpoint(self.settings, self._reactor, self._base).listen(site)

    async def _close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)
        if not self._channels:
            return
        self._empty = Deferred()
        cut = self._reactor.callLater(LAST_WORDS, self._cut)
        for channel in tuple(self._channels):
            channel.persistent = False
            if not channel.busy:
                channel.loseConnection()
        await self._empty
        if cut.active():
            cut.cancel()

    def _cut(self) -> None:
        for channel in tuple(self._channels):
            channel.transport.abortConnection()

    # -- role `wire.Host`

    def objection(self, host: str) -> str:
        why = self._peers.objection(host)
        if why:
            self.trouble(host, why)
        return why

    def entered(self, channel: Channel, host: str) -> None:
        self._channels[channel] = None
        self._peers.enter(host)

    def left(self, channel: Channel, host: str) -> None:
        del self._channels[channel]
        self._peers.leave(host)
        if self._empty is not None and not self._channels and not self._empty.called:
            self._empty.callback(None)

    def holds(self, more: int) -> bool:
        self._held += more
        return self._held <= UNFINISHED

    def knows(self, authorization: list[bytes]) -> Sender | None:
        return self._senders.find(authorization)

    # -- what happens to a request

    def trouble(self, peer: str, what: str) -> None:
        if self._peers.trouble(peer, what):
            _log.warning("intake.peer_trouble", intake=self.settings.name, peer=peer, why=what)

    def well(self, peer: str) -> None:
        self.full = False
        if self._peers.well(peer):
            _log.info("intake.peer_well", intake=self.settings.name, peer=peer)

    async def carried_out(self, work: Any, peer: str) -> Answer:
        """The answer of `work`. Raises Problem for whatever keeps it from one."""
        try:
            # A sender that hangs up is no reason to leave its message half taken: it may have it from
            # the answer that was lost, and the dispatcher must hear of it.
            answer: Answer = await shielded(work)
        except (CancelledError, Problem):
            raise
        except StoreFull:
            self.full = True
            self.trouble(peer, "no room on disk")
            raise Problem(503, "full", headers={"Retry-After": LATER}) from None
        except StoreBroken as broken:
            self._on_broken(broken)
            raise Problem(503, "internal", headers={"Retry-After": LATER}) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender must be answered
            _log.error("intake.bug", error=type(error).__name__, where=_steps(error))
            raise Problem(500, "internal") from None
        self.well(peer)
        return answer


def _steps(error: BaseException) -> str:
    """The last steps to an unexpected error; its own words may quote a patient and are left out."""
    steps = extract_tb(error.__traceback__)[-3:]
    return " > ".join(f"{step.filename.rpartition('/')[2]}:{step.lineno}" for step in steps)
