"""A real RabbitMQ is killed, frozen, cut off, filled and robbed: how soon it is known, and what is said."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest
from twisted.internet.defer import DeferredList

from gateway.platform.watch import State
from tests.system.bus_bench import aside, platform, sleep

pytestmark = pytest.mark.system

#: What the machine itself may add to the site's patience, seconds.
SLACK = 0.25


def table(rabbit, **more):
    return {"kind": "amqp", "connect": rabbit.endpoint, "up_after": "2s", **more}


@pytest.fixture
def told(record_property):
    """Writes a measured time into the test report, and onto the screen with -s."""

    def tell(what, seconds, reason):
        record_property(what, round(seconds, 2))
        print(f"{what}: down after {seconds:.2f} s: {reason}")

    return tell


async def test_a_frozen_broker_is_down_within_three_seconds(rabbit, told):
    async with platform(**table(rabbit)) as bench:
        rabbit.freeze()
        try:
            took, reason = await bench.goes_down(since=time.monotonic(), within=3)
        finally:
            rabbit.thaw()

        told("frozen", took, reason)
        assert took <= 3 + SLACK
        assert "accepts connections but does not answer" in reason
        await bench.until(State.UP, within=10)


async def test_a_broker_that_no_packet_comes_back_from_is_down_within_three_seconds(rabbit, told):
    if rabbit.network is None:
        pytest.skip("packets can only be dropped as root")
    async with platform(**table(rabbit)) as bench:
        rabbit.network.drop()
        try:
            took, reason = await bench.goes_down(since=time.monotonic(), within=3)
        finally:
            rabbit.network.restore()

        told("black-holed", took, reason)
        assert took <= 3 + SLACK
        assert "no packet comes back" in reason
        await bench.until(State.UP, within=20)


async def test_a_killed_broker_is_down_within_a_second(rabbit, told):
    async with platform(**table(rabbit)) as bench:
        os.kill(rabbit.pid, signal.SIGKILL)
        try:
            took, reason = await bench.goes_down(since=time.monotonic(), within=1)
        finally:
            rabbit.process.wait()
            await aside(rabbit.start)

        told("killed", took, reason)
        assert took <= 1 + SLACK
        assert reason == "connection refused"
        await bench.until(State.UP, within=20)


async def test_a_broker_whose_disk_is_full_is_down_and_says_so(rabbit, told):
    async with platform(**table(rabbit)) as bench:
        await aside(rabbit.fill_disk)
        try:
            took, reason = await bench.goes_down(since=time.monotonic(), within=3)
        finally:
            await aside(rabbit.empty_disk)

        told("disk full", took, reason)
        assert took <= 2 + SLACK, "no patience is needed with a disk that is full"
        assert reason == "blocked by the broker: low on disk"
        await bench.until(State.UP, within=20)


async def test_a_queue_of_the_wards_that_is_deleted_is_named(rabbit, told):
    async with rabbit.channel() as channel:
        await channel.queue_declare("wards.results", durable=True)
        async with platform(**table(rabbit, queues=["wards.results"])) as bench:
            await channel.queue_delete("wards.results")
            took, reason = await bench.goes_down(since=time.monotonic(), within=3)

            told("queue deleted", took, reason)
            assert took <= 3 + 0.5 + SLACK, "looked for on every beat"
            assert reason == "queue wards.results is gone"
            await channel.queue_declare("wards.results", durable=True)
            await bench.until(State.UP, within=10)
            await channel.queue_delete("wards.results")


async def test_an_exchange_that_is_deleted_is_named(rabbit, told):
    async with platform(**table(rabbit, exchange="results", declare=True)) as bench:
        async with rabbit.channel() as channel:
            await channel.exchange_delete("results")
        took, reason = await bench.goes_down(since=time.monotonic(), within=3)

        told("exchange deleted", took, reason)
        assert took <= 3 + 0.5 + SLACK
        assert reason == "exchange results is gone"


async def test_credentials_that_are_taken_away_are_told_as_such(rabbit, told):
    await aside(rabbit.ctl, "add_user", "nurse", "secret")
    await aside(rabbit.ctl, "set_permissions", "nurse", ".*", ".*", ".*")
    async with platform(**table(rabbit, user="nurse", password="secret")) as bench:
        since = time.monotonic()
        await aside(rabbit.ctl, "delete_user", "nurse")
        took, reason = await bench.goes_down(since=since, within=4)

        told("user deleted", took, reason)
        assert reason == "credentials refused"


async def test_a_broker_that_only_creeps_is_not_accused(rabbit):
    """It runs a thirteenth of the time, under load from others, and is never down."""
    async with rabbit.channel() as channel:
        queue = (await channel.queue_declare(exclusive=True)).queue
        async with platform(**table(rabbit)) as bench:
            with creeping(rabbit, runs=0.04, rests=0.5):
                end = time.monotonic() + 6
                while time.monotonic() < end:
                    load = [
                        channel.basic_publish(b"x" * 2000, routing_key=queue) for _ in range(50)
                    ]
                    await DeferredList(load)
            await sleep(1)

            assert State.DOWN not in bench.states()
            slowest = bench.canary._trips.longest
            print(f"creeping: slowest round trip {slowest:.2f} s")
            assert slowest > 0.4, "it was not slow enough to show anything"


async def test_flapping_is_one_outage(rabbit):
    if rabbit.network is None:
        pytest.skip("packets can only be dropped as root")
    async with platform(**table(rabbit, up_after="30s", down_after="1s")) as bench:
        for _ in range(4):
            rabbit.network.drop()
            await sleep(2)
            rabbit.network.restore()
            await sleep(2)

        assert bench.begun == 1
        assert State.UP not in bench.states()


@contextmanager
def creeping(rabbit, *, runs, rests):
    """The broker's process is stopped and let go again, over and over."""
    over = threading.Event()

    def creep():
        while not over.is_set():
            rabbit.freeze()
            over.wait(rests)
            rabbit.thaw()
            over.wait(runs)

    thread = threading.Thread(target=creep)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
