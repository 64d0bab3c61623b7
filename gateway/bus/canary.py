"""Is the bus alive? A canary makes a real round trip through it twice a second, whatever else it carries.

Three things are told apart. *Silent*: not even a ping is answered, which frozen and cut-off brokers have
in common; a bare TCP connection then tells one from the other. *Stuck*: pings are answered, canaries do
not come back. *Missing*: it works, and something that must be there is not (a queue, an exchange).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from gateway.bus import role
from gateway.bus.judge import Judge
from gateway.bus.keeper import Keeper
from gateway.bus.pace import Pace
from gateway.bus.role import Trouble
from gateway.bus.settings import BusPlatform

_log = structlog.get_logger()

#: Beats in the site's patience: the last good evidence before a fault is a sixth of it old at most.
BEATS = 6
#: A silence of so many beats is worth a word; so is one of twice the longest of late.
SILENT_BEATS, SILENT_TIMES = 2, 2.0
#: A canary is lost after four times the slowest of late, within these multiples of the site's patience.
STUCK_TIMES, STUCK_LEAST, STUCK_MOST = 4.0, 1.0, 10.0
#: Canaries under way at once: a bus that keeps more is stuck whatever the reason.
FLOCK = 100
#: A session that has not answered for so many times the site's patience is given up.
GIVE_UP = 2.0


class CanaryKeeper(Service):
    """Sends canaries on a beat and tells the watch what becomes of them.

    `refusing` says whether the bus has refused the last message: then a canary's return proves that it
    is alive, and not that it takes messages.
    """

    def __init__(
        self,
        settings: BusPlatform,
        *,
        driver: role.Driver,
        base: Path,
        watch: Judge,
        refusing: Callable[[], bool],
        touch: Callable[[], Deferred[str]],
        reactor: IReactorTime,
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._base = base
        self._watch = watch
        self._refusing = refusing
        self._touch = touch
        self._reactor = reactor
        self._patience = settings.down_after
        self._beat = min(settings.probe_every, settings.down_after / BEATS)
        self._keeper: Keeper[role.Canary] = Keeper(
            self._open,
            reactor=reactor,
            made=self._made,
            failed=self._failed,
            longest_pause=settings.probe_every,
        )
        self._words = count(1)
        self._gaps = Pace()  # between one answer and the next, while something was awaited
        self._trips = Pace()  # from a canary's leaving to its return
        self._perch: _Perch | None = None  # the holder of the session there is or will be
        self._session: role.Canary | None = None
        self._next: IDelayedCall | None = None
        self._touching: Deferred[str] | None = None
        self._forget()

    def _forget(self) -> None:
        """Nothing is under way and nothing is known, as with a new session."""
        self._flock: deque[tuple[str, float]] = deque()  # words sent, with their moments
        self._pinged_at: float | None = None
        self._heard_at = self._reactor.seconds()  # anything at all
        self._blocked = ""
        self._missing: Trouble | None = None
        self._trouble: Trouble | None = None
        self._seems = ""  # what a touch has found since the last answer

    def startService(self) -> None:
        super().startService()
        self._keeper.now()
        self._go_on()

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        self._keeper.stop()
        if self._next is not None and self._next.active():
            self._next.cancel()
        if self._touching is not None:
            self._touching.cancel()
        session, self._session, self._perch = self._session, None, None
        return session.close() if session is not None else None

    def now(self) -> None:
        """Somebody has reason to doubt: look at once."""
        if not self.running:
            return
        if self._session is None:
            self._keeper.now()
        else:
            self._look()

    # -- the beat

    def _go_on(self) -> None:
        self._next = self._reactor.callLater(self._beat, self._go_on)
        self._look()

    def _look(self) -> None:
        if self._session is None:
            if self._trouble is not None:
                self._tell(self._trouble)
        elif self._blocked:
            self._tell_blocked()
        else:
            self._judge(self._session)
        if self._session is not None and not self._blocked:
            self._send(self._session)

    def _judge(self, session: role.Canary) -> None:
        now = self._reactor.seconds()
        silent = now - self._heard_at
        if silent > GIVE_UP * self._patience:
            self._leave(session, Trouble(self._silence))
        elif silent > self._worth_a_word(now):
            self._look_closer()
            self._watch.unreachable(self._silence)
        elif self._stuck:
            self._watch.unreachable(role.STUCK)

    def _worth_a_word(self, now: float) -> float:
        least, most = SILENT_BEATS * self._beat, self._patience / 2
        return self._gaps.limit(now=now, times=SILENT_TIMES, least=least, most=most)

    @property
    def _stuck(self) -> bool:
        now = self._reactor.seconds()
        least, most = STUCK_LEAST * self._patience, STUCK_MOST * self._patience
        limit = self._trips.limit(now=now, times=STUCK_TIMES, least=least, most=most)
        return bool(self._flock) and now - self._flock[0][1] > limit

    @property
    def _silence(self) -> str:
        return self._seems or "no answer"

    def _send(self, session: role.Canary) -> None:
        now = self._reactor.seconds()
        if len(self._flock) < FLOCK:
            word = str(next(self._words))
            self._flock.append((word, now))
            session.send(word)
        if self._pinged_at is None:
            self._pinged_at = now
            session.ping().addCallbacks(
                self._answered, self._not_answered, callbackArgs=(session,), errbackArgs=(session,)
            )

    def _tell(self, trouble: Trouble) -> None:
        tell = self._watch.gone if trouble.sure else self._watch.unreachable
        tell(trouble.reason)

    def _tell_blocked(self) -> None:
        tell = self._watch.gone if role.lasts(self._blocked) else self._watch.unreachable
        tell(self._blocked)

    # -- what comes back

    def _answered(self, _: object, session: role.Canary) -> None:
        if session is not self._session or self._pinged_at is None:
            return
        self._heard()
        self._pinged_at = None
        if self._missing is not None:
            _log.info("bus.found", what=self._missing.reason)
            self._missing = None
        if not self._stuck and not self._blocked:
            self._watch.reached()

    def _not_answered(self, failure: Failure, session: role.Canary) -> None:
        if session is not self._session:
            return
        self._pinged_at = None
        self._heard()
        if isinstance(failure.value, Trouble):
            self._missing = failure.value
            self._tell(self._missing)

    def _returned(self, word: str) -> None:
        if word not in (known for known, _ in self._flock):
            return  # of an earlier session
        while self._flock:
            known, sent_at = self._flock.popleft()
            if known == word:
                now = self._reactor.seconds()
                self._trips = self._trips.learned(now - sent_at, now=now)
                break
        self._heard()
        if self._missing is not None:
            return
        if self._refusing():
            self._watch.reached()
        else:
            self._watch.proved()

    def _heard(self) -> None:
        now = self._reactor.seconds()
        self._gaps = self._gaps.learned(now - self._heard_at, now=now)
        self._heard_at = now
        self._seems = ""

    # -- the session

    def _open(self) -> Deferred[role.Canary]:
        self._perch = _Perch(self)
        return self._driver.canary(self._settings, base=self._base, holder=self._perch)

    def _made(self, session: role.Canary) -> None:
        if self._perch is None:  # lost in the same moment
            session.close()
            self._keeper.later()
            return
        self._session = session
        self._forget()
        self._keeper.well()
        self._watch.reached()
        self._look()

    def _failed(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._tell(trouble)

    def _leave(self, session: role.Canary, trouble: Trouble) -> None:
        """It has been silent for so long that another connection may do better."""
        self._session, self._perch = None, None
        self._trouble = trouble
        session.close()
        self._keeper.now()
        self._tell(trouble)

    def heard(self, perch: _Perch, what: str, word: Any) -> None:
        """An event of a session: of the one that counts, or of one that was left."""
        if perch is not self._perch or not self.running:
            return
        if what == "returned":
            self._returned(word)
        elif what == "blocked":
            self._block(word)
        else:
            self._session, self._perch = None, None
            self._trouble = word
            self._keeper.now()

    def _block(self, reason: str) -> None:
        self._blocked = reason
        # What was sent into a bus that does not read says nothing of its pace.
        self._flock.clear()
        if reason:
            self._tell_blocked()
        elif self._session is not None:
            self._pinged_at = None
            self._heard_at = self._reactor.seconds()
            self._look()

    def _look_closer(self) -> None:
        """Is anybody there at all? A frozen process still lets its kernel accept connections."""
        if self._touching is None and not self._seems:
            self._touching = self._touch()
            self._touching.addBoth(self._touched)

    def _touched(self, found: str | Failure) -> None:
        self._touching = None
        now = self._reactor.seconds()
        if isinstance(found, str) and now - self._heard_at > self._beat:
            self._seems = found


class _Perch:
    """Who holds one session of the canary (role `CanaryHolder`)."""

    def __init__(self, keeper: CanaryKeeper) -> None:
        self._keeper = keeper

    def returned(self, word: str) -> None:
        self._keeper.heard(self, "returned", word)

    def blocked(self, reason: str) -> None:
        self._keeper.heard(self, "blocked", reason)

    def lost(self, trouble: Trouble) -> None:
        self._keeper.heard(self, "lost", trouble)
