"""One call that was placed: fills the role `gateway.asterisk.role.Placed`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from gateway.asterisk.ami.words import Event
from gateway.asterisk.call import machine
from gateway.asterisk.call.evidence import Evidence
from gateway.asterisk.fastagi.server import Leg
from gateway.asterisk.role import Lost, Outcome
from gateway.errors import Uncertain

T = TypeVar("T")

_DONE = {"WardlineTalk": ("Done", "1"), "FaxOut": ("Status", "SUCCESS")}


class Waiters(Generic[T]):
    """A value that comes once, for however many wait for it."""

    def __init__(self) -> None:
        self._value: list[T] = []
        self._error: list[Exception] = []
        self._waiting: list[Deferred[T]] = []

    def come(self, value: T) -> None:
        if not self._value and not self._error:
            self._value.append(value)
            for waiting in self._take():
                waiting.callback(value)

    def fail(self, error: Exception) -> None:
        if not self._value and not self._error:
            self._error.append(error)
            for waiting in self._take():
                waiting.errback(error)

    async def wait(self) -> T:
        if self._error:
            raise self._error[0]
        if self._value:
            return self._value[0]
        waiting: Deferred[T] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return await waiting

    def _take(self) -> list[Deferred[T]]:
        waiting, self._waiting = self._waiting, []
        return waiting


class PlacedCall:
    """`leg` tells how far the program of its token has come; `hang` asks Asterisk to end a channel.

    `patient`: it is waited for longer than the link may be away.
    """

    def __init__(
        self,
        channel: str,
        *,
        reactor: IReactorTime,
        leg: Callable[[], Leg],
        hang: Callable[[str], Deferred[None]],
        on_over: Callable[[PlacedCall], None],
        patient: bool = False,
    ) -> None:
        self.channel = channel
        self.patient = patient
        self.evidence = Evidence(channel)
        self.state = "dialled"
        self._lost: Uncertain = Lost("the link to Asterisk was lost during the call")
        self._reactor = reactor
        self._leg = leg
        self._hang = hang
        self._on_over = on_over
        self._since: float | None = None
        self._answered: Waiters[bool] = Waiters()
        self._outcome: Waiters[Outcome] = Waiters()
        self._machine = machine.build(self)

    async def answered(self) -> bool:
        return await self._answered.wait()

    async def outcome(self) -> Outcome:
        return await self._outcome.wait()

    async def hang_up(self) -> None:
        if self.state not in ("over", "unknown"):
            await self._hang(self.channel)

    # --- what the phone tells it

    def hear(self, event: Event) -> None:
        self.evidence.hear(event)
        self._move()

    def doubt(self) -> None:
        """The link is lost: from now on nothing is known."""
        self._machine.doubt()

    def found(self, channels: list[Event]) -> None:
        """Asterisk was asked which channels there are: `channels` are those of this call."""
        self.evidence.live = {c["Uniqueid"] for c in channels}
        for channel in channels:
            if channel["Channel"].startswith("Local/"):
                continue
            self.evidence.far = True
            self.evidence.look(channel["ChannelStateDesc"])
        if channels:
            self.evidence.seen = True
            self._machine.find()
            self._move()
        elif self._leg() is not Leg.EXPECTED:
            self.evidence.answered = True  # its program talked to somebody: that is known
            self._machine.end()
        else:
            self._lost = Uncertain("the call is over, and nobody heard how it ended")
            self._machine.give_up()

    def give_up(self) -> None:
        self._machine.give_up()

    def _move(self) -> None:
        if self.evidence.rang:
            self._machine.ring()
        if self.evidence.answered:
            self._machine.answer()
        if self.evidence.over:
            self._machine.end()

    # --- what the machine does

    def enter(self, state: str) -> None:
        self.state = state
        if state == "answered":
            self._since = self._reactor.seconds() if self._since is None else self._since
            self._answered.come(True)
        elif state == "over":
            seconds = 0.0 if self._since is None else self._reactor.seconds() - self._since
            outcome = self.evidence.outcome(done=self._done(), seconds=seconds)
            self._on_over(self)  # first: whoever waited may call again at once
            self._answered.come(outcome.ending.answered)
            self._outcome.come(outcome)
        elif state == "unknown":
            self._on_over(self)
            self._answered.fail(self._lost)
            self._outcome.fail(self._lost)

    def _done(self) -> bool:
        told = self.evidence.told
        said = any(told.get(field) == value for field, value in _DONE.values())
        return said or self._leg() is Leg.DONE
