"""A real Asterisk and real telephones: what callers hear, what becomes of calls, and what none can do."""

from __future__ import annotations

import re
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed

from demo.telephone.phone import Phone
from demo.telephone.phone import Refused as NotLetIn
from demo.telephone.voice import _LINEAR, ALAW, FRAME, RATE
from gateway.asterisk.ami.session import Refused
from gateway.asterisk.ami.words import Event
from gateway.asterisk.role import Ending, HungUp, Prompt, Unplayable
from gateway.asterisk.service import Telephony
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from tests.system.asterisk import CANARY, SECRET, Asterisk
from tests.system.rtp import likeness, samples, when_heard

pytestmark = pytest.mark.system

SOUNDS = Path("dialplans/sounds")
SURE = 0.9


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory):
    """One for the tests of this module; a test that breaks it mends it."""
    one = Asterisk(tmp_path_factory.mktemp("asterisk"))
    try:
        yield one.start()
    finally:
        one.close()


def pause(seconds):
    waited = Deferred()
    reactor.callLater(seconds, waited.callback, None)
    return waited


async def until(fact, within=20.0):
    """Waits until `fact()` is true."""
    end = reactor.seconds() + within
    while not fact():
        assert reactor.seconds() < end, f"not within {within} s"
        await pause(0.02)


async def silent(call):
    """A program that says nothing."""


@asynccontextmanager
async def telephony(asterisk, program=silent, *, alive=lambda: succeed(None), **more):
    told = []

    async def tell(lost, why):
        told.append(lost)

    service = Telephony(
        asterisk.settings.model_copy(update={"concurrent": 10, "per_hour": 60, **more}),
        program,
        numbers=lambda context: asterisk.numbers.phones,
        alive=alive,
        wall=time.time,
        tell=tell,
        reactor=reactor,
        base=asterisk.folder,
        data=asterisk.folder,
    )
    service.told = told
    await service.startService()
    try:
        await until(lambda: service.link.is_up)
        await pause(0.1)  # the first beat
        yield service
    finally:
        await service.stopService()


def listen(service):
    """Everything the link tells from now on, as events."""
    heard = []
    ear = SimpleNamespace(
        event=heard.append,
        up=lambda: heard.append(Event(name="up")),
        down=lambda why: heard.append(Event(name="down")),
    )
    service.link.ears.append(ear)
    return heard


@asynccontextmanager
async def phone(asterisk, number, **about):
    server = ("127.0.0.1", asterisk.sip_port)
    one = Phone(reactor, number, password=SECRET, server=server, **about).open()
    try:
        yield await one.register()
    finally:
        await one.close()


def sound(asterisk, name):
    return Prompt(str(asterisk.folder / "etc/sounds" / name))


async def hears(call, name, *, within=15.0):
    """Waits until the caller has heard the beginning of a sound; at which second of the call it began."""
    prompt, end = samples(SOUNDS / f"{name}.wav"), reactor.seconds() + within
    while True:
        at = when_heard(call.heard, prompt)
        if at is not None:
            return at
        assert reactor.seconds() < end, f"{name} was not heard: {likeness(call.heard, prompt)}"
        await pause(0.2)


# --- callers


async def test_a_caller_hears_and_is_heard(asterisk):
    keyed = []

    async def program(call):
        keyed.append((call.dialled, call.caller, call.language, call.token))
        keyed.append(await call.ask(sound(asterisk, "fr/absent"), digits=8))

    async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
        call = doctor.dial("610")
        assert await call.answered
        await hears(call, "fr/absent")
        await call.press("6*82#")
        await call.ended
    assert keyed == [("610", "201", "fr", ""), "6*82"]
    assert likeness(call.heard, samples(SOUNDS / "fr/call-the-laboratory.wav"))[0] < SURE


async def test_keys_before_the_last_prompt_count_and_stop_it(asterisk):
    keyed = []

    async def program(call):
        long = sound(asterisk, "fr/absent")
        keyed.append(await call.ask(long, long, long, digits=4))
        keyed.append(await call.say(long))
        keyed.append(await call.ask(digits=3, within=0.5))

    async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
        call = doctor.dial("610")
        assert await call.answered
        await pause(0.7)
        await call.press("1234")
        await pause(0.5)
        await call.press("*")
        await call.ended
    assert keyed == ["1234", "*", ""]


