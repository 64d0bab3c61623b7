"""What the link to the platform promises of each message, over connections in memory and fake time."""

from __future__ import annotations

import pytest
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from gateway.channels.platform import PlatformLink, Settings
from gateway.clock import ReactorClock
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.hl7 import Framer


def message(control_id):
    return f"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|{control_id}|P|2.5\r".encode()


class Cable(StringTransport):
    """A transport whose ends the test holds."""

    def __init__(self, protocol):
        super().__init__()
        self.protocol = protocol

    def abortConnection(self):
        super().abortConnection()
        self.cut(error.ConnectionAborted())

    def cut(self, why=None):
        self.protocol.connectionLost(Failure(why or error.ConnectionLost()))


class Evidence:
    """Writes down what the link saw."""

    def __init__(self):
        self.seen = []
        self.trial_limit = None

    def __getattr__(self, name):
        def note(*args, **kwargs):
            self.seen.append((name, *args, *kwargs.values()))

        return note


class Bench:
    """A link, and the platform's end of its connections."""

    def __init__(self, **settings):
        self.reactor = MemoryReactorClock()
        self.evidence = Evidence()
        self.late = []
        self.link = PlatformLink(
            Settings(kind="mllp", connect="tcp:127.0.0.1:2600", **settings),
            reactor=self.reactor,
            clock=ReactorClock(self.reactor, wall=1000.0),
            evidence=self.evidence,
            on_late=self.late.append,
        )
        self.results = {}
        self.cables = []

    def start(self):
        self.link.startService()
        return self

    @property
    def tries(self):
        return len(self.reactor.tcpClients)

    @property
    def cable(self):
        return self.cables[-1]

    def accept(self):
        """The platform accepts the connection that was tried last."""
        wire = self.reactor.tcpClients[-1][2].buildProtocol(None)
        self.cables.append(Cable(wire))
        wire.makeConnection(self.cable)
        return self

    def refuse(self):
        connector, factory = self.reactor.connectors[-1], self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(connector, Failure(error.ConnectionRefusedError()))

    def send(self, control_id, *, timeout=10.0, token=None, key=None, raw=None):
        key = key or control_id
        work = self.link.deliver(
            raw or message(control_id), control_id, timeout=timeout, token=token
        )
        done = Deferred.fromCoroutine(work)
        done.addCallbacks(lambda r: r.proof, lambda f: f.value)
        done.addCallback(lambda result: self.results.__setitem__(key, result))

    def answers(self, control_id, code="AA", text="", on=None):
        lines = f"MSH|^~\\&|X|Y|SIL|LABO|2026||ACK|P1|P|2.5\rMSA|{code}|{control_id}|{text}\r"
        (on or self.cable).protocol.dataReceived(b"\x0b" + lines.encode() + b"\x1c\r")

    def sent(self, cable=None):
        frames = Framer().feed((cable or self.cable).value())
        return [f.data.split(b"|")[9].decode() for f in frames]

    def outcome(self, key):
        return type(self.results[key])


@pytest.fixture
def bench():
    return Bench().start().accept()


def test_an_accepted_message_has_the_platforms_word_as_proof(bench):
    bench.send("A1")
    bench.answers("A1")

    assert bench.results == {"A1": "MSA AA A1"}


def test_a_commit_accept_is_a_proof_too(bench):
    bench.send("A1")
    bench.answers("A1", "CA")

    assert bench.results == {"A1": "MSA CA A1"}


def test_several_messages_are_on_their_way_at_once_and_answered_in_any_order(bench):
    for control_id in ("A1", "A2", "A3"):
        bench.send(control_id)
    assert bench.sent() == ["A1", "A2", "A3"]

    bench.answers("A3")
    bench.answers("A1")
    assert bench.results == {"A3": "MSA AA A3", "A1": "MSA AA A1"}


def test_no_more_than_the_window_are_unanswered():
    bench = Bench(window=2).start().accept()
    for control_id in ("A1", "A2", "A3"):
        bench.send(control_id)
    assert bench.sent() == ["A1", "A2"]

    bench.answers("A2")
    assert bench.sent() == ["A1", "A2", "A3"]


def test_an_answer_that_names_no_message_of_ours_confirms_none(bench):
    bench.send("A1")
    bench.answers("B7")

    assert bench.results == {}


def test_a_late_answer_never_confirms_the_next_message(bench):
    bench.send("A1", timeout=1)
    bench.reactor.advance(1)
    bench.send("A2")
    bench.answers("A1")

    assert list(bench.results) == ["A1"]
    assert bench.outcome("A1") is Uncertain


