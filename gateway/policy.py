"""After an attempt, what next? Retry, failover and escalation are one question with one pure answer.

Nothing here looks at a clock, a store or a device: a `Delivery` and what happened go in, a `Move`
comes out. The dispatcher writes the move down in one commit and only then acts on it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from gateway.delivery import Delivery, NewDelivery, Outcome, Purpose, State, Step, alongside
from gateway.message import Priority

#: Seconds between tries within a step: doubled each time, never more than the last.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
#: A link to the platform that breaks gets one more try after this long, then paper goes out.
PLATFORM_PAUSE, PLATFORM_TRIES = 0.3, 2
#: Pauses before a plan that was exhausted begins again at its first paper step.
CYCLE_PAUSES = (5.0, 15.0, 60.0)
#: After this many prints that nobody could confirm, only hourly: no endless paper without a person.
DOUBTFUL_CYCLES, DOUBTFUL_PAUSE = 1, 3600.0
#: Between two calls to the same telephone: long enough to hang up and walk to it.
CALL_PAUSE = 15.0
#: A hand-back the platform refuses this often is refused for good, and told.
HANDBACK_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What to write down: the delivery as it will stand, what else is now owed, and what to say of it."""

    after: Delivery
    extra: tuple[NewDelivery, ...] = ()
    note: str = ""
    alarm: str = ""  # "" or why a person should look


def after_attempt(
    delivery: Delivery, outcome: Outcome, *, detail: str, now: float, devices: int = 1
) -> Move:
    """The move after an attempt at the current step ended. `devices`: how many the step could use."""
    tried = replace(delivery, tries=delivery.tries + 1)
    if outcome is Outcome.DELIVERED:
        return Move(after=replace(tried, state=State.DELIVERED, due=None), note=detail)
    if delivery.at.by == "platform":
        if delivery.purpose is Purpose.WARD:
            return _platform_failed(tried, outcome, detail=detail, now=now)
        return _relay_failed(tried, outcome, detail=detail, now=now)
    if delivery.at.by == "call":
        return _call_failed(tried, outcome, detail=detail, now=now)
    if outcome is Outcome.UNCERTAIN:
        return advance(replace(tried, doubtful=True), reason=detail, now=now)
    if outcome is Outcome.PERMANENT:
        return advance(tried, reason=detail, now=now)
    return _paper_failed(tried, detail=detail, now=now, devices=devices)


def platform_is_down(delivery: Delivery, *, reason: str, now: float) -> Move:
    """The platform is known to be down: nobody waits for it."""
    if delivery.purpose is Purpose.WARD:
        return advance(delivery, reason=reason, now=now)
    return Move(after=replace(delivery, state=State.HELD, due=None, tries=0), note=reason)


def after_trial(delivery: Delivery, *, detail: str, now: float) -> Move:
    """A platform that was given up did not take what it was tried with. That says nothing of the message:
    it waits for a better hour, others are tried meanwhile, and nothing is refused for good."""
    due = now + LONGEST_PAUSE
    return Move(after=replace(delivery, state=State.OPEN, due=due, reason=detail), note=detail)


def begun_down(new: NewDelivery, *, reason: str) -> tuple[NewDelivery, ...]:
    """The same for a delivery that is not a row yet: it need not first stand in the platform's lane."""
    relayed = new.purpose is Purpose.WARD and new.steps[0].by == "platform"
    if not relayed or len(new.steps) == 1:
        return (new,)
    after = replace(new, step=1, degraded=True, reason=reason)
    beside = (alongside(after, new.beside),) if new.beside else ()
    return (after, _owed(new), *beside)


def deadline_passed(delivery: Delivery, *, reason: str, now: float) -> Move:
    """The step's time is up while the delivery was waiting."""
    return advance(delivery, reason=delivery.reason or reason, now=now)


def postpone(delivery: Delivery, *, reason: str, due: float) -> Move:
    """Nothing was tried: it is looked at again at `due`, or goes on where its step is over by then."""
    if _past(delivery, due):
        return advance(delivery, reason=reason, now=due)
    return Move(after=replace(delivery, state=State.OPEN, due=due, reason=reason))


def no_device(delivery: Delivery, *, reason: str, now: float) -> Move:
    """Every device of this step is known to be in trouble.

    What is critical goes on at once; the rest waits for the device until the step's deadline
    (the device's recovery wakes it before).
    """
    pressing = delivery.priority is Priority.CRITICAL and not _last_paper(delivery)
    if pressing or _past(delivery, now):
        return advance(delivery, reason=reason, now=now)
    wait = delivery.deadline if delivery.deadline is not None else now + DOUBTFUL_PAUSE
    why = _why(delivery, reason)
    return Move(after=replace(delivery, state=State.OPEN, due=wait, reason=why), note=reason)


def confirmed_elsewhere(delivery: Delivery, *, proof: str) -> Move:
    """The platform has it after all: nothing more is wanted on paper."""
    return Move(after=replace(delivery, state=State.WITHDRAWN, due=None), note=proof)


def recall(delivery: Delivery, *, by: str, now: float) -> Move | None:
    """A printer of an earlier step is back: what waits further down the plan comes back to it.

    None when the delivery is not past that step, or may be on paper already.
    """
    earlier = [i for i, step in enumerate(delivery.steps[: delivery.step]) if step.by == by]
    if delivery.state is not State.OPEN or delivery.doubtful or not earlier:
        return None
    back = replace(delivery, step=earlier[0], step_since=now, due=now, tries=0)
    return Move(after=back, note=f"back to {by}")