async def press_as_tones(voice, keys):
    """As an old telephone behind an adapter that knows no RFC 4733: two tones at once, 100 ms."""
    moments = np.arange(FRAME * 5) / RATE
    for key in keys:
        row, column = divmod("123456789*0#".index(key), 3)
        tones = ((697, 770, 852, 941)[row], (1209, 1336, 1477)[column])
        wave = sum(6000 * np.sin(2 * np.pi * tone * moments) for tone in tones)
        nearest = np.abs(np.array(_LINEAR)[None, :] - wave[:, None]).argmin(axis=1)
        voice._keying = True
        for at in range(0, len(nearest), FRAME):
            voice._send(ALAW, nearest[at : at + FRAME].astype(np.uint8).tobytes(), voice._stamp)
            voice._stamp += FRAME
            await pause(0.02)
        voice._keying = False
        await pause(0.15)


async def test_keys_that_come_as_tones_are_heard_where_the_telephone_knows_no_other_way(asterisk):
    keyed = []

    async def program(call):
        keyed.append(await call.ask(digits=8))

    async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
        spoken = doctor._sdp
        doctor._sdp = lambda call: re.sub(
            rb"a=(rtpmap|fmtp):101 [^\r]*\r\n", b"", spoken(call).replace(b" 101\r", b"\r")
        )
        call = doctor.dial("610")
        assert await call.answered
        await pause(0.7)
        await press_as_tones(call.voice, "48*2915#")
        await call.ended
    assert keyed == ["48*2915"]


async def test_who_hangs_up_in_the_middle_is_gone_for_the_program(asterisk):
    ended = []

    async def program(call):
        try:
            await call.ask(sound(asterisk, "fr/absent"), digits=4)
        except HungUp:
            ended.append("hung up")
            raise

    async with telephony(asterisk, program) as service, phone(asterisk, "201") as doctor:
        call = doctor.dial("610")
        assert await call.answered
        await until(lambda: service.server.calls)
        await pause(0.3)
        call.hang_up()
        await until(lambda: ended)
        await until(lambda: not service.server.calls)


async def test_a_spoken_order_is_recorded(asterisk):
    paths = []

    async def program(call):
        paths.append(await call.record(longest=1.0, silence=5.0))

    async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
        call = doctor.dial("610")
        await call.ended
        await hears(call, "beep")
    assert 0.7 < len(samples(paths[0])) / 8000 <= 1.1


async def test_a_sound_that_is_missing_is_no_hang_up(asterisk):
    found = []

    async def program(call):
        for bad in ("fr/nothing", "../../../../etc/passwd", 'x" y'):
            try:
                await call.say(sound(asterisk, bad))
            except Unplayable:
                found.append("unplayable")
        found.append(await call.say(sound(asterisk, "beep")))

    async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
        await doctor.dial("610").ended
    assert found == ["unplayable"] * 3 + [""]


# --- Wardline is not there


async def test_without_wardline_a_caller_hears_what_to_do(asterisk):
    async with phone(asterisk, "201") as doctor:
        asterisk.console("dialplan set global GW_BEAT 0")
        french, english = doctor.dial("610"), doctor.dial("611")
        assert await hears(french, "fr/absent") < 1.0
        await hears(english, "en/absent")


async def test_a_program_that_fails_leaves_the_caller_to_the_fallback(asterisk):
    async def program(call):
        raise ZeroDivisionError

    async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
        await hears(doctor.dial("610"), "fr/absent")


async def test_an_ill_wardline_takes_no_calls(asterisk):
    asterisk.console("dialplan set global GW_BEAT 0")
    asked = []

    async def program(call):
        asked.append(call)

    ill = lambda: fail(OSError("the disk is gone"))  # noqa: E731
    async with telephony(asterisk, program, alive=ill), phone(asterisk, "201") as doctor:
        await hears(doctor.dial("610"), "fr/absent")
    assert not asked


async def test_a_wardline_that_hangs_is_left_in_the_end(asterisk):
    stuck = Deferred()

    async def program(call):
        await stuck

    longest = asterisk.settings.longest
    asterisk.settings = asterisk.settings.model_copy(update={"longest": 1.0})
    asterisk.write()
    asterisk.console("dialplan reload")
    try:
        async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
            assert await hears(doctor.dial("610"), "fr/absent") > 0.8
            stuck.callback(None)
    finally:
        asterisk.settings = asterisk.settings.model_copy(update={"longest": longest})
        asterisk.write()
        asterisk.console("dialplan reload")


# --- calls that Wardline places


