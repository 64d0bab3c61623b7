"""A printer behind a private CUPS: handed over, and never called printed."""

from __future__ import annotations

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway.channels import Job
from gateway.channels.cups import Settings, build
from gateway.clock import ReactorClock
from gateway.errors import TemporaryFailure
from tests.system.cupsd import Cups
from tests.system.eve import Eve, shim
from tests.system.test_ippeveprinter import SLIP, failure, until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def eve(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cups-eve")
    printer = Eve(folder / "printer", shim(folder))
    try:
        yield printer.start()
    finally:
        printer.close()


@pytest.fixture(scope="module")
def cups(eve, tmp_path_factory):
    server = Cups(tmp_path_factory.mktemp("cups") / "root", eve.uri)
    try:
        yield server
    finally:
        server.close()


def channel(uri):
    settings = Settings(name="old-page", kind="cups", connect=uri)
    return build(settings, reactor=reactor, clock=ReactorClock(reactor))


def deliver(uri):
    async def begin():
        return SLIP

    return Deferred.fromCoroutine(channel(uri).deliver(Job(begin=begin, until=None, name="WL-7")))


async def test_a_page_is_handed_to_the_queue_and_comes_out(eve, cups):
    receipt = await deliver(cups.queue)
    assert receipt.proof.startswith("handed to CUPS, job 1")
    await until(lambda: eve.printed, within=20)
    assert eve.printed[0].read_bytes().startswith(b"%PDF-")


async def test_it_says_how_the_queue_is(cups):
    status = await Deferred.fromCoroutine(channel(cups.queue).probe())
    assert status.state == "ok"


async def test_a_queue_that_is_not_there_is_given_nothing(cups):
    await failure(deliver(cups.queue + "-other"), TemporaryFailure)
    status = await Deferred.fromCoroutine(channel(cups.queue + "-other").probe())
    assert status.state == "unreachable"
