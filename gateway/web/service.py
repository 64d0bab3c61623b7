"""Listens for browsers, over TLS where they are not on this machine, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort

from gateway.intakes.http.wire import Channel, Door, Incoming
from gateway.peers import Peers
from gateway.tls import endpoint
from gateway.web.doors import Doors
from gateway.web.front import Front
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.routes import Route, table
from gateway.web.session import Sessions
from gateway.web.settings import ConsoleSettings

log = structlog.get_logger()

#: What all connections together may hold of forms, bytes.
UNFINISHED = 4 * 2**20


class Console(Service):
    """The `[console]` of a site."""

    longest = 16 * 1024  # bytes of one form
    within = 15.0
    idle = 60.0

    def __init__(
        self,
        settings: ConsoleSettings,
        *,
        house: House,
        reactor: Any,
        base: Path,
        on_broken: Callable[[object], None],
    ) -> None:
        self._settings = settings
        self._reactor = reactor
        self._base = base
        self._peers = Peers(settings.allow, per_peer=settings.per_peer, in_all=settings.connections)
        self._channels: dict[Channel, None] = {}
        self._held = 0
        self._port: IListeningPort | None = None
        sessions = Sessions(house.clock, idle=settings.idle)
        pages = Pages(house)
        doors = Doors(house, pages, sessions, secure=settings.secure)
        self._front = Front(house, pages, sessions, cookie=doors.cookie, on_broken=on_broken)
        self._routes = table(house, pages, doors)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        assert self._port is not None
        return int(getattr(self._port.getHost(), "port", 0))

    def startService(self) -> Deferred[None]:
        """Fails with CannotListenError when the port is taken, OSError or ValueError for a certificate
        that is not there or is none."""
        super().startService()
        return Deferred.fromCoroutine(self._listen())

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _listen(self) -> None:
        site = Door(_resource(self._front, self._routes), self, self._reactor)
        self._port = await endpoint(self._settings, self._reactor, self._base).listen(site)

    async def _close(self) -> None:
        """Nobody waits for a page: what was said is on disk, or was not said."""
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)
        for channel in tuple(self._channels):
            channel.transport.abortConnection()

    # -- role `wire.Host`

    def objection(self, host: str) -> str:
        why = self._peers.objection(host)
        if why and self._peers.trouble(host, why):
            log.warning("console.peer_trouble", peer=host, why=why)
        return why

    def entered(self, channel: Channel, host: str) -> None:
        self._channels[channel] = None
        self._peers.enter(host)

    def left(self, channel: Channel, host: str) -> None:
        del self._channels[channel]
        self._peers.leave(host)

    def holds(self, more: int) -> bool:
        self._held += more
        return self._held <= UNFINISHED

    def knows(self, authorization: list[bytes]) -> object:
        """Anybody may send a form: it is short, and looked at before it is believed."""
        return self


def _resource(front: Front, routes: tuple[Route, ...]) -> Any:
    """The resource that Twisted's server serves. Klein is imported here: it installs a reactor."""
    from klein import Klein

    app: Any = Klein()

    def add(route: Route) -> None:
        async def answer(request: Incoming, **named: Any) -> bytes:
            return await front.answer(request, route, named)

        name = f"{route.method} {route.address}"
        app.route(route.address, methods=[route.method], endpoint=name)(answer)

    async def lost(request: Incoming, failure: Any) -> bytes:
        status = getattr(failure.value, "code", None)
        return await front.lost(request, status if status in (404, 405) else 400)

    for route in routes:
        add(route)
    app.handle_errors(lost)
    return app.resource()
