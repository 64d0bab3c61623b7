"""What Asterisk's events say of a call, and what a phone makes of them when the link goes."""

from __future__ import annotations

from itertools import permutations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.asterisk.ami.session import NoAnswer, NotSent
from gateway.asterisk.ami.words import Event, Response
from gateway.asterisk.call.evidence import Evidence
from gateway.asterisk.call.phone import LOST, AsteriskPhone, Caps
from gateway.asterisk.fastagi.server import Leg
from gateway.asterisk.role import Ending, Lost
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain

FAR = "PJSIP/4711-00000001"


def event(name, channel="Local/4711@wardline-dial-1;1", unique="id", **fields):
    return Event(
        name=name, fields={"Channel": channel, "Uniqueid": unique, "Linkedid": "id", **fields}
    )


def begun():
    return [
        event("Newchannel"),
        event("Newchannel", "Local/4711@wardline-dial-1;2", "id-2"),
        event("Newchannel", FAR, "far"),
    ]


def ended(*, cause="16", sip="", answered=False):
    tech = {"TechCause": sip} if sip else {}
    response = "Success" if answered else "Failure"
    return [
        event("Hangup", FAR, "far", Cause=cause, **tech),
        event("Hangup", "Local/4711@wardline-dial-1;2", "id-2", Cause="16"),
        event("Hangup", Cause="16"),
        event("OriginateResponse", Response=response),
    ]


@pytest.mark.parametrize(
    ("rang", "end", "ending"),
    [
        (False, {"cause": "17", "sip": "486"}, Ending.BUSY),
        (False, {"cause": "17", "sip": "600"}, Ending.BUSY),
        (False, {"cause": "21", "sip": "603"}, Ending.REJECTED),
        (True, {"cause": "21", "sip": "603"}, Ending.REJECTED),
        (False, {"cause": "21", "sip": "403"}, Ending.REJECTED),
        (False, {"cause": "1", "sip": "404"}, Ending.REJECTED),
        (False, {"cause": "19", "sip": "480"}, Ending.UNREACHABLE),
        (False, {"cause": "18", "sip": "408"}, Ending.UNREACHABLE),
        (False, {"cause": "38", "sip": "500"}, Ending.CONGESTION),
        (False, {"cause": "34", "sip": "503"}, Ending.CONGESTION),
        (True, {"cause": "0"}, Ending.NO_ANSWER),
        (True, {"cause": "0", "sip": "487"}, Ending.NO_ANSWER),
        (False, {"cause": "0"}, Ending.UNREACHABLE),
        (True, {"cause": "16", "answered": True}, Ending.EARLY),
    ],
)
def test_every_end_is_told_apart_in_whatever_order_it_is_told(rang, end, ending):
    for order in permutations(ended(**end)):
        evidence = Evidence("id")
        for told in begun():
            evidence.hear(told)
        if rang:
            evidence.hear(event("Newstate", FAR, "far", ChannelStateDesc="Ringing"))
        for told in order[:-1]:
            evidence.hear(told)
        evidence.hear(order[-1])
        assert evidence.over
        assert evidence.outcome(done=False, seconds=0.0).ending is ending


def test_what_the_dialplan_does_not_know_is_said():
    for cause, ending in (
        ("0", Ending.REJECTED),
        ("3", Ending.UNREACHABLE),
        ("34", Ending.CONGESTION),
    ):
        evidence = Evidence("id")
        evidence.hear(event("Newchannel"))
        evidence.hear(event("OriginateResponse", Response="Failure"))
        assert not evidence.over
        evidence.hear(event("Hangup", Cause=cause))
        assert evidence.over
        assert evidence.outcome(done=False, seconds=0.0).ending is ending


class Link:
    """`status` answers "Status"; `failing` is raised by "Originate"."""

    def __init__(self):
        self.asked, self.failing, self.status = [], None, []

    async def ask(self, name, headers=None, *, variables=None, timeout=5.0):
        self.asked.append((name, headers, variables))
        if self.failing:
            raise self.failing
        return Response(status="Success")

    async def collect(self, name, headers=None, *, timeout=5.0):
        if isinstance(self.status, Exception):
            raise self.status
        return self.status


class Tokens:
    def __init__(self):
        self.legs = {}

    def expect(self, token):
        self.legs[token] = Leg.EXPECTED

    def forget(self, token):
        return self.legs.pop(token, Leg.EXPECTED)

    def leg(self, token):
        return self.legs.get(token, Leg.EXPECTED)


