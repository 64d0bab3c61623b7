"""Messages out to a real RabbitMQ and in from it: what is confirmed, kept, refused and given again."""

from __future__ import annotations

import json
import shlex
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiormq import spec
from aiormq.abc import ChannelFrame
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway import registry
from gateway.bridge import from_asyncio
from gateway.bus.letter import CONTENT_TYPE
from gateway.bus.role import Trouble
from gateway.clock import ReactorClock
from gateway.errors import PermanentFailure, Rejected, StoreFull, TemporaryFailure, Uncertain
from gateway.hl7 import Limits, ack, mark_delivered, peek
from gateway.platform.watch import State
from tests.system.bus_bench import aside, message, platform, sleep

pytestmark = pytest.mark.system

HOW_TO = Path(__file__).parents[2] / "docs/how-to/connect-rabbitmq.md"


def table(rabbit, **more):
    return {"kind": "amqp", "connect": rabbit.endpoint, "up_after": "2s", **more}


async def until(happened, *, within=10.0):
    end = time.monotonic() + within
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        await sleep(0.02)


@asynccontextmanager
async def ward(rabbit, *, key="ORU.R01", exchange="wardline"):
    """A receiver's queue of its own, and what came into it."""
    async with rabbit.channel() as channel:
        queue = (await channel.queue_declare(exclusive=True)).queue
        await channel.exchange_declare(exchange, exchange_type="topic", durable=True)
        await channel.queue_bind(queue, exchange, routing_key=key)
        received = []

        async def heard(got):
            received.append(got)

        await channel.basic_consume(queue, heard, no_ack=True)
        yield SimpleNamespace(channel=channel, received=received)


async def refused(sending):
    try:
        await sending
    except (TemporaryFailure, PermanentFailure, Uncertain) as failure:
        return failure
    raise AssertionError("it was not refused")


# -- out


async def test_a_message_that_a_queue_has_is_confirmed(rabbit):
    async with ward(rabbit) as here, platform(**table(rabbit)) as bench:
        receipt = await bench.send("A1", token=17)

        assert receipt.proof == "confirmed by the bus, wardline:17:A1"
        await until(lambda: here.received)
        (got,) = here.received
        properties = got.header.properties
        assert got.body == message("A1")
        assert properties.message_id == "wardline:17:A1"
        assert properties.content_type == CONTENT_TYPE
        assert properties.delivery_mode == 2, "it must survive the broker's restart"
        assert not properties.headers


async def test_a_handback_says_in_its_headers_where_it_was_delivered(rabbit):
    fields = ("DELIVERED", "CARD", "0042", "cardio-slip", "20261123190000+0000")
    raw = mark_delivered(message("A2"), fields)
    async with ward(rabbit) as here, platform(**table(rabbit)) as bench:
        await bench.link.deliver(raw, "A2", timeout=5, token=18)

        await until(lambda: here.received)
        (got,) = here.received
        assert got.body == raw
        assert got.header.properties.headers == {
            "wardline-handback": "true",
            "wardline-outcome": "DELIVERED",
            "wardline-ward": "CARD",
            "wardline-slip": "0042",
            "wardline-device": "cardio-slip",
            "wardline-at": "20261123190000+0000",
        }


async def test_a_message_that_no_queue_takes_is_not_delivered(rabbit):
    async with platform(**table(rabbit, key="nobody.{event}")) as bench:
        failure = await refused(bench.send("A3"))

        assert isinstance(failure, TemporaryFailure)
        assert failure.detail == "no queue takes nobody.R01"
        await sleep(1)
        assert bench.watch.state is State.UP, "nobody ever took these: the bus is well"


async def test_a_route_that_vanishes_under_traffic_is_an_outage(rabbit):
    async with platform(**table(rabbit, refusals=3)) as bench:
        async with ward(rabbit):
            await bench.send("A4")
        for number in range(3):
            assert "no queue takes" in (await refused(bench.send(f"B{number}"))).detail

        assert bench.watch.state is State.DOWN
        assert bench.watch.reason.endswith(", no queue takes ORU.R01")
        await sleep(1.5)
        assert bench.watch.state is State.DOWN, "a canary does not bring the route back"
        async with ward(rabbit):
            await bench.send("A5")
        assert bench.watch.state is State.RECOVERING