async def test_one_who_answers_talks_to_the_program_of_its_token(asterisk):
    keyed = []

    async def program(call):
        keyed.append((call.token, call.dialled, await call.ask(digits=1)))

    async with telephony(asterisk, program) as service, phone(asterisk, "201") as ward:
        rung = ward.rung()
        placed = await service.phone.call("201", "result-7_A")
        call = await rung
        assert await placed.answered()
        await pause(0.6)
        await call.press("1")
        outcome = await placed.outcome()
    assert keyed == [("result-7_A", "201", "1")]
    assert (outcome.ending, outcome.rang) == (Ending.DONE, True)
    assert 0.5 < outcome.seconds < 5.0


async def test_one_who_hangs_up_early_is_told_apart(asterisk):
    async def program(call):
        await call.ask(sound(asterisk, "fr/absent"), digits=4)

    async with telephony(asterisk, program) as service, phone(asterisk, "201") as ward:
        rung = ward.rung()
        placed = await service.phone.call("201", "t1")
        call = await rung
        assert await placed.answered()
        await pause(0.3)
        call.hang_up()
        outcome = await placed.outcome()
    assert outcome.ending is Ending.EARLY


@pytest.mark.parametrize(
    ("conduct", "ending"),
    [
        (486, Ending.BUSY),
        (600, Ending.BUSY),
        (603, Ending.REJECTED),
        (403, Ending.REJECTED),
        (404, Ending.REJECTED),
        (480, Ending.UNREACHABLE),
        (500, Ending.CONGESTION),
        (503, Ending.CONGESTION),
        ("ring", Ending.NO_ANSWER),
        ("ignore", Ending.UNREACHABLE),
    ],
)
async def test_every_way_not_to_answer_has_its_name(asterisk, conduct, ending):
    async with telephony(asterisk) as service, phone(asterisk, "202") as ward:
        ward.conduct = conduct
        placed = await service.phone.call("202", "t1", timeout=1)
        assert not await placed.answered()
        outcome = await placed.outcome()
        assert outcome.ending is ending
        assert outcome.rang == (conduct == "ring")
        assert outcome.sip == (conduct if isinstance(conduct, int) else 0)
        assert service.phone.calls == 0


async def test_a_telephone_that_is_not_there_is_known_at_once(asterisk):
    async with telephony(asterisk) as service:
        began = reactor.seconds()
        placed = await service.phone.call("208", "t1", timeout=20)
        outcome = await placed.outcome()
        assert outcome.ending is Ending.UNREACHABLE
        assert reactor.seconds() - began < 5.0


async def test_a_call_that_is_not_needed_any_more_is_ended(asterisk):
    async with telephony(asterisk) as service, phone(asterisk, "202") as ward:
        ward.conduct = "ring"
        rung = ward.rung()
        placed = await service.phone.call("202", "t1", timeout=20)
        call = await rung
        await placed.hang_up()
        await call.ended
        assert (await placed.outcome()).ending is Ending.NO_ANSWER


async def test_no_number_outside_the_directory_is_dialled(asterisk):
    async with telephony(asterisk) as service, phone(asterisk, CANARY) as canary:
        service.phone._numbers = lambda context: {CANARY, "0899123456", "201"}
        for number in (
            "0899123456",
            "+33123456789",
            "0033123456789",
            "201@trunk",
            "201&PJSIP/209",
            "",
        ):
            with pytest.raises(PermanentFailure):
                await service.phone.call(number, "t1")
        # Even where our own directory is wrong, Asterisk's knows better.
        placed = await service.phone.call(CANARY, "t2")
        assert (await placed.outcome()).ending is Ending.REJECTED
        await pause(0.3)
        assert canary.calls == []


async def test_caps_hold(asterisk):
    async with (
        telephony(asterisk, concurrent=1, per_hour=2) as service,
        phone(asterisk, "203") as ward,
    ):
        ward.conduct = "ring"
        first = await service.phone.call("203", "t1", timeout=20)
        with pytest.raises(TemporaryFailure) as busy:
            await service.phone.call("203", "t2")
        assert busy.value.reasons == ("busy",)
        await first.hang_up()
        await first.outcome()
        second = await service.phone.call("203", "t3", timeout=1)
        await second.outcome()
        with pytest.raises(TemporaryFailure):
            await service.phone.call("203", "t4")


# --- what nobody can do


@pytest.mark.parametrize(
    "name", ["T", "h", "s", "talk", "fax", "receive", "201", "999", "00123456789"]
)
async def test_only_whole_numbers_of_ours_can_be_dialled(asterisk, name):
    async with phone(asterisk, "201") as doctor:
        call = doctor.dial(name)
        await call.ended
        assert call.code == 404


