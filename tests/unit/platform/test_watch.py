"""When the platform counts as up, suspect, down or recovering."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from twisted.internet.task import Clock

from gateway.clock import ReactorClock
from gateway.platform.evidence import Limits, State
from gateway.platform.machine import diagram
from gateway.platform.watch import Standing, Watch

UP, SUSPECT, DOWN, RECOVERING = State
LIMITS = Limits(down_after=3.0, up_after=30.0, refusals=5)


class Bench:
    """A watch, its fake clock, and everything it told."""

    def __init__(self, standing=None, limits=LIMITS):
        self.clock = Clock()
        self.watch = Watch(
            limits,
            reactor=self.clock,
            clock=ReactorClock(self.clock, wall=1000.0),
            standing=standing,
        )
        self.changes = []
        self.watch.observers.append(self.changes.append)

    def after(self, seconds, *, every=1.0, each=lambda: None):
        whole = int(seconds / every)
        for _ in range(whole):
            self.clock.advance(every)
            each()
        self.clock.advance(seconds - whole * every)

    def refuses(self, *ids):
        for control_id in ids:
            self.watch.refused(control_id, still=False)

    def dead(self, seconds):
        self.after(seconds, each=lambda: self.watch.unreachable("refused"))

    def well(self, seconds):
        self.after(seconds, each=self.watch.reached)

    @property
    def state(self):
        return self.watch.state

    @property
    def outages(self):
        return sum(c.begins for c in self.changes), sum(c.ends for c in self.changes)


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def hung(bench):
    """Down because it no longer answers, though it accepts connections."""
    bench.watch.owed()
    bench.well(3)
    assert bench.state is DOWN
    return bench


def test_it_begins_up(bench):
    assert bench.state is UP


def test_one_failed_probe_makes_it_suspect(bench):
    bench.watch.unreachable("refused")

    assert bench.state is SUSPECT
    assert bench.watch.open


def test_a_good_probe_clears_a_suspicion(bench):
    bench.watch.unreachable("refused")
    bench.watch.reached()

    assert bench.state is UP
    assert bench.outages == (0, 0)


def test_it_is_down_when_the_last_good_probe_is_too_old(bench):
    bench.well(10)
    bench.watch.unreachable("refused")
    bench.clock.advance(2.75)
    assert bench.state is SUSPECT

    bench.clock.advance(0.25)
    assert bench.state is DOWN
    assert bench.watch.reason == "refused"


def test_an_old_probe_alone_condemns_nobody(bench):
    bench.clock.advance(3600)

    assert bench.state is UP


def test_trouble_after_a_long_quiet_has_a_moment_to_clear(bench):
    bench.clock.advance(3600)  # nobody looked: the machine was asleep
    bench.watch.unreachable("timed out")
    bench.clock.advance(0.9)
    assert bench.state is SUSPECT

    bench.watch.reached()
    assert bench.state is UP


def test_a_lost_link_that_owed_answers_is_bad_evidence_and_asks_for_a_probe(bench):
    asked = []
    bench.watch.probe_now = lambda: asked.append(1)
    bench.watch.lost("reset", owing="A1")

    assert (bench.state, len(asked)) == (SUSPECT, 1)


def test_an_idle_link_may_be_closed(bench):
    asked = []
    bench.watch.probe_now = lambda: asked.append(1)
    bench.watch.lost("closed", owing="")

    assert (bench.state, len(asked)) == (UP, 1)


def test_silence_makes_it_down_although_it_accepts_connections(bench):
    bench.watch.owed()
    bench.after(2.75, every=0.25, each=bench.watch.reached)
    assert bench.state is SUSPECT

    bench.clock.advance(0.25)
    assert bench.state is DOWN
    assert bench.watch.reason == "no answer for 3 s"


def test_an_answer_to_another_message_breaks_the_silence(bench):
    bench.watch.owed()
    bench.clock.advance(2.75)
    bench.watch.acked(still=True)
    bench.clock.advance(2.75)
    assert bench.state is not DOWN

    bench.clock.advance(0.25)
    assert bench.state is DOWN


def test_a_refusal_breaks_the_silence_too(bench):
    bench.watch.owed()
    bench.clock.advance(2.75)
    bench.refuses("A1")
    bench.clock.advance(60)

    assert bench.state is not DOWN


def test_refusals_of_different_messages_in_a_row_make_it_down(bench):
    bench.refuses("A1", "A2", "A3", "A4")
    assert bench.state is UP

    bench.refuses("A5")
    assert bench.state is DOWN
    assert bench.watch.reason == "refused or broke off 5 messages in a row"


def test_breaking_off_over_every_message_makes_it_down_although_it_can_be_reached(bench):
    for control_id in ("A1", "A2", "A3", "A4", "A5"):
        assert bench.state.open
        bench.watch.owed()
        bench.watch.lost("reset", owing=control_id)
        bench.watch.reached()

    assert bench.state is DOWN


def test_one_message_refused_again_and_again_condemns_nobody(bench):
    bench.refuses(*["A1"] * 50)

    assert bench.state is UP


def test_an_accepted_message_ends_a_row_of_refusals(bench):
    bench.refuses("A1", "A2", "A3", "A4")
    bench.watch.acked(still=False)
    bench.refuses("A5", "A6", "A7", "A8")

    assert bench.state is UP


def test_it_is_up_again_only_after_good_evidence_for_long_enough(bench):
    bench.dead(5)
    bench.well(1)
    assert bench.state is RECOVERING

    bench.well(29)
    assert bench.state is RECOVERING
    bench.well(1)
    assert bench.state is UP


def test_bad_evidence_while_recovering_starts_the_wait_again(bench):
    bench.dead(5)
    bench.well(29)
    bench.watch.unreachable("refused")
    assert bench.state is DOWN

    bench.well(30)
    assert bench.state is RECOVERING
    bench.well(1)
    assert bench.state is UP


def test_it_is_not_trusted_while_nobody_looks(bench):
    bench.dead(5)
    bench.well(1)
    bench.clock.advance(300)
    assert bench.state is RECOVERING

    bench.watch.reached()
    assert bench.state is UP


def test_flapping_for_a_minute_is_one_outage(bench):
    for _ in range(9):
        bench.dead(4)
        bench.well(3)
    bench.well(31)

    assert bench.outages == (1, 1)
    assert bench.state is UP


def test_after_silence_connections_prove_nothing(hung):
    hung.well(600)

    assert hung.state is DOWN


def test_after_silence_an_accepted_message_is_the_first_good_evidence(hung):
    hung.watch.acked(still=False)
    assert hung.state is RECOVERING

    hung.well(30)
    assert hung.state is UP


def test_after_refusals_connections_prove_nothing(bench):
    bench.refuses("A1", "A2", "A3", "A4", "A5")
    bench.well(600)
    assert bench.state is DOWN

    bench.refuses("A6")
    assert bench.state is DOWN
    bench.watch.acked(still=False)
    assert bench.state is RECOVERING


def test_after_silence_an_accepted_probe_message_is_good_evidence(hung):
    hung.watch.proved()

    assert hung.state is RECOVERING


def test_a_trial_is_allowed_after_silence_while_it_accepts_connections(hung):
    assert hung.watch.trial
    assert hung.watch.trial_limit == LIMITS.down_after
    assert hung.watch.admits(trial=True)
    assert not hung.watch.admits(trial=False)

    hung.watch.unreachable("refused")
    assert not hung.watch.trial


def test_no_trial_while_it_refuses_connections(bench):
    bench.dead(5)

    assert not bench.watch.admits(trial=True)


def test_trials_go_on_while_it_recovers(bench):
    bench.dead(5)
    bench.well(1)

    assert bench.watch.admits(trial=True)
    assert not bench.watch.admits(trial=False)


def test_an_unanswered_trial_while_recovering_makes_it_down_for_silence(bench):
    bench.dead(5)
    bench.well(1)
    bench.watch.owed()
    bench.well(3)
    assert bench.state is DOWN

    bench.well(60)
    assert bench.state is DOWN
    assert bench.outages == (1, 0)


def test_a_person_holds_it_down_whatever_the_evidence(bench):
    bench.watch.say_down(by="Dr Martin", reason="maintenance")
    bench.well(3600)
    bench.watch.acked(still=False)

    assert (bench.state, bench.watch.by, bench.watch.reason) == (DOWN, "Dr Martin", "maintenance")
    assert not bench.watch.admits(trial=True)
    assert bench.outages == (1, 0)


def test_a_person_says_it_is_up_whatever_the_evidence(bench):
    bench.dead(5)
    bench.watch.say_up(by="Dr Martin", reason="it prints")
    bench.dead(600)

    assert (bench.state, bench.watch.by) == (UP, "Dr Martin")
    assert bench.outages == (1, 1)


def test_after_a_persons_word_judging_resumes_with_the_next_good_evidence(bench):
    bench.dead(5)
    bench.watch.say_up(by="Dr Martin")
    bench.dead(10)
    bench.watch.reached()
    assert (bench.state, bench.watch.by) == (UP, "")

    bench.dead(5)
    assert bench.state is DOWN


def test_after_silence_a_mere_connection_does_not_end_a_persons_word(hung):
    hung.watch.say_up(by="Dr Martin")
    hung.watch.owed()
    hung.well(60)
    assert (hung.state, hung.watch.by) == (UP, "Dr Martin")

    hung.watch.acked(still=False)
    assert (hung.state, hung.watch.by) == (UP, "")


def test_what_was_up_since_a_moment_was_never_down_since(bench):
    began = 1000.0
    bench.dead(5)
    bench.well(31)

    assert bench.state is UP
    assert not bench.watch.up_since(began)
    assert bench.watch.up_since(1000.0 + bench.clock.seconds())


def test_a_suspect_platform_is_not_said_to_have_been_up(bench):
    bench.well(5)
    assert bench.watch.up_since(1000.0)

    bench.watch.unreachable("refused")
    assert not bench.watch.up_since(1000.0)


def test_every_change_is_told_once_also_when_an_observer_fails(bench):
    told = []
    bench.watch.observers.insert(0, lambda change: 1 / 0)
    bench.watch.observers.append(told.append)
    with capture_logs() as logs:
        bench.dead(5)

    assert [entry["event"] for entry in logs].count("platform.observer_failed") == 2
    assert [(c.before.state, c.after.state) for c in told] == [(UP, SUSPECT), (SUSPECT, DOWN)]


def test_a_person_speaks_from_within_an_observer(bench):
    def vouch(change):
        if change.begins:
            bench.watch.say_up(by="Dr Martin")

    bench.watch.observers.insert(0, vouch)
    bench.dead(5)

    assert (bench.state, bench.watch.by) == (UP, "Dr Martin")


@pytest.mark.parametrize("state", list(State))
def test_it_is_revived_where_it_stood(state):
    bench = Bench(Standing(state=state, since=900.0, reason="refused"))

    assert (bench.state, bench.watch.since, bench.watch.reason) == (state, 900.0, "refused")


def test_a_revived_outage_waits_for_the_whole_time_of_good_evidence():
    bench = Bench(Standing(state=DOWN, since=900.0))
    bench.well(30)
    assert bench.state is RECOVERING

    bench.well(1)
    assert bench.state is UP


def test_a_revived_silence_still_wants_an_accepted_message():
    bench = Bench(Standing(state=DOWN, since=900.0, proof=True))
    bench.well(60)
    assert bench.state is DOWN

    bench.watch.acked(still=False)
    assert bench.state is RECOVERING


def test_a_revived_word_still_holds():
    bench = Bench(Standing(state=DOWN, since=900.0, reason="maintenance", by="Dr Martin"))
    bench.well(60)
    assert bench.state is DOWN

    bench.watch.say_up(by="Dr Martin")
    assert bench.state is UP


def test_its_standing_says_what_a_restart_needs(hung):
    assert hung.watch.standing == Standing(
        state=DOWN, since=1003.0, reason="no answer for 3 s", proof=True
    )


def test_stopping_leaves_no_timer(bench):
    bench.watch.owed()
    bench.watch.stop()
    bench.watch.unreachable("refused")

    assert bench.clock.getDelayedCalls() == []


def test_the_diagram_shows_every_state():
    drawn = diagram()

    for state in State:
        assert f"--> {state.value}" in drawn


EVIDENCE = st.sampled_from(["reached", "unreachable", "lost", "owed", "acked", "refused"])
STEP = st.tuples(st.sampled_from([0.1, 0.4, 1.0, 2.9, 3.0, 10.0, 31.0]), EVIDENCE)


class Recorded(Bench):
    """Feeds evidence, and remembers in the plainest way what was good and what was bad."""

    def __init__(self):
        super().__init__()
        self.good_at, self.bad, self.owing, self.heard_at, self.calm_since = 1000.0, 0, None, 0, 0
        self.ids = 0
        self.calm_for = []  # seconds without bad evidence, at the end of each outage
        self.watch.observers.append(self.note)

    def note(self, change):
        if change.ends:
            self.calm_for.append(1000.0 + self.clock.seconds() - self.calm_since)

    def step(self, wait, kind):
        self.clock.advance(wait)
        now = 1000.0 + self.clock.seconds()
        getattr(self, kind)(now)

    def reached(self, now):
        if not self.watch.standing.proof:
            self.good(now)
        self.watch.reached()

    def unreachable(self, now):
        self.bad += 1
        self.calm_since = now
        self.watch.unreachable("refused")

    def lost(self, now):
        self.owing = None
        self.unreachable(now)
        self.watch.lost("reset", owing="A1")

    def owed(self, now):
        if self.owing is None:
            self.owing = now
            self.watch.owed()

    def acked(self, now):
        self.good(now)
        self.owing = None
        self.watch.acked(still=False)

    def refused(self, now):
        self.ids += 1
        self.owing = None
        self.watch.refused(f"A{self.ids}", still=False)

    def good(self, now):
        self.good_at, self.bad = now, 0


@given(st.lists(STEP, max_size=40))
def test_whatever_comes_the_verdict_keeps_its_promises(steps):
    bench = Recorded()
    for wait, kind in steps:
        bench.step(wait, kind)
        now = 1000.0 + bench.clock.seconds()

        if bench.bad and now - bench.good_at >= LIMITS.down_after:
            assert bench.state is not UP
        if bench.owing is not None and now - bench.owing >= LIMITS.down_after:
            assert not bench.state.open
    assert all(calm >= LIMITS.up_after for calm in bench.calm_for)
    began, ended = bench.outages
    assert ended in (began, began - 1)
    elapsed = bench.clock.seconds()
    assert ended <= elapsed / LIMITS.up_after


@given(st.lists(st.tuples(st.sampled_from([0.1, 1.0, 60.0]), st.booleans()), max_size=30))
def test_without_bad_evidence_it_is_never_down(steps):
    bench = Bench()
    for wait, sent in steps:
        bench.clock.advance(wait)
        if sent:
            bench.watch.owed()
            bench.watch.acked(still=False)
        else:
            bench.watch.reached()

        assert bench.state is UP


def test_evidence_that_an_observer_brings_is_looked_at_when_the_move_is_made(bench):
    bench.watch.say_up(by="Dr Martin")

    def relays(change):
        if change.after.by:
            bench.watch.acked(still=False)
            bench.watch.acked(still=False)

    bench.watch.observers.append(relays)
    bench.watch.say_up(by="Dr Roux")

    assert (bench.state, bench.watch.by) == (UP, "")