async def test_a_full_queue_that_declines_is_not_delivery(rabbit):
    async with rabbit.channel() as channel:
        full = {"x-max-length": 1, "x-overflow": "reject-publish"}
        queue = (await channel.queue_declare(exclusive=True, arguments=full)).queue
        await channel.queue_bind(queue, "wardline", routing_key="ORU.R01")
        async with platform(**table(rabbit)) as bench:
            await bench.send("A6")
            failure = await refused(bench.send("A7"))

        assert isinstance(failure, TemporaryFailure)
        assert failure.reasons == ("platform-refused",)


async def test_what_a_frozen_broker_took_is_told_late_and_on_the_old_session(rabbit):
    async with ward(rabbit) as here, platform(**table(rabbit)) as bench:
        await bench.send("C1")
        rabbit.freeze()
        try:
            failure = await refused(bench.send("C2", token=2))
        finally:
            rabbit.thaw()

        assert isinstance(failure, Uncertain)
        await until(lambda: bench.late)
        (late,) = bench.late
        assert (late.control_id, late.token, late.accepted) == ("C2", 2, True)
        await until(lambda: len(here.received) == 2)


@pytest.mark.parametrize("shape", ["json", "hl7"])
async def test_a_receivers_own_receipt_is_waited_for_where_the_site_has_them(rabbit, shape):
    async with (
        ward(rabbit) as here,
        platform(**table(rabbit, receipts="receipts.wardline")) as bench,
    ):
        sending = bench.send("D1", token=5)
        await until(lambda: here.received)
        properties = here.received[0].header.properties
        assert properties.reply_to == "receipts.wardline"
        await sleep(0.2)
        assert not sending.called, "the bus's word is not the receiver's"

        body = json.dumps({"receipt_for": "D1", "by": "DPI"}).encode()
        if shape == "hl7":
            now = __import__("datetime").datetime(2026, 11, 23)
            body = ack(message("D1"), "AA", control_id="9", now=now)
        await here.channel.basic_publish(
            body,
            routing_key=properties.reply_to,
            properties=spec.Basic.Properties(correlation_id=properties.correlation_id),
        )

        assert (await sending).proof.startswith("receipt AA")


async def test_a_receiver_that_will_never_take_it_is_believed(rabbit):
    async with (
        ward(rabbit) as here,
        platform(**table(rabbit, receipts="receipts.wardline")) as bench,
    ):
        sending = bench.send("D2", token=6)
        await until(lambda: here.received)
        word = {"receipt_for": "D2", "status": "refused", "by": "DPI", "reason": "no such patient"}
        await here.channel.basic_publish(json.dumps(word).encode(), routing_key="receipts.wardline")

        failure = await refused(sending)
        assert isinstance(failure, PermanentFailure)
        assert failure.detail == "receipt AR DPI: no such patient"


async def test_a_bus_over_tls_is_trusted_by_its_certificate_alone(rabbit):
    over_tls = table(rabbit) | {"connect": f"tls:{rabbit.host}:{rabbit.tls_port}"}
    async with (
        ward(rabbit) as here,
        platform(**over_tls, ca=str(rabbit.certificate)) as bench,
    ):
        await bench.send("T1")
        await until(lambda: here.received)

    module = registry.load(registry.PLATFORMS, "amqp")
    trusting_nobody = module.Settings.model_validate(over_tls)
    with pytest.raises(Trouble, match="TLS failed: CERTIFICATE_VERIFY_FAILED"):
        await module.driver.target(trusting_nobody, base=Path(), holder=Holder())


# -- in