def test_a_late_answer_is_reported_with_the_token_of_its_message(bench):
    bench.send("A1", timeout=1, token=77)
    bench.reactor.advance(1)
    bench.answers("A1")

    assert [(x.control_id, x.token, x.accepted) for x in bench.late] == [("A1", 77, True)]


def test_a_late_refusal_is_no_acceptance(bench):
    bench.send("A1", timeout=1)
    bench.reactor.advance(1)
    bench.answers("A1", "AE")

    assert [x.accepted for x in bench.late] == [False]


def test_a_message_without_an_answer_in_time_is_uncertain(bench):
    bench.send("A1", timeout=2.5)
    bench.reactor.advance(2.5)

    assert bench.outcome("A1") is Uncertain
    assert bench.results["A1"].detail == "no acknowledgement within 2.5 s"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AE", TemporaryFailure),
        ("CE", TemporaryFailure),
        ("AR", PermanentFailure),
        ("CR", PermanentFailure),
    ],
)
def test_a_refusal_says_so(bench, code, kind):
    bench.send("A1")
    bench.answers("A1", code, text="no room")

    assert bench.outcome("A1") is kind
    assert bench.results["A1"].detail == f"MSA {code} A1: no room"
    assert bench.results["A1"].reasons == ("platform-refused",)


def test_when_the_connection_breaks_what_was_sent_is_uncertain_and_what_was_not_goes_on():
    bench = Bench(window=1).start().accept()
    bench.send("A1")
    bench.send("A2")
    bench.cable.cut()
    assert bench.outcome("A1") is Uncertain
    assert "A2" not in bench.results

    bench.reactor.advance(0)
    bench.accept()
    assert bench.sent() == ["A2"]


def test_when_nobody_listens_a_message_fails_at_once_and_was_not_sent(bench):
    bench.cable.cut()
    bench.reactor.advance(0)
    bench.refuse()
    bench.send("A1")
    bench.refuse()

    assert bench.outcome("A1") is TemporaryFailure
    assert bench.results["A1"].reasons == ("unreachable",)
    assert bench.results["A1"].detail == "connection refused"


def test_a_message_does_not_wait_for_the_pause_between_connections(bench):
    bench.cable.cut()
    bench.reactor.advance(0)
    bench.refuse()
    before = bench.tries
    bench.send("A1")

    assert bench.tries == before + 1


def test_a_connection_that_is_not_made_in_time_fails_what_waits_for_it():
    bench = Bench(connect_within="2s").start()
    bench.send("A1")
    bench.reactor.advance(2)

    assert bench.outcome("A1") is TemporaryFailure
    assert ("unreachable", "no answer in time") in bench.evidence.seen


def test_pauses_between_connections_grow_and_end(bench):
    bench.cable.cut()
    bench.reactor.advance(0)
    for pause in (0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0):
        bench.refuse()
        before = bench.tries
        bench.reactor.advance(pause - 0.125)
        assert bench.tries == before
        bench.reactor.advance(0.125)
        assert bench.tries == before + 1


def test_a_platform_that_accepts_and_breaks_off_is_not_hammered(bench):
    bench.cable.cut()
    bench.reactor.advance(0)
    bench.accept().cable.cut()
    before = bench.tries
    bench.reactor.advance(0.125)

    assert bench.tries == before


def test_giving_up_ends_every_wait_at_once():
    bench = Bench(window=1).start().accept()
    bench.send("A1")
    bench.send("A2")
    bench.link.give_up("down")

    assert bench.outcome("A1") is Uncertain
    assert bench.outcome("A2") is TemporaryFailure
    assert not bench.link.connected
    assert bench.link.in_flight == 0


def test_after_giving_up_the_next_message_opens_a_new_connection(bench):
    bench.send("A1")
    bench.link.give_up("down")
    bench.reactor.advance(20)
    assert bench.tries == 1

    bench.send("A2")
    bench.accept()
    assert bench.sent() == ["A2"]
    assert bench.sent(bench.cables[0]) == ["A1"]


def test_answers_after_giving_up_are_still_heard(bench):
    bench.send("A1", token=77)
    bench.link.give_up("down")
    bench.answers("A1")

    assert [(x.control_id, x.token) for x in bench.late] == [("A1", 77)]
    assert bench.evidence.seen[-1] == ("acked", False)


def test_a_connection_given_up_is_closed_after_a_while(bench):
    bench.link.give_up("down")
    bench.reactor.advance(29)
    assert not bench.cable.disconnected

    bench.reactor.advance(1)
    assert bench.cable.disconnected


