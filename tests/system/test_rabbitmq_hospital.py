"""A hospital on a real RabbitMQ under a stream of results: the bus fails, paper comes out, all arrives."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from demo import laboratory as lab
from tests.system.bus_ward import Ward
from tests.system.corpora import folder
from tests.system.printer import CapturingPrinter
from tests.system.stage import Stage, balanced

pytestmark = pytest.mark.system

WARDS = {"CARD": ("card", "NEURO"), "NEURO": ("neuro", "CARD")}
#: The simulated hospital's wards, as aliases of two of ours.
ALIASES = {"CARD": ("MÉD-A", "URG"), "NEURO": ("NÉPHRO",)}
PLAN = (("platform", "10s"), ("slip", "10s"), ("neighbour", "10s"), ("courier", None))


class TimedPrinter(CapturingPrinter):
    """Remembers when content came, as opposed to questions about its health."""

    def __init__(self):
        self.first = []
        super().__init__()

    def _talk(self, peer):
        receive = peer.recv

        class Peer:
            sendall = peer.sendall

            @staticmethod
            def recv(size):
                data = receive(size)
                if len(data) > 40:
                    self.first.append(time.monotonic())
                return data

        super()._talk(Peer)


class Stream(threading.Thread):
    """Results of the simulated hospital, a few each second, each acknowledged before the next."""

    def __init__(self, stage, messages, *, pause):
        super().__init__()
        self.acked, self.refused = [], []
        self._stage, self._messages, self._pause = stage, messages, pause
        self._over = threading.Event()

    def run(self):
        with self._stage.sender() as sender:
            for raw in self._messages:
                if self._over.wait(self._pause):
                    return
                code, control_id = sender.send(raw)
                (self.acked if code == "AA" else self.refused).append(control_id)

    def stop(self):
        self._over.set()
        self.join(15)


def simulated():
    whole = gzip.decompress((folder() / "sim" / "sim_fr.hl7stream.gz").read_bytes())
    messages = [m.strip(b"\n") for m in whole.split(b"\n\n")]
    return [m for m in messages if b"|ORU^R01|" in m[:120]][:400]


FAULTS = {
    "killed": (lambda rabbit: rabbit.kill(), lambda rabbit: rabbit.start()),
    "frozen": (lambda rabbit: rabbit.freeze(), lambda rabbit: rabbit.thaw()),
    "black-holed": (lambda rabbit: rabbit.network.drop(), lambda rabbit: rabbit.network.restore()),
    "full": (lambda rabbit: rabbit.fill_disk(), lambda rabbit: rabbit.empty_disk()),
}


@pytest.fixture
def stage(rabbit, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.system.stage.CapturingPrinter", TimedPrinter)
    bus = {"kind": "amqp", "connect": rabbit.endpoint, "exchange": "results"}
    patience = {"probe_every": "500ms", "down_after": "3s", "up_after": "2s"}
    stage = Stage(
        folder=tmp_path / "hospital",
        wards=WARDS,
        aliases=ALIASES,
        plan=PLAN,
        platform=bus | patience,
    )
    yield stage
    stage.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bus_that_fails_under_a_stream_loses_nothing_and_doubles_nothing(rabbit, stage, fault):
    if fault == "black-holed" and rabbit.network is None:
        pytest.skip("packets can only be dropped as root")
    fail, mend = FAULTS[fault]
    ward = Ward(rabbit.url)
    try:
        stage.open()
        printer = stage.papers["card"]
        stream = Stream(stage, simulated(), pause=0.2)
        stream.start()
        stage.until("the ward receives", lambda: len(ward.got) >= 5)
        fail(rabbit)
        try:
            failed = time.monotonic()
            with stage.sender() as sender:
                critical = lab.result("CRIT", lab.ELOISE, lab.potassium("6.9", "HH"))
                assert sender.send(critical) == ("AA", "CRIT")
            stage.until("paper", lambda: printer.first, within=6)
            print(f"{fault}: first byte at the printer after {printer.first[0] - failed:.2f} s")
            stage.until("down", lambda: stage.status()["platform"]["state"] == "down")
            stage.until("slips", lambda: len(stage.paper()) >= 6)
        finally:
            mend(rabbit)
        stage.until("up", lambda: stage.status()["platform"]["state"] == "up", within=30)
        stream.stop()
        sent = {*stream.acked, "CRIT"}
        stage.until("the ward has all", lambda: sent <= ward.ids(), within=30)
        stage.delivered(sent)
    finally:
        ward.close()

    assert not stream.refused
    assert [n for n in ward.unmarked().values() if n > 1] == [], "twice, and not said so"
    printed = Counter(
        found[1]
        for text in stage.paper()
        if (found := re.search(r"^Message (\S+) de SIL", text, re.MULTILINE))
        and "DUPLICATA" not in text
    )
    assert [name for name, count in printed.items() if count > 1] == [], "twice, and not said so"
    balanced(stage)


def test_a_hand_back_that_everything_interrupts_loses_nothing_and_doubles_nothing(rabbit, tmp_path):
    """Wardline is killed while it gives back, then the broker stands still: a second outage."""
    bus = {"kind": "amqp", "connect": rabbit.endpoint, "exchange": "results", "handback_rate": 10}
    patience = {"probe_every": "500ms", "down_after": "2s", "up_after": "1s"}
    stage = Stage(
        folder=tmp_path / "hospital",
        wards=WARDS,
        aliases=ALIASES,
        plan=PLAN,
        platform=bus | patience,
    )
    messages = simulated()
    ward, sent = Ward(rabbit.url), set()

    def sends(count):
        with stage.sender() as sender:
            for _ in range(count):
                code, control_id = sender.send(messages.pop())
                assert code == "AA"
                sent.add(control_id)

    def back():
        return len({got.control_id for got in ward.got if got.handback})

    def outages():
        return [stage.tell("report", "--outage", number) for number in ("1", "2")]

    try:
        stage.open()
        stage.until("up", lambda: stage.status()["platform"]["state"] == "up")
        stage.tell("outage", "begin", "--reason", "network work")
        stage.until("down", lambda: stage.status()["platform"]["state"] == "down")
        sends(40)
        stage.tell("outage", "end", "--reason", "done")
        stage.until("giving back", lambda: back() >= 5)
        sends(5)
        stage.wardline.kill()
        stage.wardline.wait()
        stage.start_wardline()
        stage.until("going on", lambda: back() >= 15, within=40)

        rabbit.freeze()
        try:
            stage.until("down", lambda: stage.status()["platform"]["state"] == "down")
            sends(5)
        finally:
            rabbit.thaw()
        stage.until("the ward has all", lambda: sent <= ward.ids(), within=60)
        stage.until(
            "nothing is owed",
            lambda: (
                not any(
                    d["state"] in ("held", "open", "sending")
                    for m in stage.messages()
                    for d in m["deliveries"]
                )
            ),
            within=40,
        )
        reports = [json.loads(told) for told in outages()]
    finally:
        ward.close()
        stage.close()

    assert [n for n in ward.unmarked().values() if n > 1] == [], "twice, and not said so"
    assert all(report["totals"]["balanced"] for report in reports)
    assert all(report["nobody"] == [] for report in reports)
    assert {m["control_id"] for r in reports for m in r["messages"]} <= sent
    balanced(stage)


@dataclass
class TapStage(Stage):
    """Its laboratory speaks to the bus, and Wardline listens beside the wards."""

    def _site(self):
        site = super()._site()
        head, rest = site.split("[[intakes]]", 1)
        _, rest = rest.split("[[devices]]", 1)
        connect = self.platform["connect"]
        tap = {"kind": "amqp", "name": "bus", "mode": "tap", "connect": connect}
        tap["receipts"] = "wardline.receipts"
        keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in tap.items())
        keys += 'bindings = [{ exchange = "results" }]\n'
        return f"{head}[[intakes]]\n{keys}\n[[devices]]{rest}"


def test_a_tap_prints_what_no_ward_says_to_have(rabbit, tmp_path):
    stage = TapStage(
        folder=tmp_path / "hospital",
        wards=WARDS,
        plan=(("platform", "2s"), *PLAN[1:]),
        platform={"kind": "amqp", "connect": rabbit.endpoint, "exchange": "results"},
    )
    ward = Ward(rabbit.url, receipts="wardline.receipts", silent={"T3"})
    try:
        stage.open()
        for number in range(1, 6):
            ward.publish(lab.result(f"T{number}", lab.ELOISE, lab.SODIUM, order=f"26{number}"))
        stage.until("the ward has all", lambda: len(ward.ids()) == 5)
        stage.until("copies", lambda: len(stage.messages()) == 5)
        stage.until("one slip", lambda: len(stage.paper()) == 1, within=10)

        stage.delivered({"T3"})  # proved, too

        assert "Message T3 de SIL" in stage.paper()[0]
        states = {name: m["deliveries"][0]["state"] for name, m in stage.by_id().items()}
        assert states.pop("T3") == "delivered"
        assert set(states.values()) == {"withdrawn"}
        balanced(stage)
    finally:
        ward.close()
        stage.close()
        rabbit.forget("wardline.bus", "wardline.refused", "wardline.receipts")