class Inbox:
    """Keeps what comes in; can be slow, full, broken, or find fault."""

    limits = Limits()

    def __init__(self):
        self.accepted, self.refusals, self.confirmed = [], [], []
        self.taken = []
        self.waits = None
        self.full = self.bugs = 0

    async def accept(self, raw, *, door, peer):
        if self.waits is not None:
            await self.waits
        if self.full:
            self.full -= 1
            raise StoreFull
        if self.bugs:
            self.bugs -= 1
            raise ZeroDivisionError
        if b"PID" not in raw:
            rejected = Rejected("no patient", code=100, location="PID")
            await self.refuse(raw, rejected, door=door, peer=peer)
            raise rejected
        self.accepted.append(raw)

    async def take(self, read, raw, *, format, door, peer):
        self.taken.append(read)

    async def refuse(self, raw, rejected, *, door, peer):
        self.refusals.append((raw, rejected.reason))

    async def confirm(self, control_id, *, sender, proof):
        known = any(peek(raw).control_id == control_id for raw in self.accepted)
        self.confirmed.append((control_id, known))
        return known


@asynccontextmanager
async def tap(rabbit, inbox, *, there=True, **more):
    """`there`: what it needs is there, and is waited for."""
    module = registry.load(registry.INTAKES, "amqp")
    bindings = [{"exchange": "results", "key": "#"}]
    given = {"kind": "amqp", "connect": rabbit.endpoint, "name": "bus", "mode": "tap"}
    intake = module.build(
        module.Settings.model_validate({**given, "bindings": bindings, **more}),
        inbox=inbox,
        reactor=reactor,
        clock=ReactorClock(reactor),
        base=Path(),
        on_broken=lambda error: None,
    )
    intake.startService()
    try:
        if there:
            await until(lambda: intake.connected)
        yield intake
    finally:
        await intake.stopService()


@asynccontextmanager
async def hospital(rabbit, *, tidy=True):
    """Somebody who publishes results, and cleans up behind the intake."""
    async with rabbit.channel() as channel:
        await channel.exchange_declare("results", exchange_type="topic", durable=True)

        def publish(body, **properties):
            return channel.basic_publish(
                body,
                exchange="results",
                routing_key="CARD",
                properties=spec.Basic.Properties(delivery_mode=2, **properties),
            )

        try:
            yield SimpleNamespace(channel=channel, publish=publish)
        finally:
            for queue in ("wardline.bus", "wardline.refused", "wardline.receipts") if tidy else ():
                await channel.queue_delete(queue)


async def waiting(channel, queue):
    """How many messages a queue has ready: neither acked nor in somebody's hands."""
    return (await channel.queue_declare(queue, passive=True)).message_count


async def test_the_bus_keeps_a_message_until_it_is_on_disk(rabbit):
    inbox = Inbox()
    async with hospital(rabbit) as here:
        inbox.waits = Deferred()
        async with tap(rabbit, inbox):
            await here.publish(message("E1"))
            await sleep(0.3)
            inbox.waits.callback(None)
            inbox.waits = Deferred()
            await here.publish(message("E2"))
            await sleep(0.3)
            assert [peek(raw).control_id for raw in inbox.accepted] == ["E1"]
            inbox.waits.addErrback(lambda _: None)
            held, inbox.waits = inbox.waits, None
        held.cancel()

        await until_ready(here.channel, "wardline.bus", 1)
        async with tap(rabbit, inbox):
            await until(lambda: len(inbox.accepted) == 2)
        assert await waiting(here.channel, "wardline.bus") == 0
        assert [peek(raw).control_id for raw in inbox.accepted] == ["E1", "E2"]


async def until_ready(channel, queue, count):
    end = time.monotonic() + 5
    while await waiting(channel, queue) != count:
        assert time.monotonic() < end
        await sleep(0.05)


async def test_what_cannot_be_read_is_refused_once_and_goes_to_the_dead_letters(rabbit):
    inbox = Inbox()
    async with hospital(rabbit) as here, tap(rabbit, inbox):
        for body in (b"not a message", b'{"resourceType": "Bundle"}', b"{", b"MSH|^~\\&|A|B\r"):
            await here.publish(body)
        await here.publish(message("F1"))

        await until(lambda: inbox.accepted)
        await until_ready(here.channel, "wardline.refused", 4)
        assert len(inbox.refusals) == 4
        assert await waiting(here.channel, "wardline.bus") == 0


