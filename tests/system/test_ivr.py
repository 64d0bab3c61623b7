"""Real calls to the menus, through a real Asterisk and a real engine: what is heard is what the slip says."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import asynccontextmanager
from functools import partial

import pytest
from twisted.internet import reactor
from twisted.internet.process import reapAllProcesses
from twisted.internet.task import LoopingCall

from gateway import render
from gateway.alarm import Alarms
from gateway.asterisk.access import Access
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.menu import answer
from gateway.asterisk.ivr.notify import Batch, Ending, notify
from gateway.asterisk.speech import number, recordings
from gateway.asterisk.speech.engine import Engine
from gateway.asterisk.speech.lexicon import built_in
from gateway.asterisk.speech.settings import SpeechSettings
from gateway.asterisk.speech.voice import Voice
from gateway.clock import ReactorClock
from gateway.delivery import Purpose, Step
from gateway.directory import Directory
from gateway.formats import Formats, Kit
from gateway.hands import HouseHands
from gateway.hl7 import Limits
from gateway.inbox import Door, Inbox
from gateway.message import Priority
from gateway.router import Mode, Plan
from gateway.service import in_thread
from gateway.store.sqlite import SqliteStore
from printers import code
from printers.slip import Row
from tests.flow.conftest import LAB, WARDS, Sample
from tests.flow.telephone import LAB as NOIR
from tests.flow.telephone import LOGIN, PETIT, ROUX
from tests.system.asterisk import Asterisk
from tests.system.rtp import likeness, samples, when_heard
from tests.system.test_telephone import pause, phone, telephony
from tests.unit.render.samples import context

pytestmark = [pytest.mark.system, pytest.mark.patience(120)]

FAST = 380  # words a minute: the machine listens
LEXICON = built_in("fr")
CRITICAL = Sample("A1", analytes=(("2823-3^Potassium", "6.8", "mmol/L", "HH"),))


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory):
    if shutil.which("espeak-ng") is None:
        done = subprocess.run(["tools/packages", "espeak-ng"], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(done.stderr.strip().splitlines()[-1])
    one = Asterisk(tmp_path_factory.mktemp("ivr"))
    try:
        yield one.start()
    finally:
        one.close()


class Listening(Voice):
    """Remembers what it was asked to say: the transcript of a call."""

    said: list[str]

    async def say(self, text, language, *, slowly=False):
        made = await super().say(text, language, slowly=slowly)
        self.transcript.append((number.worded(LEXICON, text), made.prompts))
        return made


class Ear:
    """One telephone's receiver, beside the transcript."""

    def __init__(self, call, voice):
        self.call, self.voice, self.at = call, voice, 0

    async def asked(self, *words):
        """Waits until Wardline begins to say all of `words` in one prompt, then a moment."""
        await self._until(lambda text, prompts: _holds(text, words), "asked", words)
        await pause(0.25)

    async def keys(self, pressed):
        """Only what is said from now on answers them."""
        self.at = len(self.voice.transcript)
        await self.call.press(pressed)

    async def hears(self, *words):
        """Waits until the caller hears the beginning of a prompt that holds all of `words`."""
        await self._until(
            lambda text, prompts: _holds(text, words) and self.heard(prompts), "heard", words
        )

    async def _until(self, found, how, words, *, within=25.0):
        end = reactor.seconds() + within
        while not any(found(*said) for said in self.voice.transcript[self.at :]):
            assert reactor.seconds() < end, f"not {how}: {words}\n{self.account()}"
            await pause(0.1)

    def account(self):
        """Everything that was said, and how surely it was heard: for a failure's text."""
        return "\n".join(
            f"{likeness(self.call.heard, samples(f'{prompts[0]}.wav'), longest=1.0)} {text}"
            for text, prompts in self.voice.transcript
        )

    def heard(self, prompts):
        """Whether the first of them was really heard, by its sound."""
        return when_heard(self.call.heard, samples(f"{prompts[0]}.wav"), longest=1.0) is not None

    def transcript(self):
        """Every text whose sound was really heard."""
        return [text for text, prompts in self.voice.transcript if self.heard(prompts)]


