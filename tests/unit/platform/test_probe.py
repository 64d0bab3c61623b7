"""Asking the platform whether it is there."""

from __future__ import annotations

import pytest
from twisted.internet import error
from twisted.internet.endpoints import clientFromString
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from gateway.platform.probe import Prober, by_connection, by_message

QUESTION = b"MSH|^~\\&|WARDLINE|HEX|X|Y|20260101||NMQ^N01|PROBE1|P|2.5\r"


class Hearer:
    def __init__(self):
        self.heard = []

    def reached(self):
        self.heard.append("reached")

    def proved(self):
        self.heard.append("proved")

    def unreachable(self, reason):
        self.heard.append(reason)


class Cable(StringTransport):
    def abortConnection(self):
        super().abortConnection()
        self.protocol.connectionLost(Failure(error.ConnectionAborted()))


class Bench:
    def __init__(self, build=by_connection, **more):
        self.reactor = MemoryReactorClock()
        self.hearer = Hearer()
        self.cables = []
        endpoint = clientFromString(self.reactor, "tcp:127.0.0.1:2600")
        self.prober = Prober(
            build(endpoint, **more),
            hearer=self.hearer,
            every=1.0,
            within=0.5,
            reactor=self.reactor,
        )
        self.prober.startService()

    @property
    def heard(self):
        return self.hearer.heard

    @property
    def tries(self):
        return len(self.reactor.tcpClients)

    def accept(self):
        protocol = self.reactor.tcpClients[-1][2].buildProtocol(None)
        cable = Cable()
        cable.protocol = protocol
        self.cables.append(cable)
        protocol.makeConnection(cable)

    def refuse(self):
        connector, factory = self.reactor.connectors[-1], self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(connector, Failure(error.ConnectionRefusedError()))

    def answers(self, control_id, code="AA"):
        lines = f"MSH|^~\\&|X|Y|S|L|2026||ACK|1|P|2.5\rMSA|{code}|{control_id}\r"
        self.cables[-1].protocol.dataReceived(b"\x0b" + lines.encode() + b"\x1c\r")


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def asking():
    bench = Bench(by_message, message=QUESTION)
    bench.accept()
    return bench


def test_it_probes_as_soon_as_it_starts_and_each_second_from_then(bench):
    assert bench.tries == 1
    bench.accept()
    bench.reactor.advance(0.875)
    assert bench.tries == 1

    bench.reactor.advance(0.125)
    assert bench.tries == 2


def test_a_connection_is_good_evidence_and_is_closed(bench):
    bench.accept()

    assert bench.heard == ["reached"]
    assert bench.cables[0].disconnecting


def test_a_refused_connection_is_bad_evidence(bench):
    bench.refuse()

    assert bench.heard == ["connection refused"]


def test_no_answer_in_time_is_bad_evidence(bench):
    bench.reactor.advance(0.5)

    assert bench.heard == ["no answer in time"]


def test_a_slow_probe_does_not_delay_the_next_one(bench):
    bench.reactor.advance(0.5)
    bench.reactor.advance(0.5)

    assert bench.tries == 2


def test_somebody_may_hurry_it(bench):
    bench.accept()
    bench.reactor.advance(0.5)
    bench.prober.now()
    assert bench.tries == 2

    bench.accept()
    bench.reactor.advance(0.875)
    assert bench.tries == 2


def test_one_probe_at_a_time(bench):
    bench.prober.now()

    assert bench.tries == 1


def test_stopping_leaves_nothing_behind(bench):
    bench.prober.stopService()
    assert bench.reactor.getDelayedCalls() == []
    assert bench.heard == []

    bench.prober.now()
    assert bench.tries == 1


def test_stopping_between_probes_leaves_nothing_behind(bench):
    bench.accept()
    bench.prober.stopService()

    assert bench.reactor.getDelayedCalls() == []


def test_an_accepted_probe_message_is_a_proof(asking):
    assert QUESTION in asking.cables[0].value()

    asking.answers("PROBE1")
    assert asking.heard == ["proved"]
    assert asking.cables[0].disconnecting


def test_a_probe_message_must_be_answered_by_its_name(asking):
    asking.answers("OTHER")
    asking.reactor.advance(0.5)

    assert asking.heard == ["no answer in time"]
    assert asking.cables[0].disconnected


def test_a_refused_probe_message_is_bad_evidence(asking):
    asking.answers("PROBE1", "AE")

    assert asking.heard == ["MSA AE to the probe message"]


def test_an_answer_that_is_none_is_bad_evidence(asking):
    asking.cables[0].protocol.dataReceived(b"\x0bbonjour\x1c\r")

    assert asking.heard == ["no acknowledgement to the probe message"]


def test_a_connection_that_breaks_before_the_answer_is_bad_evidence(asking):
    asking.cables[0].protocol.connectionLost(Failure(error.ConnectionLost()))

    assert asking.heard == ["connection lost"]