def test_a_platform_that_reads_nothing_is_not_sent_more(bench):
    bench.send("A1")
    bench.cable.producer.pauseProducing()
    bench.send("A2", timeout=5)
    assert bench.sent() == ["A1"]

    bench.reactor.advance(5)
    assert bench.outcome("A2") is TemporaryFailure
    bench.cable.producer.resumeProducing()
    bench.send("A3")
    assert bench.sent() == ["A1", "A3"]


def test_a_connection_that_is_not_read_is_cut_when_given_up(bench):
    bench.send("A1")
    bench.cable.producer.pauseProducing()
    bench.link.give_up("down")

    assert bench.cable.disconnected


def test_two_messages_with_one_control_id_are_never_on_the_wire_together(bench):
    bench.send("A1", token=1, key="ours")
    bench.send("A1", token=2, key="theirs")
    bench.send("A2")
    assert bench.sent() == ["A1", "A2"]

    bench.answers("A1")
    assert bench.results == {"ours": "MSA AA A1"}
    assert bench.sent() == ["A1", "A2", "A1"]
    bench.answers("A1")
    assert bench.results["theirs"] == "MSA AA A1"


def test_a_control_id_that_is_still_owed_an_answer_blocks_another_message_of_that_id(bench):
    bench.send("A1", timeout=1, token=1, key="ours")
    bench.reactor.advance(1)
    bench.send("A1", timeout=1, token=2, key="theirs")
    bench.answers("A1")
    assert "theirs" not in bench.results

    bench.send("A2")
    bench.answers("A1")
    assert bench.results["theirs"] == "MSA AA A1"


def test_an_answer_to_either_try_of_a_message_confirms_it(bench):
    bench.send("A1", timeout=1, token=1, key="first")
    bench.reactor.advance(1)
    bench.send("A1", token=1, key="second")
    bench.answers("A1")

    assert bench.results["second"] == "MSA AA A1"


def test_a_refusal_of_the_first_try_leaves_the_second_its_own_answer(bench):
    bench.send("A1", timeout=1, token=1, key="first")
    bench.reactor.advance(1)
    bench.send("A1", token=1, key="second")
    bench.answers("A1", "AE")
    assert "second" not in bench.results

    bench.answers("A1")
    assert bench.results["second"] == "MSA AA A1"


def test_without_a_token_the_bytes_name_the_message(bench):
    bench.send("A1", key="one", raw=message("A1"))
    bench.send("A1", key="other", raw=message("A1") + b"PID|1\r")

    assert bench.sent() == ["A1"]


def test_a_message_without_a_control_id_is_not_sent(bench):
    bench.send("", key="nameless")

    assert bench.outcome("nameless") is PermanentFailure
    assert bench.sent() == []


def test_on_trial_only_one_message_is_on_its_way(bench):
    bench.evidence.trial_limit = 3.0
    bench.send("A1")
    bench.send("A2")
    assert bench.sent() == ["A1"]

    bench.answers("A1")
    assert bench.sent() == ["A1", "A2"]


def test_on_trial_a_message_waits_no_longer_than_the_trial(bench):
    bench.evidence.trial_limit = 3.0
    bench.send("A1", timeout=30)
    bench.reactor.advance(3)

    assert bench.outcome("A1") is Uncertain


def test_on_trial_nothing_follows_a_message_that_is_owed_its_answer(bench):
    bench.evidence.trial_limit = 3.0
    bench.send("A1")
    bench.reactor.advance(3)
    bench.send("A2")
    bench.reactor.advance(3)
    assert bench.sent() == ["A1"]
    assert bench.outcome("A2") is TemporaryFailure

    bench.answers("A1")
    bench.send("A3")
    assert bench.sent() == ["A1", "A3"]


def test_on_trial_another_connection_is_tried_when_one_has_not_answered_for_long(bench):
    bench.evidence.trial_limit = 3.0
    bench.send("A1")
    bench.reactor.advance(29)
    bench.send("A2")
    assert bench.tries == 1

    bench.reactor.advance(3)
    bench.send("A3")
    bench.accept()
    assert bench.sent() == ["A3"]
    bench.answers("A1", on=bench.cables[0])
    assert [x.control_id for x in bench.late] == ["A1"]


def test_a_try_that_waits_is_spared_when_another_is_accepted_late(bench):
    bench.evidence.trial_limit = 3.0
    bench.send("A1", token=1, key="first")
    bench.reactor.advance(3)
    bench.send("A1", token=1, key="second")
    bench.send("A1", token=2, key="other")
    bench.answers("A1")

    assert bench.results["second"] == "MSA AA A1"
    assert "other" not in bench.results
    assert bench.sent() == ["A1", "A1"]
    assert bench.link.in_flight == 1


