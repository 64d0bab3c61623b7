"""A second bus behind the same seam: a real NATS server with JetStream, out, in, and broken."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred

from gateway import registry
from gateway.clock import ReactorClock
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.hl7 import Limits, mark_delivered, peek
from gateway.platform.watch import State
from tests.system.bus_bench import Platform, message, platform, sleep

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


async def test_a_message_longer_than_the_server_takes_is_for_paper_and_accuses_nobody(nats):
    async with stream(nats), platform(**table(nats)) as bench:
        with pytest.raises(PermanentFailure, match="the server takes"):
            await bench.link.deliver(message("A6", "x" * 2**20), "A6", timeout=5, token=21)

        assert (await bench.send("A7", token=22)).by == "platform"
        assert bench.begun == 0


async def test_credentials_that_are_wrong_from_the_start_are_told_as_such(nats):
    bench = Platform(**table(nats, password="another"))
    for service in (bench.link, bench.canary):
        service.startService()
    try:
        _, reason = await bench.goes_down(since=time.monotonic(), within=3)
        assert reason == "credentials refused"
    finally:
        bench.watch.stop()
        for service in (bench.canary, bench.link):
            await maybeDeferred(service.stopService)


class Inbox:
    limits = Limits()

    def __init__(self):
        self.accepted, self.taken, self.refusals = [], [], []
        self.waits = None

    async def accept(self, raw, *, door, peer):
        if self.waits is not None:
            await self.waits
        self.accepted.append(raw)

    async def take(self, read, raw, *, format, door, peer):
        self.taken.append(read)

    async def refuse(self, raw, rejected, *, door, peer):
        self.refusals.append(rejected.reason)

    async def confirm(self, control_id, *, sender, proof):
        return True


@asynccontextmanager
async def tap(nats, inbox, **more):
    module = registry.load(registry.INTAKES, "nats")
    given = table(nats, name="tap", mode="tap", **more)
    del given["up_after"]
    intake = module.build(
        module.Settings.model_validate(given),
        inbox=inbox,
        reactor=reactor,
        clock=ReactorClock(reactor),
        base=Path(),
        on_broken=lambda error: None,
    )
    intake.startService()
    try:
        yield intake
    finally:
        await intake.stopService()


async def owed(js):
    """What the stream has not given us yet, and what it waits for our word on."""
    info = await js.consumer_info("RESULTS", "wardline-tap")
    return info.num_pending, info.num_ack_pending


async def test_what_a_stream_has_comes_in_once_and_what_cannot_be_read_is_kept_aside(nats):
    inbox = Inbox()
    async with stream(nats) as js:
        await js.publish("results.x", message("B1"))  # before anybody listened
        async with tap(nats, inbox):
            await until(lambda: inbox.accepted)
            await js.publish("results.y", b"{")
            await js.publish("results.y", message("B2"))
            await until(lambda: len(inbox.accepted) == 2)
            assert [peek(raw).control_id for raw in inbox.accepted] == ["B1", "B2"]
            assert len(inbox.refusals) == 1
            await sleep(0.3)
            assert await owed(js) == (0, 0)
            kept = await js.get_last_msg("WARDLINE", "wardline.refused")
            assert kept.data == b"{"


async def test_the_stream_keeps_a_message_until_it_is_on_disk(nats):
    inbox = Inbox()
    inbox.waits = Deferred()
    async with stream(nats) as js:
        async with tap(nats, inbox, ack_wait="5s"):
            await js.publish("results.x", message("C1"))
            await sleep(0.5)
            assert await owed(js) == (0, 1)
        assert inbox.accepted == []

        inbox.waits = None
        async with tap(nats, inbox, ack_wait="5s"):
            await until(lambda: inbox.accepted)
            await sleep(0.3)
            assert await owed(js) == (0, 0)


async def test_a_server_that_comes_later_is_waited_for_and_fhir_has_its_publishers_name(nats):
    subject = {"identifier": {"value": "1"}, "display": "DURAND"}
    found = {"resourceType": "Observation", "status": "final", "code": {"text": "Potassium"},
             "subject": subject, "valueQuantity": {"value": 4.1}}  # fmt: skip
    inbox = Inbox()
    async with stream(nats) as js:
        await js.publish("results.x", json.dumps(found).encode(), headers={"Nats-Msg-Id": "m-1"})
        nats.kill()
        async with tap(nats, inbox) as intake:
            await sleep(0.2)
            assert not intake.connected
            nats.start()
            await until(lambda: inbox.taken, within=20)

    assert [(read.control_id, read.patient.family) for read in inbox.taken] == [("m-1", "DURAND")]


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
