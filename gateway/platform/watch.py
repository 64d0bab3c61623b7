"""Is the main platform up? The one place that says so, from evidence and from people's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.channels.platform import Settings
from gateway.clock import Clock
from gateway.platform import evidence, machine
from gateway.platform.evidence import Ledger, Limits, State

__all__ = ["Change", "Limits", "Standing", "State", "Watch"]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is to be remembered of the platform over a restart."""

    state: State
    since: float  # seconds since the epoch, UTC
    reason: str = ""
    by: str = ""  # the person whose word holds; "" when the watch judges
    proof: bool = False  # it was silent or refusing: only an accepted message counts for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One move of the platform's state."""

    before: Standing
    after: Standing

    @property
    def begins(self) -> bool:
        """An outage begins: the one alarm when it goes."""
        return self.before.state.open and self.after.state is State.DOWN

    @property
    def ends(self) -> bool:
        """The outage is over: the one alarm when it comes back."""
        return not self.before.state.open and self.after.state is State.UP


class Watch:
    """Hears the evidence of the link and the probe, and tells its observers of every change once.

    Fills the role `gateway.channels.platform.Evidence`.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        reactor: IReactorTime,
        clock: Clock,
        standing: Standing | None = None,
    ) -> None:
        now = clock.now()
        self.observers: list[Callable[[Change], None]] = []
        self.probe_now: Callable[[], None] = _nothing
        self._limits = limits
        self._reactor = reactor
        self._clock = clock
        self._looking: IDelayedCall | None = None
        self._stopped = False
        self._moving = self._missed = False
        self._revive(standing or Standing(state=State.UP, since=now), now=now)

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        reactor: IReactorTime,
        clock: Clock,
        standing: Standing | None = None,
    ) -> Watch:
        """The watch that a site's `[platform]` asks for."""
        limits = Limits(
            down_after=settings.down_after,
            up_after=settings.up_after,
            refusals=settings.refusals,
        )
        return cls(limits, reactor=reactor, clock=clock, standing=standing)

    # -- what it says

    @property
    def standing(self) -> Standing:
        return replace(self._standing, proof=self._ledger.wants_proof)

    @property
    def state(self) -> State:
        return self._standing.state

    @property
    def since(self) -> float:
        return self._standing.since

    @property
    def reason(self) -> str:
        return self._standing.reason

    @property
    def by(self) -> str:
        return self._standing.by

    @property
    def open(self) -> bool:
        """Whether messages that somebody waits for are sent to it now."""
        return self.state.open

    @property
    def trial(self) -> bool:
        """Whether, though it is not open, one message at a time may be tried on it.

        While it recovers; and while it is down after silence or refusals but accepts connections,
        since only an accepted message can prove it then.
        """
        if self.state is State.RECOVERING:
            return True
        hung = self.state is State.DOWN and not self.by and self._ledger.wants_proof
        return hung and self._ledger.reached_at is not None

    @property
    def trial_limit(self) -> float | None:
        """None while open; else how many seconds the single message on trial may take."""
        return None if self.open else self._limits.down_after

    def admits(self, *, trial: bool) -> bool:
        """Whether a message may be sent to it now; `trial`: one that nobody waits for."""
        return self.open or (trial and self.trial)

    def up_since(self, moment: float) -> bool:
        """Whether it was open the whole time from `moment` to now, and is not doubted now."""
        return self.state is State.UP and self._open_since <= moment

    def snapshot(self) -> dict[str, object]:
        """For `status --json`."""
        keys = ("state", "since", "reason", "by")
        return {key: getattr(self._standing, key) for key in keys}

    # -- what people say

    def say_down(self, *, by: str, reason: str) -> None:
        """It is down until somebody says it is up, whatever the evidence."""
        self._move("say_down", reason, by)
        self._arm()

    def say_up(self, *, by: str, reason: str = "") -> None:
        """It is up; judging goes on with the next good evidence."""
        self._move("say_up", reason, by)
        self._arm()

    # -- evidence (role `gateway.channels.platform.Evidence`)

    def reached(self) -> None:
        """It accepted a connection."""
        self._weigh(evidence.reached(self._ledger, now=self._clock.now()))

    def proved(self) -> None:
        """It accepted the site's probe message."""
        self._weigh(evidence.proved(self._ledger, now=self._clock.now()))

    def unreachable(self, reason: str) -> None:
        """It refused a connection, or did not answer a probe in time."""
        self._weigh(evidence.failed(self._ledger, reason, now=self._clock.now()))

    def gone(self, reason: str) -> None:
        """Nobody listens there, or it will not have us: what needs no patience to be believed."""
        self._weigh(evidence.gone(self._ledger, reason, now=self._clock.now()))

    def lost(self, reason: str, *, owing: str) -> None:
        """Its connection broke while an answer was owed to the message `owing`; "": while it was idle,
        which many engines do. One that breaks on every message is of no more use than one that refuses."""
        ledger = evidence.lost(self._ledger)
        if owing:
            ledger = evidence.failed(ledger, reason, now=self._clock.now())
            ledger = evidence.refused(ledger, owing, limits=self._limits)
        self._weigh(ledger)
        self.probe_now()

    def owed(self) -> None:
        """A message was sent while no answer was owed."""
        self._weigh(evidence.owed(self._ledger, now=self._clock.now()))

    def acked(self, *, still: bool) -> None:
        """It accepted a message; `still`: other answers are owed."""
        now = self._clock.now()
        self._weigh(evidence.answered(evidence.proved(self._ledger, now=now), still=still, now=now))

    def refused(self, control_id: str, *, still: bool, why: str = "") -> None:
        """It refused a message, and may have said why."""
        now = self._clock.now()
        ledger = evidence.refused(self._ledger, control_id, limits=self._limits, why=why)
        self._weigh(evidence.answered(ledger, still=still, now=now))

    def stop(self) -> None:
        """Judge no more."""
        self._stopped = True
        if self._looking is not None and self._looking.active():
            self._looking.cancel()

    # -- judging

    def _revive(self, standing: Standing, *, now: float) -> None:
        """Begin where the last process ended. What it knew is old: an open platform has the benefit
        of the doubt for one patience, a lost one must be seen again."""
        self._standing = standing
        self._open_since = now
        self._ledger = Ledger(
            good_at=now if standing.state.open else None,
            calm_since=now,
            wants_proof=standing.proof,
        )
        if standing.state is State.RECOVERING:
            self._ledger = replace(self._ledger, good_at=now)
        self._machine = machine.build(self, state=standing.state, said=bool(standing.by))
        self._arm()

    def _weigh(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._look()

    def _look(self) -> None:
        if self._stopped:  # our own goodbye is no evidence
            return
        if self._moving:
            self._missed = True
            return
        now = self._clock.now()
        found = evidence.judge(self._ledger, self._judged, now=now, limits=self._limits)
        if found is not None:
            verdict, reason = found
            self._move(verdict, reason, "")
        self._arm()

    def _move(self, verdict: str, reason: str, by: str) -> None:
        """What observers do about a move may be evidence itself: that is looked at once it is made."""
        self._moving, self._missed = True, False
        try:
            getattr(self._machine, verdict)(reason, by)
        finally:
            self._moving = False
        if self._missed:
            self._look()

    @property
    def _judged(self) -> State:
        """While a person's word holds, the evidence can only say that there is good evidence again."""
        return State.DOWN if self.by else self.state

    def _arm(self) -> None:
        """See to it that somebody looks at the next moment that matters; an earlier look does no harm."""
        now = self._clock.now()
        at = evidence.next_look(self._ledger, self._judged, now=now, limits=self._limits)
        if at is None or self._stopped:
            return
        if self._looking is not None and self._looking.active():
            if self._looking.getTime() <= self._reactor.seconds() + at - now:
                return
            self._looking.cancel()
        self._looking = self._reactor.callLater(at - now, self._look)

    def enter(self, state: State, *, reason: str, by: str) -> None:
        """A transition of the machine (role `machine.Core`): made here, and told once."""
        now, before = self._clock.now(), self.standing
        self._ledger = self._carried(state, by=by, now=now)
        since = before.since if before.state is state else now
        if state is State.RECOVERING:
            reason = before.reason  # what it recovers from
        self._standing = Standing(state=state, since=since, reason=reason, by=by)
        if state.open and not before.state.open:
            self._open_since = now
        self._tell(Change(before=before, after=self.standing))

    def _carried(self, state: State, *, by: str, now: float) -> Ledger:
        """The evidence that still counts in the new state."""
        ledger = self._ledger
        if by:
            return Ledger(
                good_at=None, wants_proof=ledger.wants_proof, reached_at=ledger.reached_at
            )
        if state is State.DOWN:
            return evidence.fallen(ledger, now=now, limits=self._limits)
        if state is State.RECOVERING:
            return replace(ledger, calm_since=now)
        return ledger

    def _tell(self, change: Change) -> None:
        after = change.after
        tell = _log.warning if change.begins or change.ends else _log.info
        tell("platform.state", state=after.state.value, reason=after.reason, by=after.by)
        for observer in list(self.observers):
            try:
                observer(change)
            except Exception:  # noqa: BLE001 - one deaf observer must not silence the others
                _log.exception("platform.observer_failed")


def _nothing() -> None:
    """No probe to hurry."""