def test_what_it_drops_again_and_again_does_not_stop_the_trials(bench):
    for number in range(2):
        unanswered(bench, "A1")
        accepted(bench, f"B{number}")
    bench.evidence.trial_limit = 3.0
    bench.send("A1")
    bench.reactor.advance(3)
    bench.send("A2")

    assert bench.sent()[-2:] == ["A1", "A2"]


def test_evidence_of_a_good_day(bench):
    bench.send("A1")
    bench.send("A2")
    bench.answers("A1")
    bench.answers("A2")

    assert bench.evidence.seen == [("reached",), ("owed",), ("acked", True), ("acked", False)]


def test_what_was_overtaken_is_no_silence(bench):
    bench.send("A1", timeout=1)
    bench.reactor.advance(1)
    bench.send("A2")
    bench.answers("A2")

    assert bench.evidence.seen[-1] == ("acked", False)


def test_an_unanswered_message_stays_owed_after_its_wait(bench):
    bench.send("A1", timeout=1)
    bench.reactor.advance(1)
    bench.send("A2")

    assert bench.evidence.seen == [("reached",), ("owed",)]


def test_evidence_of_refusals_names_the_message(bench):
    bench.send("A1")
    bench.answers("A1", "AE")

    assert bench.evidence.seen[-1] == ("refused", "A1", False)


def test_evidence_of_a_broken_connection_names_the_oldest_message_that_was_owed(bench):
    bench.send("A1")
    bench.send("A2")
    bench.cable.cut()

    assert bench.evidence.seen[-1] == ("lost", "connection lost", "A1")


def test_an_idle_connection_that_is_closed_owed_nothing(bench):
    bench.send("A1")
    bench.answers("A1")
    bench.cable.cut(error.ConnectionDone())

    assert bench.evidence.seen[-1] == ("lost", "closed by the platform", "")


def test_an_answer_without_its_last_byte_counts_after_a_moment(bench):
    bench.send("A1")
    bench.cable.protocol.dataReceived(b"\x0bMSH|^~\\&|X|Y|S|L|2026||ACK|1|P|2.5\rMSA|AA|A1\r\x1c")
    assert bench.results == {}

    bench.reactor.advance(0.25)
    assert bench.results == {"A1": "MSA AA A1"}


def test_an_answer_cut_short_confirms_nothing(bench):
    bench.send("A1")
    bench.cable.protocol.dataReceived(b"\x0bMSH|^~\\&|X|Y|S|L|2026||ACK|1|P|2.5\rMSA|AA|A1")
    bench.cable.cut()

    assert bench.outcome("A1") is Uncertain


def test_bytes_that_are_no_answer_confirm_nothing(bench):
    bench.send("A1")
    bench.cable.protocol.dataReceived(b"\x0bbonjour\x1c\rHTTP/1.1 200 OK\r\n")

    assert bench.results == {}


def test_an_endless_answer_ends_the_connection(bench):
    bench.send("A1")
    bench.cable.protocol.dataReceived(b"\x0bMSH" + b"A" * 2**21)

    assert bench.cable.disconnected
    assert bench.outcome("A1") is Uncertain


def test_stopping_ends_every_wait_and_leaves_nothing_behind(bench):
    bench.send("A1")
    stopped = []
    bench.link.stopService().addCallback(stopped.append)
    bench.send("A2")

    assert stopped
    assert bench.outcome("A1") is Uncertain
    assert bench.outcome("A2") is TemporaryFailure
    assert bench.reactor.getDelayedCalls() == []


def test_a_wait_that_is_cancelled_leaves_its_answer_to_nobody_else(bench):
    work = Deferred.fromCoroutine(bench.link.deliver(message("A1"), "A1", timeout=9, token=1))
    work.addErrback(lambda failure: None)
    work.cancel()
    bench.send("A2")
    bench.answers("A1")

    assert bench.results == {}
    assert [x.control_id for x in bench.late] == ["A1"]
    assert bench.link.in_flight == 1


def test_what_was_overtaken_is_not_blamed_for_a_broken_connection(bench):
    bench.send("A1", timeout=1)
    bench.reactor.advance(1)
    bench.send("A2")
    bench.answers("A2")
    bench.send("A3")
    bench.cable.cut()

    assert bench.evidence.seen[-1] == ("lost", "connection lost", "A3")


def test_answers_in_another_order_leave_no_silence(bench):
    for control_id in ("A1", "A2", "A3"):
        bench.send(control_id)
    for control_id in ("A3", "A1", "A2"):
        bench.answers(control_id)

    assert bench.evidence.seen[-3:] == [("acked", False)] * 3


