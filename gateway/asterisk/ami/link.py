"""The link to Asterisk as a service: kept up, tried again with a growing pause, its loss told once."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from gateway.asterisk.ami import machine
from gateway.asterisk.ami.session import NoAnswer, NotSent, Refused, Session
from gateway.asterisk.ami.words import Event, Response
from gateway.service import spawn

#: Pauses between tries, seconds: the first, doubled each time up to the last, each made up to a half longer
#: so that two Wardlines do not knock together.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
CONNECT_WITHIN = 3.0

_log = structlog.get_logger()


class Ear(Protocol):
    """Who wants to hear of the link."""

    def event(self, event: Event) -> None:
        """Something happened in Asterisk."""
        ...

    def up(self) -> None:
        """The link is there (again): what happened meanwhile was not heard."""
        ...

    def down(self, why: str) -> None:
        """It is lost: what was asked and not answered, nobody knows."""
        ...


class Link(Service):
    """The one link; whoever wants to hear of it is put into `ears`."""

    name = "asterisk"

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        *,
        user: str,
        secret: str,
        reactor: IReactorTime,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._endpoint = endpoint
        self._user = user
        self._secret = secret
        self._reactor = reactor
        self._chance = chance
        self._session: Session | None = None
        self._trying: Deferred[Any] | None = None
        self._retry: IDelayedCall | None = None
        self._failures = 0
        self._told = ""  # why it is down, as the log has it; "" while it is up
        self.is_up = False
        self.ears: list[Ear] = []
        self._machine = machine.build(self)

    def startService(self) -> None:
        super().startService()
        self._machine.begin()

    def stopService(self) -> None:
        super().stopService()
        self._machine.end()

    async def ask(
        self,
        name: str,
        headers: Mapping[str, str] | None = None,
        *,
        variables: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Response:
        """Asterisk's answer to one action, which is sent at most once, whatever becomes of the link.

        Raises NotSent, NoAnswer, Refused; Unsayable.
        """
        return await self._ready().ask(name, headers, variables=variables, timeout=timeout)

    async def collect(
        self, name: str, headers: Mapping[str, str] | None = None, *, timeout: float = 5.0
    ) -> list[Event]:
        """The events that answer an action which asks for many things. Raises as `ask`."""
        return await self._ready().collect(name, headers, timeout=timeout)

    def _ready(self) -> Session:
        if self._session is None or not self.is_up:
            raise NotSent("no link to Asterisk")
        return self._session

    # --- what a session tells

    def _heard(self, event: Event) -> None:
        if self.is_up:
            self._tell(lambda ear: ear.event(event))

    def _closed(self, session: Session, reason: str) -> None:
        if session is self._session:
            self._machine.lost(reason)

    # --- what the machine does

    def connect(self) -> None:
        def session() -> Session:
            return Session(self._reactor, on_event=self._heard, on_closed=self._closed)

        self._trying = trying = self._endpoint.connect(Factory.forProtocol(session))
        trying.addTimeout(CONNECT_WITHIN, self._reactor)
        trying.addCallbacks(self._made, self._missed)

    def _made(self, session: Session) -> None:
        self._trying = None
        self._session = session
        self._machine.connected()

    def _missed(self, failure: Failure) -> None:
        self._trying = None
        if not failure.check(CancelledError):
            self._machine.lost(failure.getErrorMessage())

    def log_in(self) -> None:
        assert self._session is not None
        spawn(self._log_in(self._session), "log in to Asterisk")

    async def _log_in(self, session: Session) -> None:
        try:
            await session.log_in(self._user, self._secret)
        except Refused as refused:
            session.give_up(f"Asterisk does not let {self._user} in: {refused}")
        except (NoAnswer, NotSent) as silent:
            session.give_up(str(silent))
        else:
            if session is self._session:
                self._machine.known()

    def rise(self) -> None:
        self._failures = 0
        self._told = ""
        self.is_up = True
        _log.info("asterisk.up")
        self._tell(lambda ear: ear.up())

    def fall(self, why: str) -> None:
        self.is_up = False
        self._tell(lambda ear: ear.down(why))
        self.rest(why)

    def rest(self, why: str) -> None:
        self._session = None
        if not self._told:
            self._told = why
            _log.error("asterisk.down", reason=why)
        pause = min(FIRST_PAUSE * 2.0 ** min(self._failures, 10), LONGEST_PAUSE)
        self._failures += 1
        self._retry = self._reactor.callLater(
            pause * (1.0 + self._chance() / 2.0), self._machine.again
        )

    def drop(self) -> None:
        was_up, self.is_up = self.is_up, False
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        if self._trying is not None:
            self._trying.cancel()
        session, self._session = self._session, None
        if session is not None:
            session.give_up("Wardline stops")
        if was_up:
            self._tell(lambda ear: ear.down("Wardline stops"))

    def _tell(self, word: Callable[[Ear], None]) -> None:
        for ear in tuple(self.ears):
            try:
                word(ear)
            except Exception:  # noqa: BLE001 - one bad ear must not make the others deaf
                _log.exception("asterisk.ear_failed", ear=type(ear).__name__)
