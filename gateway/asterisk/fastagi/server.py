"""Listens for Asterisk on loopback, makes sure that it is Asterisk, and gives each call its program."""

from __future__ import annotations

import hmac
import ipaddress
from enum import Enum
from pathlib import Path

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory

from gateway.asterisk.fastagi.conversation import Conversation, Program
from gateway.asterisk.fastagi.session import Session
from gateway.asterisk.role import HungUp, Prompt
from gateway.service import spawn

#: A program that goes on after its caller has hung up is finishing something: it has so many seconds.
AFTERWARDS = 30.0
#: Calls at once; Asterisk says the fallback to those beyond.
MOST = 200

_log = structlog.get_logger()


class Leg(Enum):
    """How far the program of a call that we placed has come."""

    EXPECTED = "expected"
    BEGUN = "begun"
    DONE = "done"
    BROKEN = "broken"  # hung up, or failed, before its end


class Server(Factory):
    """The FastAGI server. `program` talks to every caller; it finds out from `call.token` what about.

    A connection must come from this machine and know `secret`, which stands in Asterisk's dialplan.
    """

    noisy = False

    def __init__(
        self,
        program: Program,
        *,
        secret: str,
        recordings: Path,
        sounds: Path,
        longest: float,
        reactor: IReactorTime,
    ) -> None:
        self._program = program
        self._secret = secret
        self._recordings = recordings
        self._sounds = sounds
        self._longest = longest
        self._reactor = reactor
        self._legs: dict[str, Leg] = {}
        self._running: dict[Session, Deferred[None]] = {}

    def expect(self, token: str) -> None:
        """From now on one call with this token is taken."""
        self._legs[token] = Leg.EXPECTED

    def forget(self, token: str) -> Leg:
        """Take no (more) call with it; how far it has come."""
        return self._legs.pop(token, Leg.EXPECTED)

    def leg(self, token: str) -> Leg:
        return self._legs.get(token, Leg.EXPECTED)

    @property
    def calls(self) -> int:
        """Callers we are talking to."""
        return len(self._running)

    def buildProtocol(self, addr: IAddress | None) -> Session | None:
        host = getattr(addr, "host", None)
        if host is not None and not ipaddress.ip_address(host).is_loopback:
            _log.error("fastagi.stranger", host=host)
            return None
        if len(self._running) >= MOST:
            _log.error("fastagi.full", calls=len(self._running))
            return None
        return Session(self._reactor, on_call=self._begin, on_gone=self._gone)

    def stopFactory(self) -> None:
        for session in tuple(self._running):
            session.abort()

    def _begin(self, session: Session) -> None:
        self._running[session] = spawn(self._talk(session), "call")

    def _gone(self, session: Session) -> None:
        running = self._running.pop(session, None)
        if running is not None and not running.called:
            # Not at once: it may be writing down that somebody has acknowledged.
            late = self._reactor.callLater(AFTERWARDS, running.cancel)
            running.addBoth(lambda _: late.cancel() if late.active() else None)

    async def _talk(self, session: Session) -> None:
        try:
            call = await self._introduced(session)
        except HungUp:
            return
        if call is None:
            session.abort()
            return
        _log.info("call.began", token=call.token, dialled=call.dialled, calls=self.calls)
        ending = Leg.BROKEN
        try:
            await self._program(call)
            ending = Leg.DONE
            await call.finish()
        except HungUp:
            ending = Leg.DONE if call.done else ending
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the caller hears the fallback
            _log.exception("call.failed", token=call.token)
        finally:
            if call.token in self._legs:
                self._legs[call.token] = ending
            _log.info("call.ended", token=call.token, ending=ending.value)
            session.close()

    async def _introduced(self, session: Session) -> Conversation | None:
        """The call, once it is sure that Asterisk speaks and that we want this one."""
        secret = await _variable(session, "WARDLINE_SECRET")
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            _log.error("fastagi.unknown", peer="no secret, or a wrong one")
            return None
        token = await _variable(session, "TOKEN")
        if token and self._legs.get(token) is not Leg.EXPECTED:
            _log.error("fastagi.token", token=token)
            return None
        if token:
            self._legs[token] = Leg.BEGUN
        return Conversation(
            session,
            token=token,
            dialled=await _variable(session, "DIALLED"),
            language=session.env.get("agi_language", ""),
            recordings=self._recordings,
            beep=Prompt(str(self._sounds / "beep")),
            longest=self._longest,
        )


async def _variable(session: Session, name: str) -> str:
    reply = await session.tell("GET VARIABLE", name)
    return reply.data if reply.result == "1" else ""
