"""The MLLP way in, in memory: the inbox commits when told, connections and time are in the test's hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs
from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from gateway.clock import ReactorClock
from gateway.errors import Rejected, StoreBroken, StoreFull
from gateway.hl7 import Envelope, Framer, peek, read_ack
from gateway.intakes.mllp import MllpIntake, Settings
from gateway.intakes.mllp.service import enhanced


def message(control_id, *, type_="ORU^R01", more=""):
    return f"MSH|^~\\&|SIL|LABO|X|Y|20260101||{type_}|{control_id}|P|2.5\r{more}".encode()


def framed(*bodies):
    return b"".join(b"\x0b" + body + b"\x1c\r" for body in bodies)


class Inbox:
    """Commits at once, or when told; refuses what it is told to."""

    def __init__(self):
        self.seen, self.refused, self.peers = [], [], []
        self.errors = {}
        self.holding = False
        self.waiting = {}

    async def accept(self, raw, *, door, peer):
        control_id = peek(raw).control_id
        self.seen.append(control_id)
        self.peers.append((door.intake, peer))
        if self.holding:
            self.waiting[control_id] = Deferred()
            await self.waiting[control_id]
        if control_id in self.errors:
            raise self.errors[control_id]

    async def refuse(self, raw, rejected, *, door, peer):
        self.refused.append((raw, rejected.reason))
        if "refusals" in self.errors:
            raise self.errors["refusals"]

    def commit(self, *control_ids):
        for control_id in control_ids:
            self.waiting.pop(control_id).callback(None)


class Cable(StringTransport):
    """The sender's end of a connection."""

    def __init__(self, conversation):
        super().__init__()
        self.conversation = conversation
        self.gone = False
        self.slow = False  # the end of a connection takes a turn of the reactor, or much longer
        conversation.makeConnection(self)

    def says(self, *chunks):
        for chunk in chunks:
            self.conversation.dataReceived(chunk)
        return self

    def loseConnection(self):
        super().loseConnection()
        if not self.slow:
            self.ends(error.ConnectionDone())

    def abortConnection(self):
        super().abortConnection()
        if not self.slow:
            self.ends(error.ConnectionAborted())

    def ends(self, why=None):
        if not self.gone:
            self.gone = True
            self.conversation.connectionLost(Failure(why or error.ConnectionDone()))

    @property
    def heard(self):
        """The answers so far: code and the control id each names."""
        acks = [read_ack(f.data) for f in Framer().feed(self.value())]
        return [(a.code, a.control_id) for a in acks]


class Bench:
    def __init__(self, **settings):
        self.reactor = MemoryReactorClock()
        self.inbox = Inbox()
        self.broken = []
        base = {"kind": "mllp", "name": "lab", "listen": "tcp:2575", "mode": "direct"}
        self.intake = MllpIntake(
            Settings(**(base | settings)),
            inbox=self.inbox,
            reactor=self.reactor,
            clock=ReactorClock(self.reactor, wall=1000.0),
            zone="Europe/Paris",
            base=Path(),
            on_broken=self.broken.append,
        )
        self.intake.startService()

    def dial(self, host="10.0.0.1"):
        """A connection from `host`; None when it is refused."""
        factory = self.reactor.tcpServers[-1][1]
        conversation = factory.buildProtocol(IPv4Address("TCP", host, 40000))
        return None if conversation is None else Cable(conversation)


@pytest.fixture
def bench():
    return Bench()


# -- answers


def test_a_message_is_answered_once_it_is_on_disk(bench):
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")))
    assert cable.heard == []

    bench.inbox.commit("A1")
    assert cable.heard == [("AA", "A1")]


def test_answers_leave_in_the_order_the_messages_came(bench):
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1"), message("A2"), message("A3")))
    bench.inbox.commit("A3", "A2")
    assert cable.heard == []

    bench.inbox.commit("A1")
    assert cable.heard == [("AA", "A1"), ("AA", "A2"), ("AA", "A3")]


def test_answers_have_control_ids_of_their_own_that_are_never_the_same(bench):
    cable = bench.dial().says(framed(*[message(f"A{n}") for n in range(20)]))
    ids = [f.data.split(b"|")[9] for f in Framer().feed(cable.value())]

    assert len(set(ids)) == 20
    assert all(len(i) <= 20 for i in ids)


