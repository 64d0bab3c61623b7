"""The link to Asterisk: what is pending fails when it goes, nothing is sent twice, its loss is told once."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from gateway.asterisk.ami.link import Link
from gateway.asterisk.ami.session import NoAnswer, NotSent, Refused


class Wire(StringTransport):
    def abortConnection(self):
        self.aborted = True
        self.protocol.connectionLost(Failure(ConnectionLost()))


class Door:
    """An endpoint that the test opens or shuts; `sessions` are those that were made."""

    def __init__(self):
        self.open = True
        self.tries = 0
        self.sessions = []

    def connect(self, factory):
        self.tries += 1
        if not self.open:
            return fail(ConnectionRefusedError())
        session = factory.buildProtocol(None)
        wire = Wire()
        wire.protocol = session
        session.makeConnection(wire)
        session.dataReceived(b"Asterisk Call Manager/11.0.0\r\n")
        self.sessions.append(session)
        done = Deferred()
        done.callback(session)
        return done


class Ear:
    def __init__(self):
        self.heard = []

    def event(self, event):
        self.heard.append(event.name)

    def up(self):
        self.heard.append("up")

    def down(self, why):
        self.heard.append("down")


class Stage:
    def __init__(self):
        self.clock, self.door, self.ear = Clock(), Door(), Ear()
        self.link = Link(
            self.door, user="w", secret="s3cret-s3cret", reactor=self.clock, chance=lambda: 0.0
        )
        self.link.ears.append(self.ear)

    @property
    def session(self):
        return self.door.sessions[-1]

    def sent(self):
        """The actions sent since the last look, as dicts."""
        text = self.session.transport.value().decode()
        self.session.transport.clear()
        packets = text.split("\r\n\r\n")[:-1]
        return [dict(line.split(": ", 1) for line in p.split("\r\n")) for p in packets]

    def answer(self, action, status="Success", **fields):
        lines = [f"Response: {status}", f"ActionID: {action['ActionID']}"]
        lines += [f"{k}: {v}" for k, v in fields.items()]
        self.receive(*lines)

    def receive(self, *lines):
        self.session.dataReceived("\r\n".join([*lines, "", ""]).encode())

    def up(self):
        self.link.startService()
        self.let_in()
        return self

    def let_in(self):
        (challenge,) = self.sent()
        self.answer(challenge, Challenge="4711")
        (login,) = self.sent()
        assert "s3cret" not in str(login)
        self.answer(login)


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.link.stopService()
    assert not stage.clock.getDelayedCalls(), "timers left over"


def asked(stage, *args, **kwargs):
    return Deferred.fromCoroutine(stage.link.ask(*args, **kwargs))


def failure_of(deferred):
    found = []
    deferred.addErrback(found.append)
    return found[0].value if found else None


def test_it_is_up_once_asterisk_has_let_it_in(stage):
    stage.link.startService()
    assert not stage.link.is_up
    stage.let_in()
    assert stage.link.is_up
    assert stage.ear.heard == ["up"]


def test_an_answer_goes_to_who_asked(stage):
    stage.up()
    first, second = asked(stage, "Ping"), asked(stage, "Status")
    one, two = stage.sent()
    stage.answer(two, Of="two")
    stage.answer(one, Of="one")
    got = []
    for waiting in (first, second):
        waiting.addCallback(lambda r: got.append(r["Of"]))
    assert got == ["one", "two"]


def test_a_refusal_is_told_in_asterisks_words(stage):
    stage.up()
    waiting = asked(stage, "Command")
    stage.answer(*stage.sent(), status="Error", Message="Permission denied")
    error = failure_of(waiting)
    assert isinstance(error, Refused)
    assert str(error) == "Permission denied"


def test_what_is_pending_fails_when_the_link_goes_and_is_never_sent_again(stage):
    stage.up()
    waiting = asked(stage, "Originate", {"Channel": "Local/201@wardline-dial"})
    assert [a["Action"] for a in stage.sent()] == ["Originate"]
    stage.session.connectionLost(Failure(ConnectionLost()))
    assert isinstance(failure_of(waiting), NoAnswer)
    stage.clock.advance(0.2)
    stage.let_in()
    assert stage.ear.heard == ["up", "down", "up"]
    assert stage.sent() == []


def test_each_action_has_its_own_patience(stage):
    stage.up()
    waiting = asked(stage, "Getvar", timeout=1.0)
    stage.sent()
    stage.clock.advance(1.0)
    assert isinstance(failure_of(waiting), NoAnswer)
    assert stage.link.is_up


def test_nothing_leaves_without_a_link(stage):
    assert isinstance(failure_of(asked(stage, "Ping")), NotSent)


def test_a_frozen_asterisk_is_noticed(stage):
    stage.up()
    stage.clock.advance(2.0)
    assert [a["Action"] for a in stage.sent()] == ["Ping"]
    stage.clock.advance(3.0)
    assert not stage.link.is_up
    assert stage.ear.heard == ["up", "down"]


def test_one_that_answers_is_asked_again_and_again(stage):
    stage.up()
    for _ in range(5):
        stage.clock.advance(2.0)
        stage.answer(*stage.sent())
    assert stage.link.is_up


def test_pauses_between_tries_grow_and_stay_bounded(stage):
    stage.door.open = False
    stage.link.startService()
    for _ in range(12):
        stage.clock.advance(5.0)
    assert 12 <= stage.door.tries <= 20
    tries = stage.door.tries
    stage.clock.advance(4.9)
    assert stage.door.tries <= tries + 1


def test_a_wrong_password_is_tried_again_slowly(stage):
    stage.link.startService()
    (challenge,) = stage.sent()
    stage.answer(challenge, Challenge="1")
    stage.answer(*stage.sent(), status="Error", Message="Authentication failed")
    assert not stage.link.is_up
    assert stage.door.tries == 1
    stage.clock.advance(0.1)
    assert stage.door.tries == 2


def test_a_list_is_all_its_events_and_nobody_elses(stage):
    stage.up()
    waiting = Deferred.fromCoroutine(stage.link.collect("Status"))
    (action,) = stage.sent()
    key = f"ActionID: {action['ActionID']}"
    stage.answer(action, EventList="start")
    stage.receive("Event: Status", key, "Uniqueid: a")
    stage.receive("Event: Hangup", "Uniqueid: b")
    stage.receive("Event: StatusComplete", key, "EventList: Complete")
    got = []
    waiting.addCallback(got.extend)
    assert [e["Uniqueid"] for e in got] == ["a"]
    assert stage.ear.heard == ["up", "Hangup"]


def test_a_peer_that_sends_without_end_is_cut(stage):
    stage.up()
    stage.session.dataReceived(b"X: y\r\n" * 2001)
    assert not stage.link.is_up


def test_what_an_old_connection_says_changes_nothing(stage):
    stage.up()
    old = stage.session
    stage.link.stopService()
    stage.link.startService()
    old.connectionLost(Failure(ConnectionLost()))
    stage.let_in()
    assert stage.link.is_up


def test_an_ear_that_fails_does_not_make_the_others_deaf(stage):
    class Bad:
        def event(self, event):
            raise ZeroDivisionError

        up = lambda self: 1 / 0  # noqa: E731
        down = lambda self, why: 1 / 0  # noqa: E731

    stage.link.ears.insert(0, Bad())
    stage.up()
    stage.receive("Event: Hangup")
    assert stage.ear.heard == ["up", "Hangup"]
