"""What the link to a bus promises of each message, over sessions in memory and fake time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.bus.link import LINGER, PlatformLink
from gateway.bus.role import Declined, Trouble, Unroutable, Verdict
from gateway.clock import ReactorClock
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.hl7 import mark_delivered
from tests.unit.bus.fake import Driver, Judge, Parcels, message, settings


class Bench:
    def __init__(self, **more):
        self.clock, self.driver, self.judge = Clock(), Driver(), Judge()
        self.late, self.results = [], {}
        self.parcels = Parcels()
        self.link = PlatformLink(
            settings(**more),
            driver=self.driver,
            base=Path(),
            reactor=self.clock,
            clock=ReactorClock(self.clock, wall=1000.0),
            evidence=self.judge,
            on_late=self.late.append,
        )
        self.link.startService()

    def send(self, control_id, *, timeout=10.0, token=None, raw=None, key=None, again=False):
        work = self.link.deliver(
            raw or message(control_id), control_id, timeout=timeout, token=token, again=again
        )
        done = Deferred.fromCoroutine(work).addCallbacks(lambda r: r.proof, lambda f: f.value)
        done.addCallback(lambda result: self.results.__setitem__(key or control_id, result))

    def hears(self, body, **more):
        self.driver.session.holder.receipt(self.parcels(body, **more))

    def sent(self):
        return [each.parcel.message_id for each in self.driver.session.published]


@pytest.fixture
def bench():
    bench = Bench()
    bench.driver.accept()
    return bench


def test_a_confirmed_message_has_the_buss_word_as_proof(bench):
    bench.send("A1", token=7)
    assert bench.link.in_flight == 1
    bench.driver.session.confirm()

    assert bench.results == {"A1": "confirmed by the bus, wardline:7:A1"}
    assert bench.link.in_flight == 0
    assert bench.judge.seen == [("reached",), ("owed",), ("acked", False)]


def test_what_an_earlier_process_may_have_sent_says_so(bench):
    bench.send("A1", again=True)
    bench.send("A2")

    said = [each.parcel.headers.get("wardline-resent") for each in bench.driver.session.published]
    assert said == ["true", None]


def test_more_messages_do_not_make_a_silence_look_younger(bench):
    for control_id in ("A1", "A2", "A3"):
        bench.send(control_id)

    assert bench.judge.seen.count(("owed",)) == 1


def test_a_message_sent_while_nothing_is_open_opens_a_session_at_once():
    bench = Bench()
    bench.driver.refuse()
    bench.send("A1")
    assert len(bench.driver.tries) == 1, "it did not wait for the pause"

    bench.driver.refuse()

    failure = bench.results["A1"]
    assert isinstance(failure, TemporaryFailure)
    assert (failure.detail, failure.reasons) == ("connection refused", ("unreachable",))
    assert bench.judge.seen[-1] == ("gone", "connection refused")


def test_no_more_than_the_window_are_unconfirmed():
    bench = Bench(window=2)
    session = bench.driver.accept()
    for control_id in ("A1", "A2", "A3"):
        bench.send(control_id, token=control_id)
    assert len(session.published) == 2

    session.confirm(1)
    assert bench.sent()[-1] == "wardline:A3:A3"


def test_on_trial_there_is_one_at_a_time_and_not_for_longer_than_the_trial(bench):
    bench.judge.trial_limit = 3.0
    bench.send("A1")
    bench.clock.advance(1)
    bench.send("A2")
    assert len(bench.driver.session.published) == 1

    bench.clock.advance(2)

    assert bench.results["A1"].detail == "no confirmation within 3 s"
    assert len(bench.driver.session.published) == 2


def test_a_message_that_this_bus_cannot_carry_is_for_paper_and_accuses_nobody(bench):
    bench.driver.session.longest = 500
    bench.send("A1", raw=message("A1") + b"x" * 1000)
    bench.send("A2")

    assert isinstance(bench.results["A1"], PermanentFailure)
    assert "too long" in bench.results["A1"].detail
    assert [each.parcel.message_id[-2:] for each in bench.driver.session.published] == ["A2"]
    bench.driver.session.confirm()
    assert not bench.link.refusing
    assert bench.judge.seen == [("reached",), ("owed",), ("acked", False)]


def test_a_message_that_nobody_takes_stays_with_us_and_does_not_accuse_the_bus(bench):
    bench.send("A1")
    bench.driver.session.fail(Unroutable("no queue takes ORU.R01"))

    assert isinstance(bench.results["A1"], TemporaryFailure)
    assert bench.judge.seen[-1] == ("acked", False)
    assert not bench.link.refusing


def test_a_route_that_was_there_and_is_not_accuses_the_bus(bench):
    bench.send("A1")
    bench.driver.session.confirm()
    bench.send("A2")
    bench.driver.session.fail(Unroutable("no queue takes ORU.R01"))

    assert bench.judge.seen[-1] == ("refused", "A2", False, "no queue takes ORU.R01")
    assert bench.link.refusing
    bench.send("A3")
    bench.driver.session.confirm()
    assert not bench.link.refusing


def test_a_declined_message_is_refused(bench):
    bench.send("A1")
    bench.driver.session.fail(Declined("basic.nack"))

    assert bench.results["A1"].reasons == ("platform-refused",)
    assert bench.judge.seen[-1] == ("refused", "A1", False, "declined by the bus: basic.nack")


def test_what_was_sent_when_the_session_broke_is_uncertain(bench):
    bench.send("A1")
    bench.driver.session.lose()

    assert isinstance(bench.results["A1"], Uncertain)
    assert bench.judge.seen[-1] == ("lost", "connection lost", "A1")
    assert not bench.link.connected


def test_an_error_of_the_library_waits_for_the_end_of_the_session(bench):
    bench.send("A1")
    bench.driver.session.fail(RuntimeError("channel closed"))
    assert bench.results == {}

    bench.driver.session.lose("exchange results is gone")
    assert bench.results["A1"].detail == "no confirmation: exchange results is gone"


def test_a_word_that_comes_too_late_is_passed_on(bench):
    bench.send("A1", timeout=2, token=7)
    bench.clock.advance(2)
    assert isinstance(bench.results["A1"], Uncertain)

    bench.driver.session.confirm()

    (late,) = bench.late
    assert (late.control_id, late.token, late.accepted) == ("A1", 7, True)


def test_a_session_given_up_is_still_listened_to_and_not_for_ever(bench):
    bench.send("A1", token=7)
    old = bench.driver.session
    bench.link.give_up("no answer")
    assert isinstance(bench.results["A1"], Uncertain)
    assert not old.closed

    old.confirm()
    assert [late.token for late in bench.late] == [7]
    bench.clock.advance(LINGER)
    assert old.closed == 1


def test_giving_up_ends_what_was_not_sent_as_not_sent():
    bench = Bench()
    bench.send("A1")
    bench.link.give_up("no answer")

    assert isinstance(bench.results["A1"], TemporaryFailure)
    assert bench.link.in_flight == 0


def test_a_message_sent_again_says_that_it_may_be_there_already(bench):
    bench.send("A1", timeout=1, token=7)
    bench.clock.advance(1)
    bench.send("A1", token=7, key="again")

    first, second = (each.parcel for each in bench.driver.session.published)
    assert first.message_id == second.message_id
    assert first.headers == {}
    assert second.headers == {"wardline-resent": "true"}
    bench.driver.session.confirm()
    bench.send("A1", token=7, key="third")
    assert bench.driver.session.published[-1].parcel.headers == {}


def test_a_handback_carries_its_record_in_its_headers(bench):
    bench.send("A1", raw=mark_delivered(message(), ("DELIVERED", "CARD", "0042")))

    assert bench.driver.session.published[0].parcel.headers == {
        "wardline-handback": "true",
        "wardline-outcome": "DELIVERED",
        "wardline-ward": "CARD",
        "wardline-slip": "0042",
    }


def test_a_blocked_bus_is_sent_nothing_more_and_what_waits_says_why(bench):
    bench.driver.session.holder.blocked("blocked by the broker: low on disk")
    assert bench.judge.seen[-1] == ("gone", "blocked by the broker: low on disk")
    bench.send("A1", timeout=2)
    assert bench.driver.session.published == []

    bench.clock.advance(2)
    assert bench.results["A1"].detail == "not sent within 2 s: blocked by the broker: low on disk"
    bench.send("A2")
    bench.driver.session.holder.blocked("")
    assert bench.driver.session.published[0].parcel.message_id.endswith(":A2")


def test_a_session_lost_in_the_moment_it_was_made_is_no_session():
    bench = Bench()
    holder, _ = bench.driver.tries[0]
    holder.lost(Trouble("connection lost"))
    bench.driver.accept()

    assert not bench.link.connected
    bench.clock.advance(0.25)
    assert len(bench.driver.tries) == 1


def test_stopping_closes_what_is_open_and_ends_what_waits(bench):
    bench.send("A1")
    bench.link.stopService()

    assert isinstance(bench.results["A1"], Uncertain)
    assert bench.driver.session.closed == 1
    assert bench.clock.getDelayedCalls() == []


# -- receipts


@pytest.fixture
def asking():
    bench = Bench(receipts="receipts")
    bench.driver.accept()
    return bench


def word(name, **more):
    return json.dumps({"receipt_for": name, "by": "DPI", **more}).encode()


def test_the_receivers_word_is_the_proof_and_the_buss_is_not(asking):
    asking.send("A1", token=7)
    asking.driver.session.confirm()
    assert asking.results == {}

    asking.hears(word("A1"))

    assert asking.results == {"A1": "receipt AA DPI"}
    assert asking.parcels.verdicts == [Verdict.TAKEN]


def test_a_message_id_names_one_message_even_when_two_have_the_control_id(asking):
    for token in (1, 2):
        asking.send("A1", token=token, key=token)
    for index in (0, 1):
        asking.driver.session.confirm(index)
    asking.hears(word("A1"))
    assert asking.results == {}, "it could mean either patient's"

    asking.hears(word("A1"), correlation_id="wardline:2:A1")
    assert asking.results == {2: "receipt AA DPI"}


def test_a_receipt_ends_every_try_of_its_message(asking):
    asking.send("A1", token=7, timeout=2)
    asking.driver.session.confirm()
    asking.clock.advance(2)
    asking.send("A1", token=7, key="again")
    asking.driver.session.confirm()
    assert asking.results["A1"].detail == "no receipt within 2 s"

    asking.hears(word("A1"))

    assert asking.results["again"] == "receipt AA DPI"
    assert [late.token for late in asking.late] == [7]


@pytest.mark.parametrize(
    ("status", "kind"), [("refused", PermanentFailure), ("failed", TemporaryFailure)]
)
def test_a_receiver_may_say_no(asking, status, kind):
    asking.send("A1")
    asking.driver.session.confirm()
    asking.hears(word("A1", status=status, reason="unknown patient"))

    assert type(asking.results["A1"]) is kind
    assert "unknown patient" in asking.results["A1"].detail


def test_a_receipt_for_what_nobody_remembers_is_passed_on_before_the_bus_forgets_it(asking):
    stored = Deferred()
    asking.link._receipts._on_late = lambda late: stored
    asking.hears(word("wardline:9:Z9"))
    assert asking.parcels.verdicts == []

    stored.callback(None)
    assert asking.parcels.verdicts == [Verdict.TAKEN]


def test_what_is_no_receipt_goes_to_the_dead_letters(asking):
    asking.hears(b"{")
    assert asking.parcels.verdicts == [Verdict.REFUSED]


def test_a_receipt_outlives_the_session_of_its_message(asking):
    asking.send("A1", token=7)
    asking.driver.session.confirm()
    asking.clock.advance(6)
    asking.driver.session.lose()
    asking.driver.accept()
    assert asking.results == {}

    asking.hears(word("A1"))
    assert asking.results == {"A1": "receipt AA DPI"}