def test_a_refused_message_is_answered_with_the_reason(bench):
    bench.inbox.errors["A1"] = Rejected("two patients", code=100, location="PID")
    cable = bench.dial().says(framed(message("A1")))

    assert cable.heard == [("AE", "A1")]
    assert b"ERR" in cable.value()


def test_what_will_never_do_is_answered_ar(bench):
    bench.inbox.errors["A1"] = Rejected("what is this", code=200, location="MSH-9")

    assert bench.dial().says(framed(message("A1"))).heard == [("AR", "A1")]


def test_a_full_disk_is_answered_ae_and_the_connection_lives(bench):
    bench.inbox.errors["A1"] = StoreFull()
    cable = bench.dial().says(framed(message("A1"), message("A2")))

    assert cable.heard == [("AE", "A1"), ("AA", "A2")]


def test_a_broken_store_is_told_and_nothing_is_answered_any_more(bench):
    bench.inbox.errors["A2"] = trouble = StoreBroken()
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1"), message("A2"), message("A3")))
    bench.inbox.commit("A2", "A1", "A3")

    assert bench.broken == [trouble]
    assert cable.heard == []
    assert cable.gone


def test_a_bug_is_answered_ae_and_its_words_stay_out_of_the_log(bench):
    bench.inbox.errors["A1"] = ValueError("LEFÈBVRE^Éloïse")
    with capture_logs() as logs:
        cable = bench.dial().says(framed(message("A1"), message("A2")))

    assert cable.heard == [("AE", "A1"), ("AA", "A2")]
    assert [entry["error"] for entry in logs] == ["ValueError"]
    assert "test_mllp.py" in logs[0]["where"]
    assert "Éloïse" not in str(logs)


def test_an_acknowledgement_is_taken_in_and_never_answered(bench):
    bench.inbox.errors["A2"] = Rejected("no MSA", code=101, location="MSA")
    cable = bench.dial().says(
        framed(message("A1", type_="ACK^R01"), message("A2", type_="ACK"), message("A3"))
    )

    assert bench.inbox.seen == ["A1", "A2", "A3"]
    assert cable.heard == [("AA", "A3")]


def test_the_inbox_hears_which_intake_and_which_peer(bench):
    bench.dial("10.0.0.7").says(framed(message("A1")))

    assert bench.inbox.peers == [("lab", "10.0.0.7")]


def test_an_answer_to_a_sender_that_has_gone_is_dropped(bench):
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")))
    cable.ends()
    bench.inbox.commit("A1")

    assert cable.value() == b""


def test_what_a_sender_sent_whole_before_it_went_is_taken_in(bench):
    bench = Bench(at_once=1)
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1"), message("A2")))
    cable.ends()
    bench.inbox.commit("A1")
    bench.inbox.commit("A2")

    assert bench.inbox.seen == ["A1", "A2"]


def test_the_end_of_a_senders_side_ends_its_last_message(bench):
    cable = bench.dial().says(framed(message("A1"))[:-1])
    cable.conversation.readConnectionLost()

    assert cable.heard == [("AA", "A1")]


def test_a_sender_that_ends_its_side_still_gets_its_answers(bench):
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")))
    cable.conversation.readConnectionLost()
    assert not cable.gone

    bench.inbox.commit("A1")
    assert cable.heard == [("AA", "A1")]
    assert cable.gone


@pytest.mark.parametrize(
    ("accept", "application", "code", "answer"),
    [
        ("", "", "AA", "AA"),
        ("", "", "AE", "AE"),
        ("AL", "NE", "AA", "CA"),
        ("AL", "NE", "AR", "CR"),
        ("NE", "NE", "AA", ""),
        ("NE", "AL", "AA", "AA"),
        ("ER", "NE", "AA", ""),
        ("ER", "NE", "AE", "CE"),
        ("SU", "NE", "AA", "CA"),
        ("SU", "NE", "AE", ""),
        ("", "AL", "AE", "AE"),
        ("", "ER", "AA", ""),
    ],
)
def test_in_enhanced_mode_the_sender_says_which_answers_it_wants(accept, application, code, answer):
    asked = Envelope(accept_ack=accept, application_ack=application)

    assert enhanced(asked, code) == answer


