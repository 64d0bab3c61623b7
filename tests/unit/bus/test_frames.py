"""What a broker says of itself is heard, and what would choke the library mended, however a stream is cut."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
from aiormq import exceptions as amqp
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import marshal, unmarshal
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from gateway.bus.amqp.frames import Blocked, Closed, Frames, header, method
from gateway.bus.amqp.words import trouble
from gateway.bus.role import Trouble

STREAM = b"".join(
    (
        marshal(commands.Basic.Deliver("tag", 1, False, "x", "y"), 1),
        marshal(ContentHeader(0, 12_000, commands.Basic.Properties(message_id="m")), 1),
        marshal(ContentBody(b"MSH|" * 3000), 1),
        marshal(commands.Connection.Blocked("low on disk, node 1"), 0),
        marshal(Heartbeat(), 0),
        marshal(ContentBody(b""), 3),
        marshal(commands.Connection.Unblocked(), 0),
        marshal(commands.Connection.Close(320, "CONNECTION_FORCED - bye", 0, 0), 0),
    )
)
SAID = [
    Blocked(reason="blocked by the broker: low on disk; node 1"),
    Blocked(reason=""),
    Closed(code=320, text="CONNECTION_FORCED - bye"),
]


@given(st.lists(st.integers(1, 400), max_size=60))
def test_it_is_heard_however_the_stream_is_cut_and_all_of_it_goes_on(steps):
    frames, at, passed = Frames(), 0, b""
    for step in (*steps, len(STREAM)):
        passed += frames.feed(STREAM[at : at + step])
        at += step
    assert frames.said == SAID
    assert passed == STREAM


def test_a_message_about_a_blocked_connection_is_not_one():
    frames = Frames()
    frames.feed(marshal(ContentBody(marshal(commands.Connection.Blocked("x"), 0)), 1))
    assert frames.said == []


def test_what_waits_for_its_frame_stays_small():
    frames = Frames()
    frames.feed(marshal(ContentBody(b"x" * 100_000), 1)[:-1])
    assert len(frames._kept) == 0


# -- what a publisher may write, and the library cannot read


def framed(flags, properties, *, kind=2):
    payload = struct.pack(">HHQH", 60, 0, 5, flags) + properties
    return bytes([kind, 0, 1]) + struct.pack(">I", len(payload)) + payload + b"\xce"


def table(*entries):
    inside = b"".join(bytes([len(key)]) + key + value for key, value in entries)
    return struct.pack(">I", len(inside)) + inside


def nested(depth):
    found = table()
    for _ in range(depth):
        found = table((b"a", b"F" + found))
    return found


HOSTILE = {
    "content type in Latin-1": (0x8000, b"\x0dapplication/\xe9"),
    "message id of bytes": (0x0080, b"\x03\xff\xfe\x00"),
    "a time in nanoseconds": (0x0040, struct.pack(">Q", 1_722_675_600_000_000_000)),
    "a time of all ones": (0x0040, b"\xff" * 8),
    "a header of no known type": (0x2000, table((b"x", b"Z1234"))),
    "a header whose name is bytes": (0x2000, table((b"\xff\xfe", b"t\1"))),
    "a table cut short": (0x2000, struct.pack(">I", 50) + b"abc"),
    "a table in a table in a table": (0x2000, nested(3000)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_properties_that_cannot_be_read_are_left_out(what):
    found = framed(*HOSTILE[what])
    with pytest.raises(Exception):  # noqa: B017 - so it would end the connection
        unmarshal(found)

    size, channel, read = unmarshal(header(found))

    assert (channel, read.body_size) == (1, 5)
    assert not any(value for _, value in read.properties)
    assert size == len(header(found))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"message_id": "m-1", "content_type": "x"},
        {"message_id": "é"},
        {"timestamp": datetime(2026, 11, 23, tzinfo=UTC)},
        {"headers": {"x": 1, "y": {"z": ["é", None, 2.5]}}},
    ],
)
def test_properties_that_can_be_read_stay_as_they_came(given):
    found = marshal(ContentHeader(0, 9, commands.Basic.Properties(**given)), 1)
    assert header(found) == found


@given(st.integers(0, 0xFFFF), st.binary(max_size=80))
def test_whatever_the_properties_are_the_library_can_read_them(flags, properties):
    _, _, read = unmarshal(header(framed(flags, properties)))
    assert read.body_size == 5


def test_a_routing_key_that_is_no_text_is_made_one():
    good = marshal(commands.Basic.Deliver("tag", 2**40, True, "results", "CARD.1"), 1)
    assert method(good) == good

    read = unmarshal(method(good.replace(b"CARD", b"CA\xc9D")))[2]

    assert (read.routing_key, read.delivery_tag, read.redelivered) == ("CA?D.1", 2**40, True)
    assert read.exchange == "results"


def test_the_longest_routing_key_is_seen_to():
    good = marshal(commands.Basic.Deliver("t" * 255, 1, False, "x" * 127, "y" * 255), 1)

    passed = Frames().feed(good.replace(b"y" * 255, b"\xe9" * 255))

    assert unmarshal(passed)[2].routing_key == "?" * 255


@pytest.mark.parametrize(
    ("error", "said", "reason", "sure"),
    [
        (None, None, "connection lost", False),
        (OSError(), None, "connection lost", False),
        (amqp.AMQPConnectionError("Read 0 bytes"), None, "connection lost", False),
        (TimeoutError(), None, "accepts connections but does not answer", False),
        (None, Closed(code=403, text="ACCESS_REFUSED"), "credentials refused", True),
        (None, Closed(code=530, text="NOT_ALLOWED - vhost x"),
         "not admitted: NOT_ALLOWED - vhost x", True),
        (None, Closed(code=320, text="CONNECTION_FORCED - x"),
         "closed by the broker: CONNECTION_FORCED - x", False),
        (amqp.ChannelNotFoundEntity("NOT_FOUND - no queue 'w, s' in vhost '/'"), None,
         "queue w; s is gone", False),
        (amqp.ChannelNotFoundEntity("NOT_FOUND - no exchange 'x' in vhost '/'"), None,
         "exchange x is gone", False),
        (amqp.ChannelAccessRefused("ACCESS_REFUSED - read access"), None,
         "not permitted: ACCESS_REFUSED - read access", False),
        (amqp.ChannelPreconditionFailed("inequivalent arg"), None,
         "channel closed by the broker: inequivalent arg", False),
        (FileNotFoundError(2, "No such file", "/etc/bus"), None,
         "cannot read bus: No such file", False),
    ],
)  # fmt: skip
def test_every_fault_has_its_own_words(error, said, reason, sure):
    found = trouble(error, said=said)

    assert (found.reason, found.sure) == (reason, sure)


def test_what_is_in_our_words_already_stays():
    mine = Trouble("connection refused", sure=True)
    assert trouble(mine, said=Closed(code=320, text="x")) is mine