class Stage:
    def __init__(self, **caps):
        self.clock, self.link, self.tokens = Clock(), Link(), Tokens()
        known = Caps(allow=["XXXX"], concurrent=3, per_hour=5)
        self.phone = AsteriskPhone(
            self.link,
            self.tokens,
            numbers=lambda context: {"4711", "4712"},
            caps=Caps(**{"allow": known.allow, "concurrent": 3, "per_hour": 5} | caps),
            reactor=self.clock,
        )

    def call(self, number="4711", token="t1", **more):
        return result(self.phone.call(number, token, **more))

    def happen(self, call, *events):
        for told in events:
            fields = {k: v.replace("id", call.channel, 1) if k in ("Uniqueid", "Linkedid") else v
                      for k, v in told.fields.items()}  # fmt: skip
            self.phone.event(Event(name=told.name, fields=fields))


def result(coroutine):
    """What a coroutine that needs nothing more gives, or raises."""
    done = []
    Deferred.fromCoroutine(coroutine).addBoth(done.append)
    assert done, "it still waits"
    if hasattr(done[0], "raiseException"):
        done[0].raiseException()
    return done[0]


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.phone.stop()
    assert not stage.clock.getDelayedCalls()


def test_a_call_goes_through_the_dialplans_directory(stage):
    call = stage.call()
    ((name, headers, variables),) = stage.link.asked
    assert (name, headers["Channel"]) == ("Originate", "Local/4711@wardline-dial/n")
    assert headers["ChannelId"] == call.channel
    assert "Application" not in headers
    assert variables == {"TOKEN": "t1", "DIALLED": "4711", "RING": "30"}


def living(one, number="4711", *, way="wardline-dial", far="Ringing"):
    """A call of an earlier Wardline's as Asterisk lists it."""
    name, told = f"Local/{number}@{way}-1", {"Linkedid": one, "ChannelStateDesc": "Ring"}
    return [
        Event(name="Status", fields=told | {"Channel": f"{name};1", "Uniqueid": one}),
        Event(name="Status", fields=told | {"Channel": f"{name};2", "Uniqueid": f"{one}-2"}),
        Event(name="Status", fields={"Channel": f"PJSIP/{number}-1", "Uniqueid": "far",
                                     "Linkedid": one, "ChannelStateDesc": far}),
    ]  # fmt: skip


def test_what_a_dead_wardline_left_ringing_is_ended_before_anybody_is_rung(stage):
    stage.link.status = [
        *living("wl-rings"),
        *living("wl-talks", "4712", far="Up"),
        *living("wl-fax", "4713", way="fax-dial"),
        *living("somebody-elses", "4714", way="elsewhere"),
    ]
    stage.call()
    stage.call("4712", "t2")
    assert [(name, (headers or {})["Channel"]) for name, headers, _ in stage.link.asked] == [
        ("Hangup", "wl-rings"),
        ("Originate", "Local/4711@wardline-dial/n"),
        ("Originate", "Local/4712@wardline-dial/n"),
    ]


def test_a_link_that_falls_meanwhile_makes_it_look_again(stage):
    stage.link.status = NotSent("no link")
    stage.call()
    stage.link.status = living("wl-rings")
    stage.call("4712", "t2")
    assert [name for name, *_ in stage.link.asked] == ["Originate", "Hangup", "Originate"]


def test_a_call_lives_through_its_states(stage):
    call = stage.call()
    stage.happen(call, *begun(), event("Newstate", FAR, "far", ChannelStateDesc="Ringing"))
    assert call.state == "ringing"
    stage.happen(call, event("Newstate", FAR, "far", ChannelStateDesc="Up"))
    assert result(call.answered())
    stage.clock.advance(7.0)
    stage.tokens.legs["t1"] = Leg.DONE
    stage.happen(call, *ended(answered=True))
    outcome = result(call.outcome())
    assert (outcome.ending, outcome.rang, outcome.seconds) == (Ending.DONE, True, 7.0)
    assert stage.phone.calls == 0


def test_after_a_lost_link_a_living_call_goes_on(stage):
    call = stage.call()
    stage.happen(call, *begun())
    stage.phone.down("cut")
    assert call.state == "doubtful"
    stage.link.status = [
        Event(name="Status", fields={"Channel": FAR, "Uniqueid": "far", "Linkedid": call.channel,
                                     "ChannelStateDesc": "Up"})
    ]  # fmt: skip
    stage.phone.up()
    assert call.state == "answered"
    assert [name for name, *_ in stage.link.asked] == ["Originate"]


def test_after_a_lost_link_a_call_that_is_gone_is_uncertain(stage):
    call = stage.call()
    stage.happen(call, *begun())
    stage.phone.down("cut")
    stage.phone.up()
    with pytest.raises(Uncertain):
        result(call.outcome())
    with pytest.raises(Uncertain):
        result(call.answered())