def _holds(text, words):
    return all(word.lower() in text.lower() for word in words)


async def logs_in(ear):
    code_, pin, _ = LOGIN.split("#")
    await ear.asked("votre code personnel")
    await ear.keys(f"{code_}#")
    await ear.asked("votre code secret")
    await ear.keys(f"{pin}#")


@asynccontextmanager
async def house(asterisk, folder):
    """A small hospital with a store on disk, a real voice, and nobody to print."""
    clock = ReactorClock(reactor)
    store = SqliteStore(folder / "wardline.db", reactor=reactor)
    people = {p.code: p for p in (ROUX, NOIR, PETIT)}
    directory = Directory.of(WARDS, lab=LAB, people=people)
    steps = (Step(by="slip", within=60.0), Step(by="courier"))
    calls = (Step(by="call", within=60.0, to="ward"), Step(by="courier"))
    plans = {p: Plan(steps=steps, expires=7200.0, calls=calls) for p in Priority}
    accepted = []
    inbox = Inbox(
        store, directory, plans=plans, limits=Limits(ranges={}), clock=clock,
        on_deliveries=accepted.append,
    )  # fmt: skip
    tell = Alarms(store, clock=clock, accepted=accepted.append)
    settings = SpeechSettings(speed=FAST)
    voice = Listening(
        settings, Engine(settings, reactor=reactor), lexicons={"fr": LEXICON},
        recordings={"fr": recordings.read("fr", recordings.HOME)}, cache=folder / "speech",
        now=clock.now, aside=in_thread(reactor),
    )  # fmt: skip
    voice.transcript = []
    access = Access(people, store=store, clock=clock, aside=in_thread(reactor))
    await access.open()

    async def corrections(stored, message):
        return {}

    asking = LoopingCall(reapAllProcesses)  # the tests' reactor hears of no process that ends
    asking.start(0.02)
    made = House(
        store=store, directory=directory, voice=voice, access=access,
        hands=HouseHands(
            store, directory, inbox=inbox, alarms=tell, clock=clock, accepted=accepted.append,
            listen=lambda: pause(0), sounds=folder / "speech", aside=in_thread(reactor),
        ),
        clock=clock, lexicons={"fr": LEXICON}, read=Formats(kit=Kit(reactor=reactor)).read,
        corrections=corrections, zone="Europe/Paris",
    )  # fmt: skip
    door = Door(intake="lab", mode=Mode.DIRECT)
    try:
        taken = await inbox.accept(CRITICAL.raw, door=door, peer="test")
        yield made, taken
    finally:
        asking.stop()
        await store.close()


async def test_a_clinician_dials_in_and_hears_what_is_on_the_slip(asterisk, tmp_path):
    async with house(asterisk, tmp_path) as (made, taken):
        program = partial(answer, house=made)
        async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
            call = doctor.dial("610")
            assert await call.answered
            ear = Ear(call, made.voice)
            await ear.hears("Wardline, résultats du laboratoire")
            await logs_in(ear)
            await ear.asked("Résultats d'un patient")
            await ear.keys("1")
            await ear.asked("le code de la fiche")
            await ear.keys("69102274#")
            await ear.hears("Lefèbvre Éloïse", "vingt-deux avril mille neuf cent cinquante-trois")
            assert not any("potassium" in text for text, _ in made.voice.transcript)
            await ear.keys("1")
            await ear.hears("potassium: six virgule huit")
            await ear.hears("Pour accuser réception")
            await ear.keys("1")
            await ear.asked("Tapez la valeur de potassium")
            await ear.keys("6*8#")
            await ear.hears("C'est noté")
            heard = " ".join(ear.transcript())
            call.hang_up()
            await pause(0.3)

        stored = await made.store.content(taken.message_id)
        slip = render.render(made.read(stored), context())
        (row,) = [block for block in slip.body if isinstance(block, Row)]
        assert row.name.lower() in heard
        assert number.number(LEXICON, row.value) in heard
        assert "millimoles par litre" in heard
        assert row.unit == "mmol/L"
        assert "valeur critique haute" in heard
        (said,) = await made.store.acknowledgements([taken.message_id])
        assert (said.accepted, said.person, said.read_back, said.keyed) == (
            True, "4711", "ok", ("6*8",),
        )  # fmt: skip
        pins = (asterisk.folder / "log" / "messages").read_text("utf-8", "replace")
        assert "271828" not in pins