def test_a_foreign_answer_is_no_evidence(bench):
    bench.send("A1")
    bench.answers("B7")

    assert bench.evidence.seen == [("reached",), ("owed",)]


def test_after_giving_up_no_connection_is_tried_until_there_is_a_message(bench):
    bench.cable.cut()
    bench.reactor.advance(0)
    bench.refuse()
    bench.link.give_up("down")
    before = bench.tries
    bench.reactor.advance(60)

    assert bench.tries == before


def test_giving_up_ends_a_try_to_connect_without_a_word():
    bench = Bench().start()
    bench.link.give_up("down")
    bench.reactor.advance(60)

    assert bench.evidence.seen == []
    assert bench.tries == 1


def test_several_messages_wait_for_one_try_to_connect():
    bench = Bench().start()
    bench.send("A1")
    bench.send("A2")
    assert bench.tries == 1

    bench.accept()
    assert bench.sent() == ["A1", "A2"]


def test_a_connection_over_which_a_message_was_accepted_is_made_again_at_once(bench):
    bench.send("A1")
    bench.answers("A1")
    for _ in range(3):
        bench.cable.cut()
        bench.reactor.advance(0)
        bench.accept()
        bench.send("A2")
        bench.answers("A2")

    assert len(bench.cables) == 4


def test_only_one_connection_that_was_given_up_is_listened_to(bench):
    bench.link.give_up("down")
    bench.send("A1")
    bench.accept()
    bench.link.give_up("down again")

    assert [cable.disconnected for cable in bench.cables] == [True, False]


def test_what_waited_for_the_platform_to_read_is_sent_when_it_does(bench):
    bench.cable.producer.pauseProducing()
    bench.send("A1")
    bench.cable.producer.resumeProducing()

    assert bench.sent() == ["A1"]


def test_an_answer_without_its_last_byte_counts_when_the_connection_ends(bench):
    bench.send("A1")
    bench.cable.protocol.dataReceived(b"\x0bMSH|^~\\&|X|Y|S|L|2026||ACK|1|P|2.5\rMSA|AA|A1\r\x1c")
    bench.cable.cut()
    bench.link.stopService()

    assert bench.results == {"A1": "MSA AA A1"}
    assert bench.reactor.getDelayedCalls() == []


def test_stopping_while_it_connects_leaves_nothing_behind():
    bench = Bench().start()
    bench.link.stopService()

    assert bench.reactor.getDelayedCalls() == []


def unanswered(bench, control_id):
    bench.send(control_id, timeout=1)
    bench.reactor.advance(1)


def accepted(bench, control_id):
    bench.send(control_id)
    bench.answers(control_id)


def test_a_message_that_is_dropped_again_and_again_by_a_living_platform_is_no_silence(bench):
    for number in range(2):
        unanswered(bench, "A1")
        accepted(bench, f"B{number}")
    bench.evidence.seen.clear()
    unanswered(bench, "A1")

    assert bench.evidence.seen == []


def test_a_message_that_was_dropped_once_may_be_dropped_by_a_platform_that_stopped(bench):
    unanswered(bench, "A1")
    accepted(bench, "B1")
    bench.evidence.seen.clear()
    unanswered(bench, "A1")

    assert bench.evidence.seen == [("owed",)]


def test_unanswered_tries_with_nothing_accepted_between_are_silence(bench):
    accepted(bench, "B1")
    for _ in range(5):
        unanswered(bench, "A1")
        bench.link.give_up("down")
        bench.send("A0", timeout=1)
        bench.accept()
        bench.reactor.advance(1)
    bench.evidence.seen.clear()
    bench.link.give_up("down")
    bench.send("A1")
    bench.accept()

    assert ("owed",) in bench.evidence.seen


def test_what_is_answered_after_all_is_forgiven(bench):
    for number in range(2):
        unanswered(bench, "A1")
        accepted(bench, f"B{number}")
    accepted(bench, "A1")
    bench.evidence.seen.clear()
    unanswered(bench, "A1")

    assert bench.evidence.seen == [("owed",)]


def test_beside_a_dropped_message_the_silence_of_others_counts(bench):
    for number in range(2):
        unanswered(bench, "A1")
        accepted(bench, f"B{number}")
    bench.evidence.seen.clear()
    bench.send("A1")
    bench.send("C1")
    assert bench.evidence.seen == [("owed",)]

    bench.cable.cut()
    assert bench.evidence.seen[-1] == ("lost", "connection lost", "C1")