#: What the broker passes on unread, and its clients' library cannot: property flags, and properties.
HOSTILE = {
    "a content type in Latin-1": (0x8000, b"\x0dapplication/\xe9"),
    "a message id of bytes": (0x0080, b"\x03\xff\xfe\x00"),
    "a time in nanoseconds": (0x0040, (1_722_675_600_000_000_000).to_bytes(8, "big")),
    "a header whose name is bytes": (0x2000, b"\0\0\0\x05\x02\xff\xfet\1"),
}


def raw_publish(bare, body, *, flags, properties, key=b"CARD"):
    """As a careless or hostile publisher sends it: the library here would not write that."""
    method = b"\0\x3c\0\x28\0\0" + b"\x07results" + bytes([len(key)]) + key + b"\0"
    head = b"\0\x3c\0\0" + len(body).to_bytes(8, "big") + flags.to_bytes(2, "big") + properties
    number = bare.number.to_bytes(2, "big")
    frames = b"".join(
        bytes([kind]) + number + len(payload).to_bytes(4, "big") + payload + b"\xce"
        for kind, payload in ((1, method), (2, head), (3, body))
    )
    return from_asyncio(bare.write_queue.put(ChannelFrame(payload=frames, should_close=False)))


async def test_properties_that_cannot_be_read_stop_nobody(rabbit):
    inbox = Inbox()
    async with hospital(rabbit) as here, tap(rabbit, inbox) as intake:
        connection = here.channel._channel.connection
        bare = await from_asyncio(connection.channel(publisher_confirms=False))
        for number, (flags, properties) in enumerate(HOSTILE.values()):
            raw = message(f"P{number}")
            await raw_publish(bare, raw, flags=flags, properties=properties)
        await raw_publish(bare, message("P9"), flags=0, properties=b"", key=b"C\xe9")
        await raw_publish(bare, b"no", flags=0x8000, properties=b"\x01\xe9")
        await here.publish(message("Q1"))

        await until(lambda: len(inbox.accepted) == len(HOSTILE) + 2)
        assert len(inbox.refusals) == 1
        assert await waiting(here.channel, "wardline.bus") == 0
        assert intake.connected
        await until_ready(here.channel, "wardline.refused", 1)


async def test_fhir_comes_in_under_the_name_that_its_publisher_gave_it(rabbit):
    inbox = Inbox()
    subject = {"identifier": {"value": "1"}, "display": "DURAND Noémie"}
    found = {"resourceType": "Observation", "status": "final", "code": {"text": "Potassium"},
             "subject": subject, "valueQuantity": {"value": 4.1}}  # fmt: skip
    async with hospital(rabbit) as here, tap(rabbit, inbox):
        await here.publish(json.dumps(found).encode(), message_id="m-1")

        await until(lambda: inbox.taken)
        assert [(read.control_id, read.patient.family) for read in inbox.taken] == [
            ("m-1", "DURAND Noémie")
        ]
        assert await waiting(here.channel, "wardline.bus") == 0


async def test_a_full_disk_and_a_bug_are_waited_out(rabbit):
    inbox = Inbox()
    inbox.full, inbox.bugs = 2, 1
    async with hospital(rabbit) as here, tap(rabbit, inbox):
        await here.publish(message("G1"))

        await until(lambda: inbox.accepted)
        assert not inbox.refusals


async def test_a_message_that_always_fails_stops_after_three_tries(rabbit):
    inbox = Inbox()
    inbox.bugs = 3
    async with hospital(rabbit) as here, tap(rabbit, inbox):
        await here.publish(message("G2"))
        await until_ready(here.channel, "wardline.refused", 1)

        await here.publish(message("G3"))
        await until(lambda: inbox.accepted)
        assert [reason for _, reason in inbox.refusals] == ["internal error: it cannot be kept"]


async def test_a_receipt_closes_its_copy_whichever_comes_first(rabbit):
    inbox = Inbox()
    async with (
        hospital(rabbit) as here,
        tap(rabbit, inbox, receipts="wardline.receipts", receipt_wait="5s"),
    ):
        word = json.dumps({"receipt_for": "H1", "by": "DPI"}).encode()
        await here.channel.basic_publish(word, routing_key="wardline.receipts")
        await until(lambda: inbox.confirmed)
        assert inbox.confirmed == [("H1", False)]

        await here.publish(message("H1"))

        await until(lambda: ("H1", True) in inbox.confirmed)