async def test_who_is_rung_hears_no_patient_before_a_code_and_a_machine_hears_none(
    asterisk, tmp_path
):
    async with house(asterisk, tmp_path) as (made, taken):
        (row,) = [d for d in taken.deliveries if d.purpose is Purpose.CALL]
        batch = Batch(ward="CARD", deliveries=(row,))
        outcomes = []

        async def program(call):
            outcomes.append(await notify(call, batch, house=made))

        async with telephony(asterisk, program) as service, phone(asterisk, "202") as ward:
            rung = ward.rung()
            machine = await service.phone.call("202", "machine")
            call = await rung
            assert await machine.answered()
            ear = Ear(call, made.voice)
            await ear.hears("Résultat urgent, service Cardiologie")
            await pause(1.0)
            call.hang_up()
            await machine.outcome()
            await pause(0.3)
            assert not any("Lefèbvre" in text for text, _ in made.voice.transcript)
            assert [o.ending for o in outcomes] == [Ending.NOBODY]

            made.voice.transcript.clear()
            rung = ward.rung()
            person = await service.phone.call("202", "person")
            call = await rung
            assert await person.answered()
            ear = Ear(call, made.voice)
            await ear.hears("Résultat urgent, service Cardiologie")
            await ear.keys("1")
            await logs_in(ear)
            await ear.hears("potassium: six virgule huit")
            await ear.asked("Pour accuser réception")
            await ear.keys("1")
            await ear.asked("Tapez la valeur")
            await ear.keys("8*6#")
            await ear.hears("ce n'est pas la valeur")
            await ear.keys("6*8#")
            await ear.hears("C'est noté")
            await person.outcome()
        assert outcomes[-1].ending is Ending.ACKNOWLEDGED
        assert outcomes[-1].acknowledged == (row.id,)
        (said,) = await made.store.acknowledgements([taken.message_id])
        assert (said.accepted, said.read_back, said.keyed) == (True, "ok", ("8*6", "6*8"))
        assert code.check(code.canonical(row.id)) == row.id


async def test_an_order_is_dictated_and_its_sound_is_what_was_said(asterisk, tmp_path):
    async with house(asterisk, tmp_path) as (made, _taken):
        program = partial(answer, house=made)
        async with telephony(asterisk, program), phone(asterisk, "201") as doctor:
            call = doctor.dial("610")
            assert await call.answered
            ear = Ear(call, made.voice)
            await logs_in(ear)
            await ear.asked("Résultats d'un patient")
            await ear.keys("4")
            await ear.asked("Pour le laboratoire")
            await ear.keys("1")
            await ear.asked("Dites le patient")
            await pause(5.0)  # the prompt, the tone, and something to record
            await ear.keys("#")
            await ear.asked("Pour envoyer")
            await ear.keys("1")
            await ear.asked("Votre demande est conservée")
            call.hang_up()
            await pause(0.3)
        kept = [m for m in await _messages(made) if m.format == "dictation"]
        assert len(kept) == 1
        spoken = await made.hands.dictated(kept[0].id)
        assert spoken is not None
        assert len(samples(f"{spoken[1]}.wav")) > 4000


async def _messages(made):
    open_ = await made.store.open_deliveries()
    return [await made.store.content(d.message_id) for d in open_]