async def test_a_stranger_is_not_let_in(asterisk):
    server = ("127.0.0.1", asterisk.sip_port)
    for number, password in (("201", "wrong"), ("777", SECRET)):
        one = Phone(reactor, number, password=password, server=server).open()
        with pytest.raises(NotLetIn, match="401"):
            await one.register()
        call = one.dial("610")
        await call.ended
        assert call.code == 401
        await one.close()


HOSTILE = [
    "Bob\u2028Uniqueid: x\u2028Token: spoof\u2028Done: 1",
    "${SHELL(touch /tmp/pwned)}",
    'x\\" , Ack: yes,Job: SPOOF',
    "$[1+1]|0899123456&PJSIP/209",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_callers_name_makes_asterisk_do_nothing(asterisk, name):
    calls = []

    async def program(call):
        calls.append(call)

    async with (
        telephony(asterisk, program) as service,
        phone(asterisk, "201", name=name) as doctor,
        phone(asterisk, CANARY) as canary,
    ):
        heard = listen(service)
        call = doctor.dial("610")
        await call.ended
        await until(lambda: any(e.name == "Hangup" for e in heard))
        assert canary.calls == []
    assert calls[0].caller == "201"
    assert calls[0].token == ""
    for event in heard:
        assert event["Uniqueid"] != "x"
        assert event["Token"] == ""
        assert "Job" not in event.fields
        assert "Ack" not in event.fields


async def test_the_gateways_own_user_can_do_no_more_than_it_must(asterisk):
    async with telephony(asterisk) as service:
        for action, headers in (
            ("Command", {"Command": "core show version"}),
            ("GetConfig", {"Filename": "manager.conf"}),
            ("UserEvent", {"UserEvent": "x"}),
            ("ModuleLoad", {"LoadType": "load", "Module": "app_system.so"}),
            ("DBGet", {"Family": "registrar", "Key": "x"}),
            (
                "Originate",
                {"Channel": "Local/201@wardline-dial", "Application": "System", "Data": "id"},
            ),
        ):
            with pytest.raises(Refused):
                await service.link.ask(action, headers)


async def test_what_people_key_stands_in_no_log(asterisk):
    async def program(call):
        await call.ask(digits=6)

    async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
        call = doctor.dial("610")
        assert await call.answered
        await pause(0.4)
        await call.press("735194")
        await call.ended
    written = "".join(
        p.read_text("utf-8", "replace") for p in (asterisk.folder / "log").iterdir() if p.is_file()
    )
    assert "security" in str(list((asterisk.folder / "log").iterdir()))
    assert "735194" not in written + (asterisk.folder / "output").read_text("utf-8", "replace")


# --- the link


async def test_a_call_outlives_the_link_and_is_found_again(asterisk):
    async def program(call):
        await call.ask(digits=1)

    async with telephony(asterisk, program) as service, phone(asterisk, "201") as ward:
        rung = ward.rung()
        placed = await service.phone.call("201", "t1")
        call = await rung
        assert await placed.answered()
        heard = listen(service)
        service.link._session.give_up("cut by the test")
        await until(lambda: Event(name="up") in heard and placed.state == "answered")
        assert Event(name="down") in heard
        await call.press("1")
        assert (await placed.outcome()).ending is Ending.DONE
        assert len(ward.calls) == 1


async def test_a_frozen_asterisk_is_noticed_and_forgiven(asterisk):
    async with telephony(asterisk) as service:
        asterisk.freeze()
        try:
            await until(lambda: not service.link.is_up)
            with pytest.raises(TemporaryFailure) as failure:
                await service.phone.call("201", "t1")
            assert failure.value.reasons == ("unreachable",)
        finally:
            asterisk.thaw()
        await until(lambda: service.link.is_up)


async def test_a_call_cut_by_asterisks_death_is_not_made_again(asterisk):
    async with telephony(asterisk) as service, phone(asterisk, "201") as ward:
        ward.conduct = "ring"
        placed = await service.phone.call("201", "t1", timeout=30)
        await until(lambda: placed.state == "ringing")
        await pause(1.5)  # Asterisk writes down who has registered once a second
        asterisk.kill()
        await until(lambda: placed.state == "doubtful")
        asterisk.start()
        with pytest.raises(Uncertain):
            await placed.outcome()
        assert len(ward.calls) == 1
        # The telephone is still known, and callers are taken again without waiting for the next beat.
        ward.conduct = "answer"
        await until(lambda: service.link.is_up)
        again = await service.phone.call("201", "t2")
        assert (await again.outcome()).ending is Ending.DONE
