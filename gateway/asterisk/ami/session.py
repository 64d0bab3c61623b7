"""One connection to Asterisk's manager: logs in, pairs answers with actions, notices when nobody is there."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from gateway.asterisk.ami.words import Event, Response, decode, encode

#: How often we ask whether it is there, and how long it may take to say so, seconds.
BEAT, PATIENCE = 2.0, 3.0
#: More lines than any packet has: whoever sends on without an empty line is no Asterisk.
MOST_LINES = 2000


class NotSent(Exception):
    """There is no link: the action has not left."""


class NoAnswer(Exception):
    """The action was sent and the link, or our patience, ended before the answer: nobody knows."""


class Refused(Exception):
    """Asterisk understood and will not; the words are its own."""


class Session(LineOnlyReceiver):
    """Lines to packets, packets to whoever waits for them."""

    delimiter = b"\r\n"
    MAX_LENGTH = 1 << 16

    def __init__(
        self,
        reactor: IReactorTime,
        *,
        on_event: Callable[[Event], None],
        on_closed: Callable[[Session, str], None],
    ) -> None:
        self._reactor = reactor
        self._on_event = on_event
        self._on_closed = on_closed
        self._prefix = uuid.uuid4().hex[:12]
        self._sent = 0
        self._lines: list[bytes] = []
        self._greeted = False
        self._open = False
        self._pending: dict[str, Deferred[Response]] = {}
        self._lists: dict[str, list[Event]] = {}
        self._beat: IDelayedCall | None = None
        self._why = ""

    def connectionMade(self) -> None:
        self._open = True

    def lineReceived(self, line: bytes) -> None:
        if not self._greeted:
            self._greeted = True  # "Asterisk Call Manager/11.0.0"
            return
        if line:
            self._lines.append(line)
            if len(self._lines) > MOST_LINES:
                self.give_up("it sends without end")
            return
        packet, self._lines = decode(self._lines) if self._lines else None, []
        if isinstance(packet, Response):
            self._answered(packet)
        elif isinstance(packet, Event) and not self._listed(packet):
            self._on_event(packet)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.give_up("a line without end")

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        self._open = False
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
        pending, self._pending = self._pending, {}
        for waiting in pending.values():
            waiting.errback(NoAnswer("the link to Asterisk was lost"))
        self._on_closed(self, self._why or reason.getErrorMessage())

    def give_up(self, why: str) -> None:
        """Cut the connection; `why` is what `on_closed` hears."""
        self._why = self._why or why
        transport: Any = self.transport
        transport.abortConnection()

    async def log_in(self, user: str, secret: str) -> None:
        """Raises Refused, NoAnswer. The secret itself does not go over the wire."""
        challenge = await self.ask("Challenge", {"AuthType": "MD5"}, timeout=PATIENCE)
        key = hashlib.md5((challenge["Challenge"] + secret).encode()).hexdigest()  # noqa: S324 - AMI knows no other
        login = {"AuthType": "MD5", "Username": user, "Key": key}
        await self.ask("Login", login, timeout=PATIENCE)
        self._next_beat()

    async def ask(
        self,
        name: str,
        headers: Mapping[str, str] | None = None,
        *,
        variables: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Response:
        """Asterisk's answer. Raises NotSent, NoAnswer, Refused; Unsayable before anything is sent.

        An ActionID among the headers stays: later events carry it.
        """
        self._sent += 1
        key = (headers or {}).get("ActionID") or f"{self._prefix}-{self._sent}"
        response = await self._send(key, name, headers or {}, variables, timeout)
        if response.refused:
            raise Refused(response["Message"])
        return response

    async def collect(
        self, name: str, headers: Mapping[str, str] | None = None, *, timeout: float = 5.0
    ) -> list[Event]:
        """The events with which Asterisk answers an action that asks for many things. Raises as `ask`."""
        events: list[Event] = []
        end: Deferred[Response] = Deferred()
        key = f"{self._prefix}-{self._sent + 1}"
        self._lists[key] = events
        try:
            await self.ask(name, headers, timeout=timeout)
            if key in self._lists:  # its end has not come with the answer
                self._pending[f"list {key}"] = end
                await self._within(end, timeout)
        finally:
            self._lists.pop(key, None)
            self._pending.pop(f"list {key}", None)
        return events

    async def _send(
        self,
        key: str,
        name: str,
        headers: Mapping[str, str],
        variables: Mapping[str, str] | None,
        timeout: float,
    ) -> Response:
        action = encode(name, {"ActionID": key, **headers}, variables=variables)
        if not self._open:
            raise NotSent("no link to Asterisk")
        waiting: Deferred[Response] = Deferred()
        self._pending[key] = waiting
        self.sendLine(action.removesuffix(b"\r\n"))
        try:
            return await self._within(waiting, timeout)
        finally:
            self._pending.pop(key, None)

    async def _within(self, waiting: Deferred[Response], timeout: float) -> Response:
        late = self._reactor.callLater(timeout, waiting.cancel)
        try:
            return await waiting
        except CancelledError as cancelled:
            if late.active():
                raise  # not ours: whoever asked has been stopped
            raise NoAnswer(f"no answer from Asterisk within {timeout:g} s") from cancelled
        finally:
            if late.active():
                late.cancel()

    def _answered(self, response: Response) -> None:
        waiting = self._pending.pop(response["ActionID"], None)
        if waiting is not None:
            waiting.callback(response)

    def _listed(self, event: Event) -> bool:
        """Whether it belongs to a list somebody asked for."""
        key = event["ActionID"]
        if key not in self._lists:
            return False
        if event["EventList"] == "Complete":
            del self._lists[key]
            end = self._pending.pop(f"list {key}", None)
            if end is not None:
                end.callback(Response(status="Success"))
        else:
            self._lists[key].append(event)
        return True

    def _next_beat(self) -> None:
        self._beat = self._reactor.callLater(BEAT, self._ping)

    def _ping(self) -> None:
        asked = Deferred.fromCoroutine(self.ask("Ping", timeout=PATIENCE))
        asked.addCallbacks(lambda _: self._next_beat(), self._silent)

    def _silent(self, failure: Failure) -> None:
        # A frozen Asterisk keeps its connections: only that it does not answer tells.
        failure.trap(NotSent, NoAnswer, Refused)
        self.give_up("Asterisk does not answer")
