"""What the stand-in platform does with each message, in good days and in bad ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from demo.standin import trouble
from gateway.hl7 import Frame, Framer, ack, peek, wrap

#: The segment in which Wardline says when and where a message was delivered during an outage.
MARK = "ZWL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as it came in, and what was answered."""

    at: str  # ISO 8601
    control_id: str
    sender: str
    type: str
    answer: str  # "AA", "AE"…; "" for none
    again: bool  # its control id came before
    handback: list[str]  # fields of the hand-back mark; empty when it was not handed back
    raw: str


@dataclass(slots=True, kw_only=True)
class Mood:
    """The trouble it is in. Counts say for how many messages more."""

    hang: bool = False  # reads, and neither keeps nor answers anything
    freeze: bool = False  # does not even read
    delay: float = 0.0  # seconds until each answer
    one_by_one: bool = False  # the delay is work: the next message waits for it
    refuse: str = ""  # "AE", "AR"…
    refusals: int = -1  # -1: all
    swallow: int = 0  # keeps the message, and never answers
    cut: int = 0  # keeps the message, and breaks the connection
    wrong: bool = False  # answers name another message
    babble: bool = False  # answers are no HL7
    shuffle: int = 0  # collects this many answers and sends them last first
    held: list[tuple[Session, bytes]] = field(default_factory=list)  # while it hangs
    collected: list[tuple[Session, bytes]] = field(default_factory=list)  # to be shuffled
    free_at: float = 0.0  # when the message in work is done


class StandIn:
    """`received` holds everything it has dealt with, oldest first; `log`, a file, gets it as JSON lines."""

    def __init__(self, reactor: Any, *, log: Path | None = None) -> None:
        self.reactor = reactor
        self.received: list[Received] = []
        self.mood = Mood()
        self.sessions: set[Session] = set()
        self._log = log
        self._port: IListeningPort | None = None
        self._endpoint = ""
        self._numbers = count(1)
        self._seen: set[tuple[str, str]] = set()
        self._work: set[IDelayedCall] = set()

    @property
    def listening(self) -> bool:
        return self._port is not None

    async def listen(self, endpoint: str = "tcp:0:interface=127.0.0.1") -> int:
        """Start to listen; the port."""
        factory = Factory.forProtocol(lambda: Session(self))
        self._port = await serverFromString(self.reactor, endpoint).listen(factory)
        port = int(getattr(self._port.getHost(), "port", 0))
        self._endpoint = endpoint.replace("tcp:0", f"tcp:{port}", 1)
        return port

    async def close(self) -> None:
        """As a process that is killed: connections break, new ones are refused."""
        port, self._port = self._port, None
        while self._work:
            self._work.pop().cancel()
        if port is not None:
            await maybeDeferred(port.stopListening)
        for session in tuple(self.sessions):
            session.abort()

    async def back(self) -> None:
        """Listen again where it did before."""
        if self._port is None:
            await self.listen(self._endpoint)

    def trouble(self, words: str) -> str:
        """Words as a person types them; the answer. Raises ValueError when they are not understood."""
        return trouble.give(self, words)

    def recover(self) -> None:
        """Well again; what was held or collected is dealt with now."""
        before, self.mood = self.mood, Mood()
        for session in self.sessions:
            session.read(on=True)
        for session, raw in before.held:
            self.take(session, raw)
        for session, frame in before.collected:
            session.send(frame)

    # -- one message

    def take(self, session: Session, raw: bytes) -> None:
        """A message came in."""
        mood = self.mood
        if mood.hang:
            mood.held.append((session, raw))
        elif mood.delay:
            now = self.reactor.seconds()
            begin = max(now, mood.free_at) if mood.one_by_one else now
            mood.free_at = begin + mood.delay
            self._later(mood.free_at - now, session, raw)
        else:
            self._deal(session, raw)

    def _later(self, delay: float, session: Session, raw: bytes) -> None:
        def work() -> None:
            self._work.discard(call)
            self._deal(session, raw)

        call: IDelayedCall = self.reactor.callLater(delay, work)
        self._work.add(call)

    def _deal(self, session: Session, raw: bytes) -> None:
        mood = self.mood
        if mood.swallow:
            mood.swallow -= 1
            self._note(raw, "")
        elif mood.cut:
            mood.cut -= 1
            self._note(raw, "")
            session.abort()
        else:
            code = self._code()
            self._note(raw, code)
            self._answer(session, raw, code)

    def _code(self) -> str:
        mood = self.mood
        if not mood.refuse or not mood.refusals:
            return "AA"
        mood.refusals -= 1 if mood.refusals > 0 else 0
        return mood.refuse

    def _answer(self, session: Session, raw: bytes, code: str) -> None:
        mood = self.mood
        if mood.wrong:
            raw = raw.replace(peek(raw).control_id.encode(), b"NOT-YOURS", 1)
        now = datetime.now().astimezone()
        frame = wrap(ack(raw, code, control_id=f"P{next(self._numbers)}", now=now))
        if mood.babble:
            frame = wrap(b"bonjour")
        if not mood.shuffle:
            session.send(frame)
            return
        mood.collected.append((session, frame))
        if len(mood.collected) >= mood.shuffle:
            collected, mood.collected = mood.collected, []
            for to, late in reversed(collected):
                to.send(late)

    def _note(self, raw: bytes, answer: str) -> None:
        head, text = peek(raw), raw.decode("utf-8", "replace")
        marks = [s.split("|")[1:] for s in text.split("\r") if s.startswith(MARK + "|")]
        key = (head.sender, head.control_id)
        received = Received(
            at=datetime.now().astimezone().isoformat(timespec="milliseconds"),
            control_id=head.control_id,
            sender=head.sender,
            type=head.type,
            answer=answer,
            again=key in self._seen,
            handback=marks[0] if marks else [],
            raw=text,
        )
        self._seen.add(key)
        self.received.append(received)
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(received), ensure_ascii=False) + "\n")


class Session(Protocol):
    """One connection from Wardline."""

    transport: Any  # set by Twisted

    def __init__(self, platform: StandIn) -> None:
        self._platform = platform
        self._framer = Framer()
        self._open = False

    def connectionMade(self) -> None:
        self._open = True
        self._platform.sessions.add(self)
        if self._platform.mood.freeze:
            self.read(on=False)

    def dataReceived(self, data: bytes) -> None:
        for found in self._framer.feed(data):
            if isinstance(found, Frame):
                self._platform.take(self, found.data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._open = False
        self._platform.sessions.discard(self)

    def send(self, frame: bytes) -> None:
        if self._open:
            self.transport.write(frame)

    def read(self, *, on: bool) -> None:
        act: Callable[[], None] = (
            self.transport.resumeProducing if on else self.transport.pauseProducing
        )
        act()

    def abort(self) -> None:
        self.transport.abortConnection()
