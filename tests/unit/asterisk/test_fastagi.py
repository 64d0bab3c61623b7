"""A caller over FastAGI: what is sent, what comes of the answers, and who is not listened to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from gateway.asterisk.fastagi.server import AFTERWARDS, Leg, Server
from gateway.asterisk.fastagi.words import Unsayable, answer, command, number
from gateway.asterisk.role import HungUp, Prompt, Unplayable

SECRET = "the-dialplan-knows-it"
HERE = IPv4Address("TCP", "127.0.0.1", 4573)
ENV = ("agi_network: yes", "agi_callerid: 201", "agi_language: fr", "agi_uniqueid: u-1")


class Wire(StringTransport):
    gone = False

    def abortConnection(self):
        self.loseConnection()

    def loseConnection(self):
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


class Stage:
    """Asterisk, played by the test: `answers` are given to commands as they come."""

    def __init__(self, tmp_path):
        self.clock = Clock()
        self.found = []
        self.program = self._nothing
        self.tmp_path = tmp_path
        self.server = Server(
            lambda call: self.program(call),  # noqa: PLW0108 - a test sets it later
            secret=SECRET,
            recordings=tmp_path,
            sounds=tmp_path,
            longest=60.0,
            reactor=self.clock,
        )

    async def _nothing(self, call):
        self.found.append(call)

    def connect(self, *, env=ENV, variables=None):
        known = {"WARDLINE_SECRET": SECRET, "DIALLED": "610"} | (variables or {})
        self.wire = Wire()
        self.session = self.wire.protocol = self.server.buildProtocol(HERE)
        self.session.makeConnection(self.wire)
        self.receive(*env, "")
        for name in ("WARDLINE_SECRET", "TOKEN", "DIALLED"):
            if self.wire.gone:
                return self
            assert self.sent() == f'GET VARIABLE "{name}"'
            value = known.get(name)
            self.receive("200 result=0" if value is None else f"200 result=1 ({value})")
        return self

    def receive(self, *lines):
        self.session.dataReceived("".join(line + "\n" for line in lines).encode())

    def sent(self):
        """The one command sent since the last look, "" for none."""
        said = self.wire.value().decode().rstrip("\n")
        self.wire.clear()
        assert "\n" not in said
        return said

    def plays(self, *dialogue):
        """Pairs of what must be sent and what is answered."""
        for said, answered in dialogue:
            assert self.sent() == said
            self.receive(answered)


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    assert not [c for c in stage.clock.getDelayedCalls() if c.active() and c.getTime() < AFTERWARDS]


def asking(stage, *prompts, **how):
    async def program(call):
        stage.found.append(await call.ask(*map(Prompt, prompts), **how))

    stage.program = program
    return stage.connect()


DONE = ('SET VARIABLE "GWDONE" "1"', "200 result=1")


def test_a_call_is_introduced_and_its_end_is_told(stage):
    stage.connect()
    (call,) = stage.found
    assert (call.caller, call.dialled, call.language, call.token) == ("201", "610", "fr", "")
    stage.plays(DONE)
    assert stage.wire.gone


@pytest.mark.parametrize(
    ("answered", "keyed"),
    [
        ("200 result=6*82", "6*82"),
        ("200 result= (timeout)", ""),
        ("200 result=", ""),
        ("200 result=12 (timeout)", "12"),
    ],
)
def test_keys_are_taken_by_one_command(stage, answered, keyed):
    asking(stage, "a", digits=6, within=5.0)
    stage.plays(('GET DATA "a" "5000" "6"', answered), DONE)
    assert stage.found == [keyed]


def test_a_key_in_an_earlier_prompt_begins_what_is_keyed(stage):
    asking(stage, "a", "b", digits=4)
    stage.plays(
        ('STREAM FILE "a" "0123456789*#"', "200 result=49 endpos=800"),
        ('GET DATA "" "8000" "3"', "200 result=234"),
        DONE,
    )
    assert stage.found == ["1234"]


def test_the_end_in_an_earlier_prompt_is_nothing_keyed(stage):
    asking(stage, "a", "b", digits=4)
    stage.plays(('STREAM FILE "a" "0123456789*#"', "200 result=35 endpos=800"), DONE)
    assert stage.found == [""]


def test_without_an_end_silence_goes_on_to_the_next_prompt_and_hash_is_a_key(stage):
    asking(stage, "a", "b", digits=1, end="", within=6.0)
    stage.plays(
        ('STREAM FILE "a" "0123456789*#"', "200 result=0 endpos=800"),
        ('STREAM FILE "b" "0123456789*#"', "200 result=0 endpos=800"),
        ('WAIT FOR DIGIT "6000"', "200 result=35"),
        DONE,
    )
    assert stage.found == ["#"]


def test_another_end_than_hash_ends_it(stage):
    asking(stage, "a", digits=5, end="*")
    stage.plays(
        ('STREAM FILE "a" "0123456789*#"', "200 result=49 endpos=8"),
        ('WAIT FOR DIGIT "8000"', "200 result=50"),
        ('WAIT FOR DIGIT "8000"', "200 result=42"),
        DONE,
    )
    assert stage.found == ["12"]


@pytest.mark.parametrize(("status", "error"), [("6", Unplayable), ("4", HungUp)])
def test_a_missing_sound_is_told_from_a_caller_who_is_gone(stage, status, error):
    async def program(call):
        try:
            await call.say(Prompt("a"))
        except (Unplayable, HungUp) as raised:
            stage.found.append(type(raised))

    stage.program = program
    stage.connect()
    stage.plays(
        ('STREAM FILE "a" "0123456789*#"', "200 result=-1 endpos=0"),
        ("CHANNEL STATUS", f"200 result={status}"),
        DONE,
    )
    assert stage.found == [error]


@pytest.mark.parametrize("prompt", ["../x", 'a"', "a b", "a&b", "a\nHANGUP", ""])
def test_a_path_that_is_none_is_not_sent(stage, prompt):
    async def program(call):
        with pytest.raises(Unplayable):
            await call.say(Prompt(prompt))
        stage.found.append("refused")

    stage.program = program
    stage.connect()
    stage.plays(DONE)
    assert stage.found == ["refused"]


@pytest.mark.parametrize(
    "gone", ["HANGUP", "511 Command Not Permitted on a dead channel or intercept routine"]
)
def test_a_caller_who_hangs_up_is_gone_for_the_program(stage, gone):
    async def program(call):
        try:
            await call.ask(digits=4)
        except HungUp:
            stage.found.append("gone")
            raise

    stage.program = program
    stage.connect()
    stage.sent()
    stage.receive(gone)
    assert stage.found == ["gone"]
    assert "GWDONE" not in stage.sent()
    assert stage.wire.gone


def test_a_wrong_use_of_many_lines_is_one_answer(stage):
    asking(stage, "a", digits=4)
    stage.sent()
    stage.receive(
        "520-Invalid command syntax.  Proper usage follows:",
        "Usage: GET DATA",
        "520 End of proper usage.",
    )
    stage.plays(DONE)
    assert stage.found == [""]


# --- who is not listened to


def test_only_this_machine_is_listened_to(stage):
    assert stage.server.buildProtocol(IPv4Address("TCP", "10.0.0.9", 1)) is None


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x"])
def test_who_does_not_know_the_dialplans_secret_is_nobody(stage, secret):
    stage.connect(variables={"WARDLINE_SECRET": secret})
    assert stage.found == []
    assert stage.wire.gone


def test_a_token_is_good_for_one_call_that_was_expected(stage):
    stage.connect(variables={"TOKEN": "t1"})
    assert stage.found == []
    stage.server.expect("t1")
    stage.connect(variables={"TOKEN": "t1"})
    assert [call.token for call in stage.found] == ["t1"]
    stage.plays(DONE)
    assert stage.server.leg("t1") is Leg.DONE
    stage.connect(variables={"TOKEN": "t1"})
    assert len(stage.found) == 1
    assert stage.server.forget("t1") is Leg.DONE


def test_who_introduces_nothing_is_cut(stage):
    session = stage.server.buildProtocol(HERE)
    wire = Wire()
    wire.protocol = session
    session.makeConnection(wire)
    stage.clock.advance(5.0)
    assert wire.gone


@pytest.mark.parametrize("sent", [b"agi_x: y\n" * 200, b"x" * 5000])
def test_who_sends_without_end_is_cut(stage, sent):
    session = stage.server.buildProtocol(HERE)
    wire = Wire()
    wire.protocol = session
    session.makeConnection(wire)
    session.dataReceived(sent)
    assert wire.gone


def test_a_callers_name_overrides_nothing_that_asterisk_said(stage):
    stage.connect(env=(*ENV, "agi_calleridname: x", "agi_callerid: 999", "agi_language: xx"))
    assert stage.found[0].caller == "201"
    assert stage.found[0].language == "fr"
    stage.plays(DONE)


def test_an_asterisk_that_does_not_answer_is_given_up(stage):
    asking(stage, "a", digits=4)
    stage.sent()
    stage.clock.advance(60.0 + 15.0)
    assert stage.wire.gone
    assert stage.found == []


def test_a_program_may_finish_after_the_caller_has_gone_and_not_for_ever(stage):
    ended = []

    async def program(call):
        try:
            await Deferred()
        finally:
            ended.append(call)

    stage.program = program
    stage.connect()
    stage.wire.loseConnection()
    stage.clock.advance(AFTERWARDS - 1)
    assert not ended
    stage.clock.advance(1.0)
    assert ended


# --- the words


@given(st.text(max_size=30))
def test_an_argument_stays_one_argument(text):
    try:
        said = command("STREAM FILE", "x" + text, "1").decode()
    except Unsayable:
        return
    assert "\n" not in said
    inner = said.removeprefix("STREAM FILE ").removesuffix(' "1"')
    plain = inner[1:-1].replace("\\\\", "").replace('\\"', "")
    assert inner[0] == inner[-1] == '"'
    assert '"' not in plain
    assert "\\" not in plain


@given(st.text(max_size=40))
def test_whatever_is_answered_is_read(text):
    assert answer("200 " + text).code in (200, 520)


@pytest.mark.parametrize(
    ("text", "seen"),
    [("201", "201"), ("+33476", "+33476"), ("<script>", ""), ("", ""), ("unknown", "")],
)
def test_a_callers_number_is_digits_or_nothing(text, seen):
    assert number(text) == seen