async def test_an_exchange_that_is_not_there_yet_is_named_and_waited_for(rabbit):
    inbox = Inbox()
    async with hospital(rabbit) as here:
        missing = {"bindings": [{"exchange": "not-yet"}]}
        async with tap(rabbit, inbox, there=False, **missing) as intake:
            await until(lambda: intake._trouble == "exchange not-yet is gone")

            await here.channel.exchange_declare("not-yet", exchange_type="fanout", durable=True)
            await until(lambda: intake.connected)
            await here.channel.basic_publish(message("K1"), exchange="not-yet")
            await until(lambda: inbox.accepted)
        await here.channel.exchange_delete("not-yet")


async def test_wrong_credentials_are_named_from_the_start(rabbit):
    inbox = Inbox()
    async with tap(rabbit, inbox, there=False, password="another") as intake:
        await until(lambda: intake._trouble == "credentials refused")
        assert not intake.connected


async def test_its_own_queue_that_is_deleted_is_made_again(rabbit):
    inbox = Inbox()
    async with hospital(rabbit) as here, tap(rabbit, inbox) as intake:
        await here.channel.queue_delete("wardline.bus")
        await until(lambda: not intake.connected)
        await until(lambda: intake.connected)

        await here.publish(message("I1"))
        await until(lambda: inbox.accepted)


async def test_a_broker_that_is_killed_gives_again_what_was_in_hand(rabbit):
    inbox = Inbox()
    async with tap(rabbit, inbox) as intake:
        async with hospital(rabbit, tidy=False) as here:
            inbox.waits = Deferred()
            await here.publish(message("J1"))
            # RabbitMQ 3.10 loses a quorum queue that was declared in the last moment before a kill.
            await sleep(2)
            rabbit.kill()
            await aside(rabbit.start)
        async with hospital(rabbit):
            await until(lambda: intake.connected, within=20)
            held, inbox.waits = inbox.waits, None
            held.callback(None)

            await until(lambda: len(inbox.accepted) >= 2)
            assert {peek(raw).control_id for raw in inbox.accepted} == {"J1"}


async def test_the_permissions_of_the_how_to_are_enough_and_no_more(rabbit):
    """docs/how-to/connect-rabbitmq.md"""
    page = HOW_TO.read_text("utf-8")
    line = next(line for line in page.splitlines() if "set_permissions" in line)
    configure, write, read = shlex.split(line)[3:]
    await aside(rabbit.ctl, "add_user", "wardline", "s")
    await aside(rabbit.ctl, "set_permissions", "wardline", configure, write, read)
    who = {"user": "wardline", "password": "s"}
    bus = {"exchange": "results", "declare": False, "receipts": "wardline.receipts", **who}
    inbox = Inbox()
    async with hospital(rabbit) as here:
        await here.channel.queue_declare("cardio.results")
        await here.channel.queue_bind("cardio.results", "results", routing_key="#")
        async with (
            platform(**table(rabbit, queues=["cardio.results"], **bus)) as bench,
            tap(rabbit, inbox, receipts="wardline.bus.receipts", **who),
        ):
            sending = bench.send("P1", token=1)
            await until(lambda: inbox.accepted)
            word = json.dumps({"receipt_for": "P1"}).encode()
            for queue in ("wardline.receipts", "wardline.bus.receipts"):
                await here.channel.basic_publish(word, routing_key=queue)
            assert (await sending).proof == "receipt AA"
            await until(lambda: inbox.confirmed)
            assert bench.watch.state is State.UP
        await here.channel.queue_delete("cardio.results")
        await here.channel.queue_delete("wardline.bus.receipts")
    module = registry.load(registry.PLATFORMS, "amqp")
    other = module.Settings.model_validate(table(rabbit, exchange="other", **who))
    with pytest.raises(Trouble, match="not permitted"):
        await module.driver.target(other, base=Path(), holder=Holder())
    await aside(rabbit.ctl, "delete_user", "wardline")


class Holder:
    """Whom nothing concerns."""

    def __getattr__(self, name):
        return lambda *args: None
