"""The link, the probe and the watch against a stand-in platform over real sockets, in all its troubles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from demo.standin import StandIn
from gateway.channels.platform import PlatformLink, Settings
from gateway.clock import ReactorClock
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.hl7 import mark_delivered
from gateway.platform import probe
from gateway.platform.evidence import State
from gateway.platform.watch import Watch


def message(control_id, *, more=""):
    return f"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|{control_id}|P|2.5\r{more}".encode()


class Hospital:
    """A stand-in platform, and Wardline's side of the cable, on a free port."""

    def __init__(self, *, log=None, **settings):
        self.platform = StandIn(reactor, log=log)
        self.late = []
        self._settings = {"down_after": "300ms", "up_after": "200ms", "probe_every": "50ms"}
        self._settings |= settings
        self._waiting = []

    async def __aenter__(self):
        port = await self.platform.listen()
        settings = Settings(kind="mllp", connect=f"tcp:127.0.0.1:{port}", **self._settings)
        clock = ReactorClock(reactor)
        self.watch = Watch.of(settings, reactor=reactor, clock=clock)
        self.link = PlatformLink(
            settings, reactor=reactor, clock=clock, evidence=self.watch, on_late=self._heard
        )
        self.prober = probe.build(settings, watch=self.watch, reactor=reactor, base=Path())
        self.watch.observers.append(self._changed)
        self.link.startService()
        return self

    async def __aexit__(self, *_):
        self.prober.stopService()
        self.watch.stop()
        await self.link.stopService()
        await self.platform.close()

    def _heard(self, late):
        self.late.append((late.control_id, late.accepted))
        self._fire()

    def _changed(self, change):
        if change.after.state is State.DOWN:
            self.link.give_up(change.after.reason)
        self._fire()

    def _fire(self):
        for test, fired in list(self._waiting):
            if test() and not fired.called:
                fired.callback(None)

    def until(self, test):
        """Fires once `test` holds after a change of the watch or a late answer."""
        fired = Deferred()
        self._waiting.append((test, fired))
        self._fire()
        return fired

    def says(self, words):
        return self.platform.trouble(words)

    def send(self, control_id, *, timeout=5.0, **more):
        work = self.link.deliver(message(control_id), control_id, timeout=timeout, **more)
        return Deferred.fromCoroutine(work)

    @property
    def arrived(self):
        return [r.control_id for r in self.platform.received]


async def outcome(work):
    """What became of a delivery: the proof, or the kind of its failure."""
    try:
        return (await work).proof
    except (TemporaryFailure, PermanentFailure, Uncertain) as failure:
        return type(failure)


async def test_messages_arrive_and_are_proved():
    async with Hospital() as h:
        proofs = await gatherResults([h.send(f"A{n}") for n in range(50)])
        assert [r.proof for r in proofs] == [f"MSA AA A{n}" for n in range(50)]
        assert h.arrived == [f"A{n}" for n in range(50)]


async def test_one_connection_carries_them_all():
    async with Hospital() as h:
        for n in range(5):
            await h.send(f"A{n}")
        assert len(h.platform.sessions) == 1


async def test_a_long_message_arrives_whole():
    async with Hospital() as h:
        raw = message("A1", more="NTE|1||" + "x" * 2**22 + "\r")
        receipt = await h.link.deliver(raw, "A1", timeout=5.0)
        assert receipt.proof == "MSA AA A1"
        assert h.platform.received[0].raw.encode() == raw


async def test_a_dead_platform_fails_at_once_and_nothing_was_sent():
    async with Hospital() as h:
        await h.send("A1")
        await h.platform.close()
        began = reactor.seconds()
        assert await outcome(h.send("A2")) in (TemporaryFailure, Uncertain)
        assert await outcome(h.send("A3")) is TemporaryFailure
        assert reactor.seconds() - began < 0.3
        assert h.arrived == ["A1"]


async def test_a_platform_that_dies_over_a_message_leaves_it_uncertain():
    async with Hospital() as h:
        await h.send("A1")
        h.says("cut")
        assert await outcome(h.send("A2")) is Uncertain
        assert await outcome(h.send("A3")) == "MSA AA A3"


async def test_a_platform_that_hangs_is_given_up_by_the_watch():
    async with Hospital() as h:
        h.prober.startService()
        await h.send("A1")
        h.says("hang")
        began = reactor.seconds()
        assert await outcome(h.send("A2")) is Uncertain
        assert 0.25 < reactor.seconds() - began < 1.0
        assert h.watch.state is State.DOWN
        assert h.watch.reason == "no answer for 0.3 s"


async def test_a_frozen_platform_that_still_accepts_connections_is_down():
    async with Hospital() as h:
        h.prober.startService()
        await h.send("A1")
        h.says("freeze")
        assert await outcome(h.send("A2")) is Uncertain
        assert h.watch.state is State.DOWN
        assert h.watch.trial


async def test_the_answer_that_comes_when_it_thaws_is_reported_late():
    async with Hospital() as h:
        h.says("hang")
        assert await outcome(h.send("A1")) is Uncertain
        h.says("ok")
        await h.until(lambda: h.late)
        assert h.late == [("A1", True)]