def test_original_mode_answers_aa_also_to_those_who_ask_for_ca(bench):
    asks = b"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|A1|P|2.5|||AL|NE\r"
    assert bench.dial().says(framed(asks)).heard == [("AA", "A1")]

    bench = Bench(acknowledge="enhanced")
    assert bench.dial().says(framed(asks)).heard == [("CA", "A1")]


def test_a_sender_that_wants_no_answer_holds_up_nobody(bench):
    bench = Bench(acknowledge="enhanced")
    silent = b"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|A1|P|2.5|||NE|NE\r"
    cable = bench.dial().says(framed(silent, message("A2")))

    assert bench.inbox.seen == ["A1", "A2"]
    assert cable.heard == [("AA", "A2")]


# -- streams


def test_a_message_may_come_byte_by_byte(bench):
    cable = bench.dial()
    for byte in framed(message("A1")):
        cable.says(bytes([byte]))

    assert cable.heard == [("AA", "A1")]


def test_half_a_message_is_not_taken_in(bench):
    bench.dial().says(framed(message("A1"))[:-2]).ends()

    assert bench.inbox.seen == []


def test_a_message_without_its_last_byte_counts_after_a_moment(bench):
    cable = bench.dial().says(framed(message("A1"))[:-1])
    assert bench.inbox.seen == []

    bench.reactor.advance(0.25)
    assert cable.heard == [("AA", "A1")]


def test_a_frame_begun_again_is_refused_and_the_second_taken_in(bench):
    cable = bench.dial().says(b"\x0b" + message("A1") + framed(message("A2")))

    assert cable.heard == [("AR", "A1"), ("AA", "A2")]
    assert bench.inbox.seen == ["A2"]
    assert [raw for raw, _ in bench.inbox.refused] == [message("A1")]


def test_a_refusal_that_cannot_be_written_down_is_answered_ae(bench):
    bench.inbox.errors["refusals"] = StoreFull()
    cable = bench.dial().says(b"\x0b" + message("A1") + framed(message("A2")))

    assert cable.heard == [("AE", "A1"), ("AA", "A2")]


def test_a_message_that_is_too_long_is_answered_ar_and_the_connection_closed():
    bench = Bench(longest=2000)
    cable = bench.dial().says(framed(message("A1")), b"\x0b" + message("A2") + b"x" * 2000)

    assert cable.heard == [("AA", "A1"), ("AR", "A2")]
    assert cable.gone
    assert bench.inbox.seen == ["A1"]


def test_nothing_after_a_message_that_is_too_long_is_read():
    bench = Bench(longest=2000)
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")), b"\x0b" + message("A2") + b"x" * 2000)
    assert not cable.gone

    cable.says(framed(message("A3")))
    bench.inbox.commit("A1")
    assert cable.heard == [("AA", "A1"), ("AR", "A2")]


def test_each_message_of_a_batch_is_taken_in_and_answered(bench):
    batch = b"BHS|^~\\&|SIL\r" + message("A1") + message("A2") + b"BTS|2\r"

    assert bench.dial().says(framed(batch)).heard == [("AA", "A1"), ("AA", "A2")]


def test_a_batch_that_miscounts_is_said_so_after_its_messages(bench):
    batch = b"BHS|^~\\&|SIL\r" + message("A1") + message("A2") + b"BTS|3\r"
    cable = bench.dial().says(framed(batch))

    assert cable.heard == [("AA", "A1"), ("AA", "A2"), ("AE", "")]
    assert b"BTS" in cable.value()
    assert len(bench.inbox.refused) == 1


def test_a_batch_without_a_message_is_refused(bench):
    cable = bench.dial().says(framed(b"BHS|^~\\&|SIL\rBTS|0\r"))

    assert [code for code, _ in cable.heard] == ["AE"]


def test_a_batch_takes_no_more_at_once_than_single_messages_do():
    bench = Bench(at_once=4)
    bench.inbox.holding = True
    bench.dial().says(framed(b"BHS|^~\\&\r" + b"".join(message(f"A{n}") for n in range(50))))

    assert len(bench.inbox.seen) == 4


def test_a_thousand_messages_in_one_piece_are_taken_in(bench):
    cable = bench.dial().says(framed(*[message(f"A{n}") for n in range(3000)]))

    assert cable.heard == [("AA", f"A{n}") for n in range(3000)]


# -- room


