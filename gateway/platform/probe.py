"""Asks the platform every second whether it is there: by a connection, or by a message of the site's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import Protocol as Role

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from gateway.channels.platform import Settings
from gateway.channels.platform.connector import words
from gateway.errors import Rejected
from gateway.hl7 import Frame, Framer, peek, read_ack, wrap
from gateway.platform.watch import Watch

#: A probe: fires with whether a message was accepted, or fails saying why the platform is not there.
Probe = Callable[[], Deferred[bool]]


class Hearer(Role):
    """Who wants to know."""

    def reached(self) -> None: ...
    def proved(self) -> None: ...
    def unreachable(self, reason: str) -> None: ...


class Prober(Service):
    """One probe at a time, each `every` seconds or when somebody hurries; longer than `within`: failed."""

    def __init__(
        self, probe: Probe, *, hearer: Hearer, every: float, within: float, reactor: IReactorTime
    ) -> None:
        self._probe = probe
        self._hearer = hearer
        self._every = every
        self._within = within
        self._reactor = reactor
        self._began = 0.0
        self._probing: Deferred[bool] | None = None
        self._next: IDelayedCall | None = None

    def startService(self) -> None:
        super().startService()
        self.now()

    def stopService(self) -> None:
        super().stopService()
        self._cancel_next()
        if self._probing is not None:
            self._probing.cancel()

    def now(self) -> None:
        """Probe at once, unless one is under way."""
        if not self.running or self._probing is not None:
            return
        self._cancel_next()
        self._began = self._reactor.seconds()
        self._probing = probing = self._probe()
        probing.addTimeout(self._within, self._reactor)
        probing.addCallbacks(self._there, self._not_there)

    def _there(self, proof: bool) -> None:
        self._ended()
        if proof:
            self._hearer.proved()
        else:
            self._hearer.reached()

    def _not_there(self, failure: Failure) -> None:
        self._ended()
        if self.running:
            self._hearer.unreachable(words(failure))

    def _ended(self) -> None:
        self._probing = None
        if self.running:
            took = self._reactor.seconds() - self._began
            self._next = self._reactor.callLater(max(0.0, self._every - took), self.now)

    def _cancel_next(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()


def build(settings: Settings, *, watch: Watch, reactor: IReactorTime, base: Path) -> Prober:
    """The prober that a site's `[platform]` asks for, for `watch` to hurry. Raises OSError when its
    message cannot be read."""
    endpoint = clientFromString(reactor, settings.connect)
    probe = by_connection(endpoint)
    if settings.probe_message is not None:
        text = (base / settings.probe_message).read_bytes()
        probe = by_message(endpoint, text.replace(b"\r\n", b"\r").replace(b"\n", b"\r"))
    prober = Prober(
        probe,
        hearer=watch,
        every=settings.probe_every,
        within=settings.probe_within or settings.probe_every,
        reactor=reactor,
    )
    watch.probe_now = prober.now
    return prober


class NotAccepted(Exception):
    """The platform answered the probe message, but not by accepting it."""


def by_connection(endpoint: IStreamClientEndpoint) -> Probe:
    """A connection that is closed at once."""
    factory = Factory.forProtocol(_Touch)
    return lambda: endpoint.connect(factory).addCallback(lambda _: False)


def by_message(endpoint: IStreamClientEndpoint, message: bytes) -> Probe:
    """A connection of its own for one message, which must be accepted (AA or CA)."""

    def ask() -> Deferred[bool]:
        question = _Question(message)
        connecting: Deferred[Any] = endpoint.connect(Factory.forProtocol(lambda: question))
        return connecting.addCallback(lambda _: question.accepted)

    return ask


class _Touch(Protocol):
    """Connects, and that is all."""

    transport: Any  # set by Twisted

    def connectionMade(self) -> None:
        self.transport.loseConnection()


class _Question(Protocol):
    """Sends one message and waits for the answer that names it."""

    transport: Any  # set by Twisted

    def __init__(self, message: bytes) -> None:
        self.accepted: Deferred[bool] = Deferred(self._given_up)
        self._message = message
        self._control_id = peek(message).control_id
        self._framer = Framer(limit=2**20)

    def connectionMade(self) -> None:
        self.transport.write(wrap(self._message))

    def dataReceived(self, data: bytes) -> None:
        for found in (*self._framer.feed(data), *self._framer.settle()):
            if isinstance(found, Frame):
                self._answered(found.data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._end(reason)

    def _given_up(self, accepted: Deferred[bool]) -> None:
        accepted.errback(CancelledError())  # before the loss of the connection becomes the reason
        self.transport.abortConnection()

    def _answered(self, raw: bytes) -> None:
        try:
            ack = read_ack(raw)
        except Rejected:
            self._end(Failure(NotAccepted("no acknowledgement to the probe message")))
        else:
            if ack.control_id == self._control_id:
                said = f"MSA {ack.code} to the probe message"
                self._end(True if ack.positive else Failure(NotAccepted(said)))

    def _end(self, result: bool | Failure) -> None:
        if self.accepted.called:
            return
        self.transport.loseConnection()
        if isinstance(result, Failure):
            self.accepted.errback(result)
        else:
            self.accepted.callback(result)
