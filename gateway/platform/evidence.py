"""What is known for and against the platform, and the one judgement drawn from it.

Nothing here looks at a clock or a socket: evidence goes in with its moment, a `Verdict` comes out.

- *Absent*: the last good evidence is `down_after` old and bad evidence has come since.
- *Silent*: a message has waited `down_after` for an answer while nothing else was answered either. A
  frozen process still lets its kernel accept connections (measured with SIGSTOP), so no connection
  made meanwhile counts against silence.
- *Refusing*: `refusals` different messages in a row were answered AE or AR, or broke the connection.
- *Gone*: there is no doubt about it (nobody listens there, our credentials are refused), so a quarter of
  the patience is enough: it bridges a process that is being restarted.

After silence or refusals a connection proves nothing: only an accepted message does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class State(StrEnum):
    """The platform as the rest of the service sees it."""

    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    RECOVERING = "recovering"

    @property
    def open(self) -> bool:
        """Whether messages that somebody waits for are sent to it."""
        return self in (State.UP, State.SUSPECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The site's patience, in seconds and messages."""

    down_after: float
    up_after: float
    refusals: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All the evidence that still counts. Moments are seconds since the epoch."""

    good_at: float | None  # the last good evidence; None: none since the last verdict on it
    bad_since: float | None = None  # the first bad evidence after it
    gone_since: float | None = None  # likewise the first that leaves no doubt
    trouble: str = ""  # what the last bad evidence said
    calm_since: float = 0.0  # since when nothing bad was seen; counts while recovering
    waiting_since: float | None = None  # since when it owes an answer and gave none
    refused: tuple[str, ...] = ()  # control ids, since the last acceptance
    objection: str = ""  # what was said of the last of these, where something was
    wants_proof: bool = False  # only an accepted message is good evidence
    reached_at: float | None = None  # its last accepted connection, whatever that proves


class Verdict(StrEnum):
    """What the evidence asks of the state."""

    DOUBT = "doubt"  # something is wrong, not for long enough
    CLEAR = "clear"  # it was nothing
    FAIL = "fail"  # it is down
    HOPE = "hope"  # good evidence after an outage
    TRUST = "trust"  # good evidence only, for long enough


def reached(ledger: Ledger, *, now: float) -> Ledger:
    """It accepted a connection."""
    ledger = replace(ledger, reached_at=now)
    return ledger if ledger.wants_proof else _good(ledger, now=now)


def proved(ledger: Ledger, *, now: float) -> Ledger:
    """It accepted a message."""
    return _good(replace(ledger, refused=(), wants_proof=False, reached_at=now), now=now)


def failed(ledger: Ledger, reason: str, *, now: float) -> Ledger:
    """It could not be reached, or broke a connection."""
    since = now if ledger.bad_since is None else ledger.bad_since
    return replace(ledger, bad_since=since, trouble=reason, reached_at=None)


def gone(ledger: Ledger, reason: str, *, now: float) -> Ledger:
    """It could not be reached, and there is no doubt about it."""
    since = now if ledger.gone_since is None else ledger.gone_since
    return replace(failed(ledger, reason, now=now), gone_since=since)


def refused(ledger: Ledger, control_id: str, *, limits: Limits, why: str = "") -> Ledger:
    """It answered a message with AE or AR, or broke off over it: of no use for this message."""
    # One message that is tried again and again says nothing of the platform.
    others = tuple(c for c in ledger.refused if c != control_id)
    return replace(ledger, refused=(*others, control_id)[-limits.refusals :], objection=why)


def owed(ledger: Ledger, *, now: float) -> Ledger:
    """A message was sent while no answer was owed."""
    return replace(ledger, waiting_since=now)


def lost(ledger: Ledger) -> Ledger:
    """Its connection is gone, and every answer that was owed on it."""
    return replace(ledger, waiting_since=None)


def answered(ledger: Ledger, *, still: bool, now: float) -> Ledger:
    """An answer came; `still`: others are owed, and their silence begins now."""
    return replace(ledger, waiting_since=now if still else None)


def judge(
    ledger: Ledger, state: State, *, now: float, limits: Limits
) -> tuple[Verdict, str] | None:
    """The move that the evidence asks for in `state`, with its reason; None: stay."""
    fault = _fault(ledger, now=now, limits=limits)
    if state is State.DOWN:
        hopeful = ledger.good_at is not None and not fault
        return (Verdict.HOPE, "") if hopeful else None
    if fault:
        return Verdict.FAIL, fault
    if state is State.RECOVERING:
        return _recovering(ledger, now=now, limits=limits)
    doubt = _doubt(ledger, now=now, limits=limits)
    if state is State.UP and doubt:
        return Verdict.DOUBT, doubt
    return (Verdict.CLEAR, "") if state is State.SUSPECT and not doubt else None


def next_look(ledger: Ledger, state: State, *, now: float, limits: Limits) -> float | None:
    """The next moment at which `judge` could say something new without new evidence."""
    moments = [_silent_at(ledger, limits), _half_silent_at(ledger, limits)]
    if state is State.RECOVERING:
        moments.append(ledger.calm_since + limits.up_after)
    else:
        moments.append(_absent_at(ledger, limits))
    return min((m for m in moments if m is not None and m > now), default=None)


def fallen(ledger: Ledger, *, now: float, limits: Limits) -> Ledger:
    """The ledger after a FAIL: what condemned it is spent, and good evidence must come anew."""
    hung = silent(ledger, now=now, limits=limits) or refusing(ledger, limits=limits)
    return Ledger(good_at=None, wants_proof=hung, reached_at=ledger.reached_at)


def silent(ledger: Ledger, *, now: float, limits: Limits) -> bool:
    at = _silent_at(ledger, limits)
    return at is not None and now >= at


def refusing(ledger: Ledger, *, limits: Limits) -> bool:
    return len(ledger.refused) >= limits.refusals


def _good(ledger: Ledger, *, now: float) -> Ledger:
    return replace(ledger, good_at=now, bad_since=None, gone_since=None)


def _fault(ledger: Ledger, *, now: float, limits: Limits) -> str:
    if silent(ledger, now=now, limits=limits):
        return _with(f"no answer for {limits.down_after:g} s", ledger.trouble, ledger.bad_since)
    if refusing(ledger, limits=limits):
        said = f"refused or broke off {len(ledger.refused)} messages in a row"
        return f"{said}, {ledger.objection}" if ledger.objection else said
    absent = _absent_at(ledger, limits)
    return ledger.trouble if absent is not None and now >= absent else ""


def _with(said: str, trouble: str, since: float | None) -> str:
    """What was found of the trouble meanwhile goes with it."""
    return f"{said}, {trouble}" if trouble and since is not None else said


def _doubt(ledger: Ledger, *, now: float, limits: Limits) -> str:
    if ledger.bad_since is not None:
        return ledger.trouble
    half = _half_silent_at(ledger, limits)
    return "slow to answer" if half is not None and now >= half else ""


def _recovering(ledger: Ledger, *, now: float, limits: Limits) -> tuple[Verdict, str] | None:
    if ledger.bad_since is not None:
        return Verdict.FAIL, ledger.trouble
    fresh = ledger.good_at is not None and now - ledger.good_at < limits.down_after
    calm = now >= ledger.calm_since + limits.up_after
    return (Verdict.TRUST, "") if fresh and calm else None


def _absent_at(ledger: Ledger, limits: Limits) -> float | None:
    """When missing good evidence becomes absence.

    The last good evidence may be old for innocent reasons (rare probes, a machine that was asleep):
    the trouble itself must have lasted a third of the patience.
    """
    if ledger.bad_since is None:
        return None
    lasted = ledger.bad_since + limits.down_after / 3
    absent = lasted if ledger.good_at is None else max(ledger.good_at + limits.down_after, lasted)
    if ledger.gone_since is None:
        return absent
    return min(absent, ledger.gone_since + limits.down_after / 4)


def _silent_at(ledger: Ledger, limits: Limits) -> float | None:
    return None if ledger.waiting_since is None else ledger.waiting_since + limits.down_after


def _half_silent_at(ledger: Ledger, limits: Limits) -> float | None:
    return None if ledger.waiting_since is None else ledger.waiting_since + limits.down_after / 2