@pytest.mark.parametrize(
    ("leg", "ending"),
    [(Leg.DONE, Ending.DONE), (Leg.BROKEN, Ending.EARLY), (Leg.BEGUN, Ending.EARLY)],
)
def test_what_its_program_said_is_known_whatever_the_link_did(stage, leg, ending):
    call = stage.call()
    stage.phone.down("cut")
    stage.tokens.legs["t1"] = leg
    stage.phone.up()
    assert result(call.outcome()).ending is ending


def test_a_link_that_does_not_come_back_leaves_its_calls_unknown(stage):
    call = stage.call()
    stage.phone.down("cut")
    stage.clock.advance(LOST)
    with pytest.raises(Uncertain):
        result(call.outcome())


def test_a_call_of_an_earlier_process_is_looked_for_by_its_token_and_dials_nothing(stage):
    stage.link.status = NotSent("not yet")
    call = stage.phone.adopt("t1", context="fax-send", within=900.0)
    assert stage.call(token="t1x").channel.replace("t1x", "t1") == call.channel
    stage.clock.advance(LOST * 3)  # however long the link stays away
    stage.link.status = [
        Event(name="Status", fields={"Channel": FAR, "Uniqueid": "far", "Linkedid": call.channel,
                                     "ChannelStateDesc": "Up"})
    ]  # fmt: skip
    stage.phone.up()
    assert call.state == "answered"
    stage.phone.down("cut")
    stage.clock.advance(LOST + 1)
    assert call.state == "doubtful"
    stage.phone.up()
    stage.happen(call, event("Hangup", FAR, "far", Cause="16"))
    assert result(call.outcome()).ending is Ending.EARLY
    assert [name for name, *_ in stage.link.asked] == ["Originate"]


def test_a_call_that_was_looked_for_in_vain_is_over_and_one_that_was_not_may_go_on(stage):
    gone = stage.phone.adopt("t1", context="fax-send", within=900.0)
    with pytest.raises(Uncertain) as over:
        result(gone.outcome())
    assert not isinstance(over.value, Lost)

    stage.link.status = NotSent("down")
    hidden = stage.phone.adopt("t2", context="fax-send", within=90.0)
    stage.clock.advance(90.0)
    with pytest.raises(Lost):
        result(hidden.outcome())

    stage.phone.stop()
    with pytest.raises(Lost):
        result(stage.phone.adopt("t3", context="fax-send", within=90.0).outcome())


def test_an_order_to_dial_that_got_no_answer_is_not_given_again(stage):
    stage.link.failing = NoAnswer("lost")
    stage.link.status = NotSent("down")
    call = stage.call()
    assert call.state == "doubtful"
    stage.link.failing, stage.link.status = None, []
    stage.phone.up()
    with pytest.raises(Uncertain):
        result(call.outcome())
    assert [name for name, *_ in stage.link.asked] == ["Originate"]


def test_without_a_link_nothing_was_dialled(stage):
    stage.link.failing = NotSent("down")
    with pytest.raises(TemporaryFailure) as failure:
        stage.call()
    assert failure.value.reasons == ("unreachable",)
    assert stage.phone.calls == 0
    assert stage.tokens.legs == {}


@pytest.mark.parametrize(
    "number", ["4713", "47110", "4711@trunk", "4711&PJSIP/1", "", "0899123456", "4711\r\nX: y"]
)
def test_no_other_number_is_dialled(stage, number):
    with pytest.raises(PermanentFailure):
        stage.call(number)
    assert stage.link.asked == []


@pytest.mark.parametrize("token", ["", "a b", "a,b", "x" * 65, "é", "a\r\nb"])
def test_a_token_says_nothing_that_asterisk_reads_into(stage, token):
    with pytest.raises(PermanentFailure):
        stage.call(token=token)
    assert stage.link.asked == []


def test_caps_hold_by_the_hour():
    stage = Stage(per_hour=2, concurrent=1)
    for turn in range(2):
        call = stage.call(token=f"t{turn}")
        with pytest.raises(TemporaryFailure):
            stage.call("4712", "other")
        stage.happen(call, *begun(), *ended())
    with pytest.raises(TemporaryFailure):
        stage.call()
    stage.clock.advance(3600.0)
    assert stage.call()
    stage.phone.stop()


def test_faxes_have_lines_of_their_own_and_no_doctor_waits_for_a_page():
    stage = Stage(concurrent=1, per_hour=1, faxes=2)
    stage.call("4711", "t1", context="fax-send")
    stage.call(
        "4711", "t2", context="fax-send"
    )  # a machine may be rung as often as there are pages
    with pytest.raises(TemporaryFailure):
        stage.call("4712", "t3", context="fax-send")

    stage.call("4711", "t4")
    with pytest.raises(TemporaryFailure):
        stage.call("4712", "t5")
