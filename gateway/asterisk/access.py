"""Personal codes: a code and a PIN, the same answer for every reason to refuse, and no endless guessing.

Wrong PINs are counted in the store before they are looked at: neither a restart nor hanging up in the
middle makes one free.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from twisted.internet.defer import DeferredLock

from gateway.clock import Clock
from gateway.directory import Person
from gateway.service import Aside, at_once
from gateway.store import Store

DIGITS = 6  # of the shortest PIN
#: This many wrong PINs within an hour close a line for a person until so long (seconds) after the last one;
#: so many from wherever close every line.
FAILS, WINDOW, LOCKED = 5, 3600.0, 900.0
TOTAL = 2 * FAILS
#: Telephones from which somebody got in: so many are remembered as theirs.
LINES = 3
#: More wrong PINs than this in so many seconds, whoever is tried: somebody is guessing.
MANY, SOON = 20, 600.0

_STATE = "access/"
_ALL = "access/*"
_RUNG = "rung "
# OWASP's second choice for argon2id: 19 MiB, two passes. 40 ms here; in a thread.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Somebody nobody knows takes as long to be refused as anybody else.
_NOBODY = _HASHER.hash("a PIN of figures never equals this")


class Weak(ValueError):
    """A PIN that others would guess; the message says why."""


def hashed(pin: str, *, code: str = "") -> str:
    """The hash of a PIN, for the site's file. Raises Weak."""
    check(pin, code=code)
    return _HASHER.hash(pin)


def check(pin: str, *, code: str = "") -> None:
    """Raise Weak for what a stranger would try first."""
    if not re.fullmatch(r"[0-9]+", pin):
        raise Weak("a PIN is made of figures")
    if len(pin) < DIGITS:
        raise Weak(f"a PIN has at least {DIGITS} figures")
    if len(pin) > 16:
        raise Weak("a PIN has at most 16 figures")
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if len(steps) == 1:
        raise Weak("figures in a row, or all the same")
    if len(set(pin)) < 3:
        raise Weak("too few different figures")
    if any(pin == pin[:n] * (len(pin) // n) for n in (2, 3, 4) if len(pin) % n == 0):
        raise Weak("the same figures again and again")
    if code and (code in pin or pin in code):
        raise Weak("it holds the personal code")
    if re.fullmatch(r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)?\d\d", pin):
        raise Weak("it looks like a date")


@dataclass(slots=True)
class _Tries:
    """Wrong PINs by moment and line, oldest first; the person's own lines, and the lock that lets one PIN in
    at a time."""

    fails: list[tuple[float, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # the last one that they got in from stands last
    turn: DeferredLock = field(default_factory=DeferredLock)

    def locked(self, line: str, now: float) -> bool:
        recent = [fail for fail in self.fails if fail[0] > now - WINDOW]
        here = [fail for fail in recent if fail[1] == line]
        return _full(here, FAILS, now) or _full(recent, TOTAL, now)

    def kept(self) -> dict[str, Any] | None:
        return {"fails": self.fails, "lines": self.lines} if self.fails or self.lines else None

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> _Tries:
        fails = kept.get("fails", ())
        # An earlier release kept moments only.
        return cls(
            [
                (float(f[0]), str(f[1])) if isinstance(f, list | tuple) else (float(f), "")
                for f in fails
            ],
            [str(line) for line in kept.get("lines", ())],
        )


def _full(fails: Sequence[tuple[float, str]], most: int, now: float) -> bool:
    return len(fails) >= most and fails[-1][0] > now - LOCKED


class Access:
    """Who a code and a PIN belong to."""

    def __init__(
        self,
        people: Mapping[str, Person],
        *,
        store: Store,
        clock: Clock,
        aside: Aside = at_once,
        alarm: Callable[[int], None] = lambda fails: None,
    ) -> None:
        """`alarm` is called with the number of wrong PINs when there are many, once in ten minutes."""
        self._people = people
        self._store = store
        self._clock = clock
        self._aside = aside
        self._alarm = alarm
        self._alarmed = float("-inf")
        self._tries: dict[str, _Tries] = {}
        self._all: list[float] = []

    async def open(self) -> None:
        """Take up what was counted before a restart."""
        for name, value in (await self._store.recall(_STATE)).items():
            if name == _ALL:
                self._all = [float(at) for at in value.get("fails", ())]
            else:
                self._tries[name.removeprefix(_STATE)] = _Tries.of(value)

    async def person(
        self, code: str, pin: str, *, line: str = "", rung: bool = False
    ) -> Person | None:
        """Whose code and PIN these are; None for any other, and while too many wrong ones were keyed.

        `line`: the caller's number. It can be forged, so it opens nothing: wrong PINs are counted for each
        line that is the person's own (theirs in the directory, one they got in from before), and together for
        all others, so that a stranger closes no telephone but a stranger's. `rung`: we dialled that line.
        Takes as long whatever the reason; a locked person's PIN is not even compared.
        """
        known = self._people.get(code)
        # All who do not exist wait in one row: no memory for every number that somebody makes up.
        tries = self._tries.setdefault(code if known else "", _Tries())
        await tries.turn.acquire()
        try:
            counted = _counted(known, tries, line=line, rung=rung)
            return await self._judged(known, pin, tries, line=line, counted=counted)
        finally:
            tries.turn.release()

    async def _judged(
        self, known: Person | None, pin: str, tries: _Tries, *, line: str, counted: str
    ) -> Person | None:
        now = self._clock.now()
        locked = known is None or not known.pin or tries.locked(counted, now)
        tries.fails = [fail for fail in tries.fails if fail[0] > now - WINDOW]
        if known is not None and not locked:
            tries.fails.append((now, counted))
        await self._keep(known, tries, now=now)
        against = _NOBODY if locked or known is None else known.pin
        right = await self._aside(partial(_fits, against, pin))
        if not right or locked:
            await self._wrong(now)
            return None
        # What strangers keyed elsewhere still counts against strangers.
        tries.fails = [fail for fail in tries.fails if fail[1] != counted]
        if line and not counted.startswith(_RUNG):
            tries.lines = [*(own for own in tries.lines if own != line), line][-LINES:]
        await self._keep(known, tries, now=now)
        return known

    async def _keep(self, known: Person | None, tries: _Tries, *, now: float) -> None:
        # Written for nobody as well: who is unknown must take as long as who is known.
        value = tries.kept() if known is not None else None
        await self._store.remember(f"{_STATE}{known.code if known else '?'}", value, at=now)

    async def _wrong(self, now: float) -> None:
        recent = [at for at in self._all if at > now - SOON]
        self._all = [*recent[-2 * MANY :], now]
        await self._store.remember(_ALL, {"fails": self._all}, at=now)
        if len(self._all) > MANY and self._alarmed < now - SOON:
            self._alarmed = now
            self._alarm(len(self._all))


def _counted(known: Person | None, tries: _Tries, *, line: str, rung: bool) -> str:
    """Under which line a try counts; "" for all those that are nobody's."""
    if rung:
        return _RUNG + line  # nobody can forge what we dialled
    own = known is not None and bool(line) and line in (known.phone.replace(" ", ""), *tries.lines)
    return line if own else ""


def _fits(pin_hash: str, pin: str) -> bool:
    try:
        return _HASHER.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False
