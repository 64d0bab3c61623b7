"""One lane and one device: how its worker asks the store."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from gateway.clock import ReactorClock
from gateway.delivery import Attempt, Outcome, State, Step
from gateway.directory import Directory, Ward
from gateway.dispatcher import Dispatcher
from gateway.health import OK, Health
from gateway.policy import Move
from gateway.store import rows
from tests.unit.store.samples import new

CARD = Ward(code="CARD", name="Cardiologie", devices=("cardio",))


def delivery(number):
    row = rows.begun(
        new(steps=(Step(by="slip"),)), id=number, message_id=number, patient_key=str(number), at=0.0
    )
    return replace(row, state=State.SENDING)


class Ledger:
    """A store that writes down what is asked of it, and answers when it is told to."""

    def __init__(self, *numbers):
        self.waiting = list(map(delivery, numbers))
        self.asked = []
        self.unanswered = []

    def claim(self, lane, *, node, now, limit, busy=()):
        self.asked.append("claim")
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return self._later(taken)

    def settle(self, before, after, *, at, attempt, extra, note):
        self.asked.append(f"settle {before.id}")
        return self._later(after)

    def recover(self, *, node, now):
        return succeed(0)

    def lanes(self):
        return succeed({})

    def overdue(self, *, now, limit):
        return succeed([])

    def commit(self):
        """Everything asked for by now is on disk; what it was."""
        asked, unanswered = self.asked, self.unanswered
        self.asked, self.unanswered = [], []
        for done, result in unanswered:
            done.callback(result)
        return asked

    def _later(self, result):
        self.unanswered.append((Deferred(), result))
        return self.unanswered[-1][0]


class Press:
    """Prints at once."""

    def __init__(self):
        self.printed = []

    async def attempt(self, row, device):
        self.printed.append(row.id)
        attempt = Attempt(id=row.id, delivery_id=row.id, channel="slip", device=device, at=0.0)
        after = replace(row, state=State.DELIVERED, due=None)
        return row, replace(attempt, outcome=Outcome.DELIVERED), Move(after=after)


def started(store, press):
    clock = ReactorClock(Clock(), wall=0.0)
    health = Health(["cardio"], now=0.0)
    health.report("cardio", state=OK, now=0.0)
    directory = Directory.of({"CARD": CARD}, lab=Ward(code="LAB", name="Laboratoire"))
    dispatcher = Dispatcher(
        store,
        directory,
        devices=["cardio"],
        relay=None,
        press=press,
        health=health,
        clock=clock,
        node="n",
    )
    Deferred.fromCoroutine(dispatcher.start())
    return dispatcher


def test_a_slips_end_and_the_next_claim_are_one_commit():
    store, press = Ledger(1, 2), Press()
    started(store, press).kick("CARD/slip")

    assert store.commit() == ["claim"]
    assert store.commit() == ["settle 1", "claim"]
    assert store.commit() == ["settle 2", "claim"]
    assert store.commit() == []
    assert press.printed == [1, 2]


def test_whoever_waits_for_the_device_has_it_before_the_lanes_next_slip():
    store, press = Ledger(1, 2), Press()
    dispatcher = started(store, press)
    dispatcher.kick("CARD/slip")
    turn = dispatcher.gate("cardio").acquire()

    assert store.commit() == ["claim"]
    assert store.commit() == ["settle 1"]
    assert turn.called
    assert press.printed == [1]
    dispatcher.gate("cardio").release()
    assert store.commit() == ["claim"]
    assert press.printed == [1, 2]


def test_two_idle_lanes_of_one_device_come_to_rest():
    store, press = Ledger(), Press()
    dispatcher = started(store, press)
    for lane in ("CARD/slip", "LAB/courier", "CARD/slip"):
        dispatcher.kick(lane)

    commits = 0
    while store.commit():
        commits += 1
        assert commits < 10