def test_no_more_is_read_than_there_is_room_for_and_reading_goes_on_after():
    bench = Bench(at_once=2)
    bench.inbox.holding = True
    cable = bench.dial().says(framed(*[message(f"A{n}") for n in range(1, 5)]))
    assert bench.inbox.seen == ["A1", "A2"]
    assert cable.producerState == "paused"

    bench.inbox.commit("A1", "A2")
    assert bench.inbox.seen == ["A1", "A2", "A3", "A4"]
    assert cable.producerState == "paused"

    bench.inbox.commit("A3", "A4")
    assert cable.producerState == "producing"
    assert len(cable.heard) == 4


def test_long_messages_are_not_piled_up():
    bench = Bench(longest=2000, at_once=64)
    bench.inbox.holding = True
    long = [message(f"A{n}", more="NTE|1||" + "x" * 1500 + "\r") for n in range(5)]
    bench.dial().says(framed(*long))
    assert bench.inbox.seen == ["A0", "A1"]

    bench.inbox.commit("A0", "A1")
    assert bench.inbox.seen == ["A0", "A1", "A2", "A3"]


def test_a_sender_that_does_not_read_its_answers_is_not_read_either(bench):
    cable = bench.dial()
    cable.producer.pauseProducing()
    assert cable.producerState == "paused"

    cable.producer.resumeProducing()
    assert cable.producerState == "producing"


def test_a_sender_that_never_reads_its_answers_is_closed_in_the_end():
    bench = Bench(idle="10m")
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")))
    cable.producer.pauseProducing()
    bench.reactor.advance(600)
    bench.inbox.commit("A1")

    assert cable.gone


def test_all_unfinished_messages_together_are_bounded(monkeypatch):
    monkeypatch.setattr("gateway.intakes.mllp.service.UNFINISHED", 10_000)
    bench = Bench()
    cables = [bench.dial(f"10.0.0.{n}") for n in range(5)]
    for cable in cables:
        cable.says(b"\x0b" + b"x" * 3000)
    assert [cable.gone for cable in cables] == [False, False, False, True, True]

    cables[0].says(b"\x1c\r")
    bench.dial("10.0.0.9").says(b"\x0b" + b"x" * 3000)
    assert bench.intake.connections == 4


def test_who_finishes_is_not_cut_for_what_others_began(monkeypatch):
    monkeypatch.setattr("gateway.intakes.mllp.service.UNFINISHED", 10_000)
    bench = Bench()
    modest, greedy = bench.dial("10.0.0.1"), bench.dial("10.0.0.2")
    frame = framed(message("A1"))
    modest.says(frame[:-5])
    greedy.slow = True
    greedy.says(b"\x0b" + b"x" * 20_000)
    modest.says(frame[-5:])

    assert modest.heard == [("AA", "A1")]
    assert not modest.gone


# -- time


def test_a_message_must_come_whole_within_half_a_minute(bench):
    cable = bench.dial()
    for byte in message("A1")[:29]:
        cable.says(b"\x0b" if byte == 0x4D else bytes([byte]))
        bench.reactor.advance(1)
    assert not cable.gone

    bench.reactor.advance(1)
    assert cable.gone
    assert bench.inbox.seen == []


def test_each_message_has_its_own_half_minute(bench):
    cable = bench.dial()
    frame = framed(message("A1"))
    cable.says(frame[:20])
    for _ in range(5):
        bench.reactor.advance(20)
        cable.says(frame[20:] + frame[:20])

    assert not cable.gone
    assert len(cable.heard) == 5


def test_between_messages_a_connection_may_be_silent_for_ten_minutes(bench):
    cable = bench.dial().says(framed(message("A1")))
    bench.reactor.advance(599)
    cable.says(framed(message("A2")))
    bench.reactor.advance(599)
    assert not cable.gone

    bench.reactor.advance(1)
    assert cable.gone


def test_whoever_speaks_no_mllp_is_closed_within_half_a_minute(bench):
    cable = bench.dial().says(b"GET / HTTP/1.0\r\n\r\n")
    bench.reactor.advance(29)
    assert not cable.gone

    bench.reactor.advance(1)
    assert cable.gone
    assert cable.value() == b""


def test_babble_on_and_on_does_not_keep_a_connection(bench):
    cable = bench.dial()
    for _ in range(30):
        cable.says(b"EHLO x\r\n")
        bench.reactor.advance(1)

    assert cable.gone


