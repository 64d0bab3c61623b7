"""Who is logged in, and which of their forms has been sent: kept in memory, gone with the process.

A session ends when nobody has done anything for a while. What a page does by itself, its refresh, is not
somebody doing something. Of a cookie only the digest is kept.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import sha256
from secrets import token_bytes, token_urlsafe

from gateway.clock import Clock
from gateway.directory import Person

#: Sessions at a time: the oldest gives way.
MOST = 500
#: Nobody's shift is longer than this: then they log in again, however busy they are (seconds).
LONGEST = 12 * 3600.0
#: Forms of one session that are remembered as sent.
SENT = 200


class Form(Enum):
    """What a form's token says of it."""

    FRESH = auto()
    SENT = auto()  # this very form was sent before
    STRANGE = auto()  # not a form that this session was given


@dataclass(slots=True)
class Session:
    """One person at one browser."""

    person: Person
    began: float
    seen: float
    _secret: bytes = field(default_factory=lambda: token_bytes(32))
    _sent: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def token(self, form: str) -> str:
        """For one form, to be sent once; `form` is the address it goes to."""
        nonce = token_urlsafe(12)
        return f"{nonce}.{self._mark(form, nonce)}"

    def spend(self, form: str, token: str) -> Form:
        """What is known of a token that came back; a fresh one is used up by it."""
        nonce, _, mark = token.partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark(form, nonce).encode()):
            return Form.STRANGE
        if nonce in self._sent:
            return Form.SENT
        self._sent[nonce] = None
        while len(self._sent) > SENT:
            self._sent.popitem(last=False)
        return Form.FRESH

    def _mark(self, form: str, nonce: str) -> str:
        return hmac.new(self._secret, f"{form} {nonce}".encode(), sha256).hexdigest()


class Sessions:
    """All that are open."""

    def __init__(self, clock: Clock, *, idle: float) -> None:
        self._clock = clock
        self._idle = idle
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, person: Person) -> tuple[str, Session]:
        """A new session, and the cookie that opens it: never one that a browser brought along."""
        now = self._clock.now()
        cookie = token_urlsafe(32)
        session = Session(person=person, began=now, seen=now)
        self._open[_digest(cookie)] = session
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return cookie, session

    def find(self, cookie: str, *, awake: bool = True) -> Session | None:
        """Whose session this is; None once it has ended. `awake`: somebody did something just now."""
        key, now = _digest(cookie), self._clock.now()
        session = self._open.get(key)
        if session is None:
            return None
        if now - session.seen > self._idle or now - session.began > LONGEST:
            del self._open[key]
            return None
        if awake:
            session.seen = now
        return session

    def end(self, cookie: str) -> None:
        self._open.pop(_digest(cookie), None)


def _digest(cookie: str) -> bytes:
    return sha256(cookie.encode("utf-8", "replace")).digest()
