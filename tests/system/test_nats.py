"""A second bus behind the same seam: a real NATS server with JetStream, out, in, and broken."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from twisted.internet import reactor

from gateway import registry
from gateway.clock import ReactorClock
from gateway.errors import TemporaryFailure
from gateway.hl7 import Limits, mark_delivered, peek
from gateway.platform.watch import State
from tests.system.bus_bench import message, platform, sleep

pytestmark = pytest.mark.system


def table(nats, **more):
    given = {"kind": "nats", "connect": nats.endpoint, "user": nats.user, "up_after": "2s"}
    return {**given, "password": nats.password, "stream": "RESULTS", **more}


@asynccontextmanager
async def stream(nats, name="RESULTS", subjects=("results.>",)):
    async with nats.client() as js:
        await js.add_stream(name=name, subjects=list(subjects))
        yield js
        await js.delete_stream(name)


async def until(happened, *, within=10.0):
    end = time.monotonic() + within
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        await sleep(0.02)


async def test_a_message_that_a_stream_has_is_confirmed(nats):
    async with stream(nats) as js, platform(**table(nats)) as bench:
        receipt = await bench.send("A1", token=17)

        assert receipt.proof == "confirmed by the bus, wardline:17:A1"
        kept = await js.get_last_msg("RESULTS", "results.ORU.R01")
        assert kept.data == message("A1")


async def test_a_message_sent_again_is_kept_once(nats):
    async with stream(nats) as js, platform(**table(nats)) as bench:
        for _ in range(2):
            await bench.send("A2", token=18)

        assert (await js.stream_info("RESULTS")).state.messages == 1


async def test_a_handback_says_in_its_headers_where_it_was_delivered(nats):
    raw = mark_delivered(message("A3"), ("DELIVERED", "CARD", "0042"))
    async with stream(nats) as js, platform(**table(nats)) as bench:
        await bench.link.deliver(raw, "A3", timeout=5, token=19)

        kept = await js.get_last_msg("RESULTS", "results.ORU.R01")
        assert kept.headers["wardline-slip"] == "0042"


async def test_a_message_that_no_stream_takes_is_not_delivered(nats):
    async with platform(**table(nats, stream="", subject="nowhere.x")) as bench:
        with pytest.raises(TemporaryFailure, match=r"no stream takes nowhere\.x"):
            await bench.send("A4")


async def test_a_receivers_own_receipt_is_waited_for_where_the_site_has_them(nats):
    more = {"receipts": "wardline.receipts"}
    async with stream(nats) as js, platform(**table(nats, **more)) as bench:
        sending = bench.send("A5", token=20)
        await sleep(0.3)
        assert not sending.called, "the bus's word is not the receiver's"

        word = {"receipt_for": "wardline:20:A5", "by": "DPI"}
        await js.publish("wardline.receipts", json.dumps(word).encode())

        assert (await sending).proof == "receipt AA DPI"


class Inbox:
    limits = Limits()

    def __init__(self):
        self.accepted, self.refusals = [], []

    async def accept(self, raw, *, door, peer):
        self.accepted.append(raw)

    async def take(self, read, raw, *, format, door, peer):
        self.accepted.append(raw)

    async def refuse(self, raw, rejected, *, door, peer):
        self.refusals.append(rejected.reason)

    async def confirm(self, control_id, *, sender, proof):
        return True


async def test_what_a_stream_has_comes_in_once_and_what_cannot_be_read_is_kept_aside(nats):
    inbox = Inbox()
    module = registry.load(registry.INTAKES, "nats")
    settings = module.Settings.model_validate(
        {
            "kind": "nats",
            "connect": nats.endpoint,
            "user": nats.user,
            "password": nats.password,
            "name": "tap",
            "mode": "tap",
            "stream": "RESULTS",
        }
    )
    async with stream(nats) as js:
        await js.publish("results.x", message("B1"))  # before anybody listened
        intake = module.build(
            settings,
            inbox=inbox,
            reactor=reactor,
            clock=ReactorClock(reactor),
            base=Path(),
            on_broken=lambda error: None,
        )
        intake.startService()
        try:
            await until(lambda: inbox.accepted)
            await js.publish("results.y", b"{")
            await js.publish("results.y", message("B2"))
            await until(lambda: len(inbox.accepted) == 2)
            assert [peek(raw).control_id for raw in inbox.accepted] == ["B1", "B2"]
            assert len(inbox.refusals) == 1
            await sleep(0.3)
            info = await js.consumer_info("RESULTS", "wardline-tap")
            assert (info.num_pending, info.num_ack_pending) == (0, 0)
            kept = await js.get_last_msg("WARDLINE", "wardline.refused")
            assert kept.data == b"{"
        finally:
            await intake.stopService()


async def test_a_frozen_server_is_down_within_three_seconds(nats):
    async with stream(nats), platform(**table(nats)) as bench:
        nats.freeze()
        try:
            took, reason = await bench.goes_down(since=time.monotonic(), within=3)
        finally:
            nats.thaw()

        print(f"nats frozen: down after {took:.2f} s: {reason}")
        assert took <= 3.25
        assert reason == "accepts connections but does not answer"
        await bench.until(State.UP, within=10)


async def test_a_killed_server_is_down_within_a_second(nats):
    async with stream(nats):
        pass
    async with platform(**table(nats, stream="")) as bench:
        nats.kill()
        try:
            took, reason = await bench.goes_down(since=time.monotonic(), within=1)
        finally:
            nats.start()

        print(f"nats killed: down after {took:.2f} s: {reason}")
        assert took <= 1.25
        assert reason == "connection refused"
        await bench.until(State.UP, within=10)


async def test_a_stream_that_is_deleted_is_named(nats):
    async with nats.client() as js:
        await js.add_stream(name="RESULTS", subjects=["results.>"])
        async with platform(**table(nats)) as bench:
            await js.delete_stream("RESULTS")
            took, reason = await bench.goes_down(since=time.monotonic(), within=4)

            print(f"nats stream deleted: down after {took:.2f} s: {reason}")
            assert reason == "stream RESULTS is gone"