def test_garbage_after_a_message_does_not_close_the_connection(bench):
    cable = bench.dial().says(framed(message("A1")), b"xyz\r\n")
    bench.reactor.advance(120)

    assert not cable.gone


def test_garbage_before_a_message_does_not_close_the_connection(bench):
    cable = bench.dial().says(b"xyz\r\n")
    bench.reactor.advance(20)
    cable.says(framed(message("A1")))
    bench.reactor.advance(120)

    assert not cable.gone


def test_messages_begun_again_and_again_do_not_keep_a_connection(bench):
    cable = bench.dial()
    for _ in range(31):
        cable.says(b"\x0bMSH|")
        bench.reactor.advance(1)

    assert cable.gone


def test_an_empty_frame_that_came_slowly_closes_nothing(bench):
    cable = bench.dial().says(framed(message("A1")), framed(b""), b"\x0b")
    bench.reactor.advance(20)
    cable.says(b"\x1c\r")
    bench.reactor.advance(20)

    assert not cable.gone


def test_who_is_too_slow_is_told(bench):
    bench.dial().says(b"\x0bMSH|")
    with capture_logs() as logs:
        bench.reactor.advance(30)

    assert [entry["why"] for entry in logs] == ["no whole message within 30 s"]


def test_a_delay_that_is_ours_closes_nothing(bench):
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")))
    bench.reactor.advance(700)
    bench.inbox.commit("A1")
    assert cable.heard == [("AA", "A1")]

    bench.reactor.advance(590)
    assert not cable.gone


def test_a_message_that_we_did_not_read_is_not_late():
    bench = Bench(at_once=1)
    bench.inbox.holding = True
    frame = framed(message("A2"))
    cable = bench.dial().says(framed(message("A1")) + frame[:9])
    bench.reactor.advance(29)
    bench.inbox.commit("A1")
    bench.reactor.advance(29)
    cable.says(frame[9:])
    bench.inbox.commit("A2")

    assert cable.heard == [("AA", "A1"), ("AA", "A2")]


# -- peers


def test_only_allowed_networks_may_connect():
    bench = Bench(allow=["10.0.0.0/24", "fd00::/8"])

    assert bench.dial("10.0.0.200") is not None
    assert bench.dial("fd00::1") is not None
    assert bench.dial("::ffff:10.0.0.3") is not None
    assert bench.dial("10.0.1.1") is None
    assert bench.dial("fe80::1%eth0") is None


def test_a_link_local_address_is_known_by_its_network():
    bench = Bench(allow=["fe80::/10"])

    assert bench.dial("fe80::1%eth0") is not None


def test_one_peer_may_not_take_every_connection():
    bench = Bench(per_peer=3)
    cables = [bench.dial("10.0.0.1") for _ in range(4)]
    assert cables[3] is None
    assert bench.dial("10.0.0.2") is not None

    cables[0].ends()
    assert bench.dial("10.0.0.1") is not None


def test_connections_in_all_are_bounded():
    bench = Bench(connections=5)
    cables = [bench.dial(f"10.0.0.{n}") for n in range(6)]

    assert [cable is None for cable in cables] == [False] * 5 + [True]


def test_a_troubled_peer_is_told_once_when_it_goes_and_once_when_it_is_back(bench):
    with capture_logs() as logs:
        for _ in range(3):
            bench.dial().says(b"GET / HTTP/1.0\r\n\r\n")
        for control_id in ("A1", "A2"):
            bench.dial().says(framed(message(control_id)))

    assert [entry["event"] for entry in logs] == ["intake.peer_trouble", "intake.peer_well"]
    assert {entry["peer"] for entry in logs} == {"10.0.0.1"}


def test_a_refused_peer_is_told_once():
    bench = Bench(allow=["10.0.0.0/24"])
    with capture_logs() as logs:
        for _ in range(3):
            bench.dial("192.168.1.1")

    assert [entry["event"] for entry in logs] == ["intake.refused_peer"]


def test_a_scan_of_the_network_costs_no_memory():
    bench = Bench(allow=["10.0.0.0/24"])
    with capture_logs():
        for n in range(3000):
            bench.dial(f"172.16.{n // 250}.{n % 250}")

    assert len(bench.intake._peers._told) <= 1000


def test_peers_that_have_gone_cost_no_memory(bench):
    for n in range(300):
        bench.dial(f"172.16.0.{n}").ends()

    assert not bench.intake._peers._open


