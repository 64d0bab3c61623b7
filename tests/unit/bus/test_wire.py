"""What a broker says of itself is heard between all other frames, and however the stream is cut."""

from __future__ import annotations

import pytest
from aiormq import exceptions as amqp
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.heartbeat import Heartbeat

from gateway.bus.amqp.wire import Blocked, Closed, Frames
from gateway.bus.amqp.words import trouble
from gateway.bus.role import Trouble

STREAM = b"".join(
    (
        marshal(commands.Basic.Deliver("tag", 1, False, "x", "y"), 1),
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
def test_it_is_heard_however_the_stream_is_cut(steps):
    frames, at, heard = Frames(), 0, []
    for step in (*steps, len(STREAM)):
        heard += frames.feed(STREAM[at : at + step])
        at += step
    assert heard == SAID


def test_a_message_about_a_blocked_connection_is_not_one():
    inside = marshal(commands.Connection.Blocked("x"), 0)
    assert list(Frames().feed(marshal(ContentBody(inside), 1))) == []


def test_what_waits_for_its_frame_stays_small():
    frames = Frames()
    list(frames.feed(marshal(ContentBody(b"x" * 100_000), 1)[:-1]))
    assert len(frames._kept) == 0


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
