"""A telephone exchange in memory: each number busy, ringing out, answered by a person or by a machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

from gateway.asterisk.role import Ending, Outcome
from gateway.errors import TemporaryFailure, Uncertain
from gateway.service import spawn


@dataclass
class Ring:
    """One call as the exchange saw it."""

    number: str
    at: float
    token: str
    ended: float | None = None


class Placed:
    """Fills `gateway.asterisk.role.Placed`."""

    def __init__(self, ring, clock):
        self.channel = ring.token
        self._ring, self._clock = ring, clock
        self._waiting = []
        self._ended = None

    async def answered(self):
        return (await self.outcome()).ending.answered

    async def outcome(self):
        if self._ended is None:
            waited = Deferred()
            self._waiting.append(waited)
            return await waited
        if isinstance(self._ended, Exception):
            raise self._ended
        return self._ended

    async def hang_up(self):
        self.ends(Outcome(ending=Ending.EARLY, rang=True))

    def ends(self, how):
        if self._ended is not None:
            return
        self._ended, self._ring.ended = how, self._clock.seconds()
        for waited in self._waiting:
            if isinstance(how, Exception):
                waited.errback(how)
            else:
                waited.callback(how)


@dataclass
class Exchange:
    """Fills `gateway.asterisk.role.Phone`. `mood[number]`: "no answer" unless said otherwise."""

    clock: object
    mood: dict[str, object] = field(default_factory=dict)
    rings: list[Ring] = field(default_factory=list)
    now_ringing: dict[str, Placed] = field(default_factory=dict)

    async def call(self, number, token, *, caller="", timeout=30.0, context="", variables=None):
        mood = self.mood.get(number, "no answer")
        if mood == "lost":
            raise TemporaryFailure("no link to Asterisk", reasons=("unreachable",))
        ring = Ring(number, self.clock.seconds(), token)
        self.rings.append(ring)
        placed = self.now_ringing[number] = Placed(ring, self.clock)
        if callable(mood):  # a person: how long until they answer is theirs
            self.clock.callLater(2.0, lambda: spawn(self._talk(mood, placed, token), "talk"))
        elif mood == "no answer":
            out = Outcome(ending=Ending.NO_ANSWER, rang=True)
            self.clock.callLater(timeout, placed.ends, out)
        elif mood == "cut":
            self.clock.callLater(3.0, placed.ends, Uncertain("the link was lost"))
        elif mood != "rings for ever":
            self.clock.callLater(0.1, placed.ends, Outcome(ending=Ending(mood), rang=False))
        return placed

    async def _talk(self, person, placed, token):
        await person(token)
        placed.ends(Outcome(ending=Ending.DONE, rang=True, seconds=20.0))

    def numbers(self):
        return [ring.number for ring in self.rings]