# -- the end


def test_stopping_answers_what_came_and_then_closes(bench):
    bench.inbox.holding = True
    busy, idle = bench.dial().says(framed(message("A1"))), bench.dial()
    stopped = []
    bench.intake.stopService().addCallback(stopped.append)
    assert idle.gone
    assert not busy.gone
    assert not stopped

    bench.inbox.commit("A1")
    assert busy.heard == [("AA", "A1")]
    assert busy.gone
    assert stopped
    assert bench.reactor.getDelayedCalls() == []


def test_nothing_is_read_once_it_stops(bench):
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")))
    bench.intake.stopService()
    assert cable.producerState == "paused"

    cable.says(framed(message("A2")))
    assert bench.inbox.seen == ["A1"]


def test_a_sender_that_does_not_let_go_is_cut():
    bench = Bench(longest=2000)
    cable = bench.dial()
    cable.slow = True
    cable.says(b"\x0b" + message("A1") + b"x" * 2000)
    assert cable.disconnecting
    assert cable.producer is None

    bench.reactor.advance(3)
    assert cable.disconnected


def test_stopping_waits_three_seconds_for_an_answer_and_no_longer(bench):
    bench.inbox.holding = True
    cable = bench.dial().says(framed(message("A1")))
    stopped = []
    bench.intake.stopService().addCallback(stopped.append)
    bench.reactor.advance(2.9)
    assert not stopped

    bench.reactor.advance(0.1)
    assert stopped
    assert cable.gone


def test_a_connection_that_ends_leaves_no_timer(bench):
    cable = bench.dial().says(framed(message("A1"))[:-1], b"\x00")
    cable.ends()

    assert bench.reactor.getDelayedCalls() == []


@pytest.mark.parametrize(
    "tables",
    [
        {"certificate": "a.pem"},
        {"private_key": "a.pem"},
        {"client_ca": "a.pem"},
        {"certificate": "a.pem", "private_key": "b.pem", "listen": "ssl:2575"},
        {"allow": ["10.0.0.300/8"]},
        {"allow": ["10.0.0.1/8"]},
        {"at_once": 0},
        {"mode": "loud"},
        {"within": "30"},
    ],
)
def test_settings_that_cannot_work_are_faults(tables):
    with pytest.raises(ValidationError):
        Settings(**({"kind": "mllp", "name": "l", "listen": "tcp:1", "mode": "direct"} | tables))


# -- long frames


class Elsewhere:
    """Does work beside the reactor: when told."""

    def __init__(self):
        self.waiting = []

    def __call__(self, work):
        done = Deferred()
        self.waiting.append((work, done))
        return done

    def works(self):
        work, done = self.waiting.pop(0)
        done.callback(work())


@pytest.fixture
def far(bench):
    bench.intake.aside = Elsewhere()
    return bench


LONG_ONE = message("A1", more="OBX|1|TX|||" + "x" * 200_000 + "\r")


def test_a_long_frame_is_taken_apart_elsewhere_and_what_follows_waits(far):
    cable = far.dial().says(framed(LONG_ONE, message("A2")))
    assert far.inbox.seen == []
    assert cable.producerState == "paused"

    far.intake.aside.works()
    assert cable.heard == [("AA", "A1"), ("AA", "A2")]
    assert cable.producerState == "producing"


def test_each_message_of_a_long_frame_is_answered(far):
    cable = far.dial().says(framed(LONG_ONE + message("A2") + message("A3")))

    while far.intake.aside.waiting:
        far.intake.aside.works()
    assert cable.heard == [("AA", "A1"), ("AA", "A2"), ("AA", "A3")]


def test_a_sender_that_leaves_after_a_long_frame_has_sent_it(far):
    cable = far.dial().says(framed(LONG_ONE))
    cable.conversation.readConnectionLost()
    assert not cable.disconnecting

    far.intake.aside.works()
    assert cable.heard == [("AA", "A1")]
    assert cable.disconnecting


def test_a_long_frame_that_cannot_be_taken_apart_is_not_answered(far):
    with capture_logs():
        cable = far.dial().says(framed(LONG_ONE))
        _, done = far.intake.aside.waiting.pop()
        done.errback(Failure(RuntimeError("no threads any more")))

    assert cable.heard == []
    assert cable.gone