def advance(delivery: Delivery, *, reason: str, now: float) -> Move:
    """To the next step; past the last one the plan begins again at its first paper step, and says so."""
    left_platform = delivery.at.by in ("platform", "confirm")
    following = replace(
        delivery,
        state=State.OPEN,
        tries=0,
        reason=reason,
        degraded=delivery.degraded or left_platform,
        step_since=now,
        due=now,
    )
    relayed = delivery.at.by == "platform" and delivery.purpose is Purpose.WARD
    extra: tuple[NewDelivery, ...] = (_owed(delivery),) if relayed else ()
    if left_platform and delivery.beside:
        extra += (alongside(following, delivery.beside),)
    if delivery.step + 1 < len(delivery.steps):
        return Move(after=replace(following, step=delivery.step + 1), extra=extra, note=reason)
    return _begin_again(following, extra=extra, reason=reason, now=now)


def choose(devices: Sequence[str], *, trouble: Collection[str], tries: int) -> str | None:
    """The device to try: the first that is not known to be in trouble, others in turn on later tries."""
    usable = [name for name in devices if name not in trouble]
    return usable[tries % len(usable)] if usable else None


def _platform_failed(tried: Delivery, outcome: Outcome, *, detail: str, now: float) -> Move:
    again = outcome is Outcome.TEMPORARY and tried.tries < PLATFORM_TRIES
    if again and not _past(tried, now + PLATFORM_PAUSE):
        due = now + PLATFORM_PAUSE
        return Move(after=replace(tried, state=State.OPEN, due=due, reason=detail), note=detail)
    # What it refuses today it may take tomorrow: it is owed to it all the same, and a refusal that stands is
    # told. The messages whose refusals condemned it would be missing from its record otherwise.
    return advance(tried, reason=detail, now=now)


def _relay_failed(tried: Delivery, outcome: Outcome, *, detail: str, now: float) -> Move:
    if outcome is Outcome.PERMANENT and tried.tries >= (
        1 if tried.purpose is Purpose.RELAY else HANDBACK_TRIES
    ):
        return Move(
            after=replace(tried, state=State.REFUSED, due=None, reason=detail),
            extra=(_told_to_lab(tried, detail),) if tried.purpose is Purpose.RELAY else (),
            note=detail,
            alarm=f"the platform refuses a message: {detail}",
        )
    due = now + _pause(tried.tries)
    return Move(after=replace(tried, state=State.OPEN, due=due, reason=detail), note=detail)


def _call_failed(tried: Delivery, outcome: Outcome, *, detail: str, now: float) -> Move:
    """Nobody has it yet: ring again in a while, until the step's time is up."""
    due = now + CALL_PAUSE
    if outcome is Outcome.PERMANENT or _past(tried, due):
        return advance(tried, reason=detail, now=now)
    return Move(after=replace(tried, state=State.OPEN, due=due, reason=detail), note=detail)


def _paper_failed(tried: Delivery, *, detail: str, now: float, devices: int) -> Move:
    another = tried.tries < devices
    pressing = tried.priority is Priority.CRITICAL and not another and not _last_paper(tried)
    due = now if another else now + _pause(tried.tries - devices)
    if _past(tried, due) or pressing:
        return advance(tried, reason=detail, now=now)
    why = _why(tried, detail)
    return Move(after=replace(tried, state=State.OPEN, due=due, reason=why), note=detail)


def _why(delivery: Delivery, detail: str) -> str:
    """A courier slip says why nobody else has it, whatever trouble the lab's own printer had with it."""
    return delivery.reason if delivery.at.by == "courier" and delivery.reason else detail


def _begin_again(
    following: Delivery, *, extra: tuple[NewDelivery, ...], reason: str, now: float
) -> Move:
    cycles = following.cycles + 1
    pause = CYCLE_PAUSES[min(cycles, len(CYCLE_PAUSES)) - 1]
    if following.doubtful and cycles >= DOUBTFUL_CYCLES:
        pause = DOUBTFUL_PAUSE
    again = replace(following, step=_first_paper(following.steps), cycles=cycles, due=now + pause)
    return Move(
        after=replace(again, step_since=now + pause),
        extra=extra,
        note=reason,
        alarm=f"no device took it: {reason}",
    )


def _owed(delivery: Delivery | NewDelivery) -> NewDelivery:
    """What fallback delivers is owed to the platform when it is back."""
    return NewDelivery(
        to="PLATFORM",
        purpose=Purpose.HANDBACK,
        priority=delivery.priority,
        steps=(Step(by="platform"),),
        state=State.HELD,
    )


def _told_to_lab(delivery: Delivery, detail: str) -> NewDelivery:
    return NewDelivery(
        to="LAB",
        purpose=Purpose.NOTICE,
        priority=delivery.priority,
        steps=(Step(by="courier"),),
        reason=detail,
    )


def _first_paper(steps: Sequence[Step]) -> int:
    for index, step in enumerate(steps):
        if step.by not in ("platform", "confirm"):
            return index
    return 0


def _last_paper(delivery: Delivery) -> bool:
    return delivery.step + 1 >= len(delivery.steps)


def _past(delivery: Delivery, moment: float) -> bool:
    return delivery.deadline is not None and moment >= delivery.deadline


def _pause(tries: int) -> float:
    return float(min(FIRST_PAUSE * 2 ** max(0, min(tries, 10)), LONGEST_PAUSE))