async def test_after_it_hung_one_accepted_message_and_a_while_make_it_up():
    async with Hospital() as h:
        h.prober.startService()
        h.says("hang")
        assert await outcome(h.send("A1")) is Uncertain
        assert h.watch.state is State.DOWN
        h.says("ok")
        assert await outcome(h.send("A2")) == "MSA AA A2"
        assert h.watch.state is State.RECOVERING
        await h.until(lambda: h.watch.state is State.UP)


async def test_a_dead_platform_is_down_and_up_again_when_it_is_back():
    async with Hospital() as h:
        h.prober.startService()
        await h.send("A1")
        await h.platform.close()
        await h.until(lambda: h.watch.state is State.DOWN)
        assert h.watch.reason in ("connection refused", "connection lost")
        await h.platform.back()
        await h.until(lambda: h.watch.state is State.UP)
        assert await outcome(h.send("A2")) == "MSA AA A2"


@pytest.mark.parametrize(("code", "kind"), [("AE", TemporaryFailure), ("AR", PermanentFailure)])
async def test_refusals_are_told_apart_and_several_in_a_row_make_it_down(code, kind):
    async with Hospital(refusals=3) as h:
        h.says(f"refuse {code}")
        for n in range(3):
            assert h.watch.open
            assert await outcome(h.send(f"A{n}")) is kind
        assert h.watch.state is State.DOWN


async def test_a_late_answer_confirms_no_other_message():
    async with Hospital(down_after="10s") as h:
        h.says("late 0.2")
        assert await outcome(h.send("A1", timeout=0.1)) is Uncertain
        work = h.send("A2")
        await h.until(lambda: h.late)
        assert not work.called
        assert h.late == [("A1", True)]
        assert await outcome(work) == "MSA AA A2"


async def test_answers_in_another_order_reach_their_own_messages():
    async with Hospital() as h:
        h.says("shuffle 5")
        proofs = await gatherResults([h.send(f"A{n}") for n in range(5)])
        assert [r.proof for r in proofs] == [f"MSA AA A{n}" for n in range(5)]


@pytest.mark.parametrize("words", ["wrong", "babble", "swallow"])
async def test_without_an_answer_of_its_own_a_message_stays_uncertain(words):
    async with Hospital(down_after="10s") as h:
        h.says(words)
        assert await outcome(h.send("A1", timeout=0.1)) is Uncertain


async def test_a_platform_that_works_slowly_is_waited_for():
    async with Hospital() as h:
        h.says("slow 0.1")
        proofs = await gatherResults([h.send(f"A{n}") for n in range(4)])
        assert len(proofs) == 4
        assert h.watch.open


async def test_a_frozen_platform_costs_no_memory():
    async with Hospital(down_after="60s", window=1000) as h:
        h.says("freeze")
        long = "NTE|1||" + "x" * 2**20 + "\r"
        works = [
            Deferred.fromCoroutine(
                h.link.deliver(message(f"A{n}", more=long), f"A{n}", timeout=0.4)
            )
            for n in range(100)
        ]
        outcomes = [await outcome(work) for work in works]
        # A few fill the system's buffers and ours; the rest never left the queue.
        assert outcomes.count(Uncertain) < 20
        assert outcomes.count(TemporaryFailure) > 80


async def test_a_marked_hand_back_is_seen_as_such(tmp_path):
    log = tmp_path / "received.jsonl"
    async with Hospital(log=log) as h:
        raw = mark_delivered(message("A1"), ["paper", "CARD", "20260101"])
        await h.link.deliver(raw, "A1", timeout=5.0)
        await h.send("A2")
        [first, second] = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        assert first["handback"]
        assert second["handback"] == []
        assert (first["control_id"], first["answer"], first["again"]) == ("A1", "AA", False)


async def test_a_message_that_comes_again_is_seen_as_such():
    async with Hospital() as h:
        h.says("swallow")
        assert await outcome(h.send("A1", timeout=0.1)) is Uncertain
        await h.send("A1")
        assert [r.again for r in h.platform.received] == [False, True]


async def test_the_probe_message_must_be_accepted(tmp_path):
    question = tmp_path / "probe.hl7"
    question.write_text("MSH|^~\\&|WARDLINE|HEX|X|Y|2026||NMQ^N01|PROBE1|P|2.5\nQRD|1\n", "utf-8")
    async with Hospital(probe_message=question, up_after="100ms") as h:
        h.prober.startService()
        h.says("hang")
        await h.until(lambda: h.watch.state is State.DOWN)
        h.says("ok")
        await h.until(lambda: h.watch.state is State.UP)
        assert h.platform.received[-1].raw == question.read_text("utf-8").replace("\n", "\r")


async def test_what_a_person_types_is_answered():
    async with Hospital() as h:
        await h.send("A1")
        assert h.says("status").startswith("platform: ok; 1 received, 1 accepted")
        assert "A1 AA" in h.says("received")
        assert "shuffle" in h.says("help")
        with pytest.raises(ValueError, match="not understood"):
            h.says("explode")
