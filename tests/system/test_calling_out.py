"""A critical result, a real Asterisk and real telephones: printed, rung, read back by keys, acknowledged."""

from __future__ import annotations

import subprocess
import sys
from contextlib import asynccontextmanager

import numpy as np
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.process import reapAllProcesses
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread

from demo import laboratory as lab
from demo import ringing
from demo.telephone.exchange import free_ports
from demo.telephone.phone import Phone
from gateway.app import assemble
from gateway.asterisk.access import hashed
from gateway.asterisk.files import Numbers
from gateway.config import parse
from gateway.delivery import FINAL
from gateway.inbox import Door
from gateway.router import Mode
from tests.system.asterisk import SECRET, Asterisk
from tests.system.printer import CapturingPrinter
from tests.system.rtp import samples, when_heard

pytestmark = [pytest.mark.system, pytest.mark.patience(120)]

LAB = "203"
ANSWERS, NOBODY, MACHINE, DOCTOR = "201", "204", "205", "202"
CODE, PIN = "4711", "482915"
DOOR = Door(intake="lab", mode=Mode.DIRECT)


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory):
    numbers = Numbers(phones=(ANSWERS, NOBODY, MACHINE, DOCTOR, LAB), lab=LAB)
    one = Asterisk(tmp_path_factory.mktemp("asterisk"), numbers=numbers)
    try:
        yield one.start()
    finally:
        one.close()


@pytest.fixture
def printers():
    all_of_them = {name: CapturingPrinter() for name in ("ward-slip", "lab-slip")}
    yield all_of_them
    for one in all_of_them.values():
        one.close()


def table(asterisk, printers, folder):
    """A site with one ward, one doctor on call and one telephone of each."""
    return {
        "site": {"code": "HEX", "name": "Hôpital Exemple", "data": str(folder / "data")},
        "store": {"url": f"sqlite:///{folder}/wardline.db"},
        "telephony": asterisk.table
        | {"ring": "6s", "texts": True, "speech": {"speed": 260}},
        "devices": [
            {
                "name": name, "kind": "escpos", "model": "TM-T20II",
                "connect": f"tcp:127.0.0.1:{one.port}",
            }
            for name, one in printers.items()
        ],
        "wards": [
            {"code": "CARD", "name": "Cardiologie", "devices": ["ward-slip"], "phone": ANSWERS},
            {"code": "NEURO", "name": "Neurologie", "devices": ["ward-slip"], "phone": NOBODY,
             "roster": "garde"},
            {"code": "ORTH", "name": "Orthopédie", "devices": ["ward-slip"], "phone": MACHINE},
        ],
        "lab": {"devices": ["lab-slip"], "phone": LAB},
        "people": [
            {
                "code": CODE, "name": "Dr Roux", "wards": ["*"], "phone": DOCTOR,
                "pin": hashed(PIN, code=CODE),
            }
        ],
        "rosters": [{"name": "garde", "shifts": [{"person": CODE}]}],
        "plans": {
            "critical": {
                "steps": [{"by": "slip", "within": "10s"}, {"by": "courier"}],
                "calls": [
                    {"by": "call", "to": "ward", "within": "8s"},
                    {"by": "call", "to": "roster", "within": "30s"},
                    {"by": "courier"},
                ],
            }
        },
    }  # fmt: skip


def pause(seconds):
    waited = Deferred()
    reactor.callLater(seconds, waited.callback, None)
    return waited


async def until(fact, *, within=25.0, what="it"):
    end = reactor.seconds() + within
    while not (found := fact()):
        assert reactor.seconds() < end, f"{what} did not happen within {within} s"
        await pause(0.05)
    return found


@asynccontextmanager
async def hospital(asterisk, printers, folder):
    site = parse(table(asterisk, printers, folder), base=asterisk.folder)
    stack = await assemble(reactor, site, on_broken=lambda why: pytest.fail(str(why)))
    await stack.startService()
    parts = {type(s).__name__: s for s in stack}
    house = type("House", (), {})()
    house.telephony = parts["Telephony"]
    house.program = parts["Telephony"].server._program.__self__
    house.store = house.program._store
    house.inbox = house.program._house.hands._inbox
    house.folder = folder
    # The tests' reactor leaves signals alone: ask for children that have ended.
    reaping = LoopingCall(reapAllProcesses)
    reaping.start(0.02)
    try:
        await until(lambda: house.telephony.link.is_up, what="the link to Asterisk")
        await pause(0.3)  # the first beat
        yield house
    finally:
        await stack.stopService()
        reaping.stop()


@asynccontextmanager
async def phone(asterisk, number):
    one = Phone(reactor, number, password=SECRET, server=("127.0.0.1", asterisk.sip_port)).open()
    try:
        yield await one.register()
    finally:
        await one.close()


async def quiet(call, *, within=30.0):
    """Waits until what is being said has ended: something was heard, then nothing for a while."""
    seen = call.voice.packets

    async def silence():
        nonlocal seen
        await until(lambda: call.voice.packets > seen + 5 or call.ended.past, within=within)
        while True:
            seen = call.voice.packets
            await pause(0.6)
            if call.voice.packets == seen:
                return

    await silence()


async def hears_and_acknowledges(call, *, value):
    """The whole conversation of somebody who does all right, at the speed at which it is spoken."""
    await quiet(call)
    await call.press("1")
    await quiet(call)
    await call.press(f"{CODE}#")
    await quiet(call)
    await call.press(f"{PIN}#")
    await quiet(call)  # who, what, how it is acknowledged
    await call.press("1")
    await quiet(call)
    await call.press(f"{value}#")
    await quiet(call)


def spoken(folder):
    """Every sound that the engine made in this house."""
    return {path: samples(path) for path in (folder / "data" / "speech").rglob("*.wav")}


def critical(control_id, ward):
    found = lab.result(control_id, lab.ELOISE, lab.potassium("6.8", "HH"))
    return found.replace(b"CARD", ward.encode()).replace(b"69102274", control_id.encode())


async def reads_back(house, phone, printers):
    """Printed, rung, read back by keys, acknowledged; then nobody is rung any more."""
    rung = phone.rung()
    accepted = await house.inbox.accept(critical("T1", "CARD"), door=DOOR, peer="test")
    call = await rung
    await hears_and_acknowledges(call, value="6*8")
    await until(lambda: call.ended.past, what="the end of the call")
    said = await house.store.acknowledgements([accepted.message_id])
    (record,) = [a for a in said if a.accepted]
    assert (record.person, record.via, record.read_back) == (CODE, "call", "ok")
    assert record.keyed == ("6*8",)
    assert "six virgule huit" in record.conveyed
    fates = await house.store.fates(accepted.message_id)
    assert all(fate.delivery.state in FINAL for fate in fates), "nobody is rung any more"
    assert len(phone.calls) == 1
    assert "Cardiologie" in phone.texts[0]
    assert "VASSEUR" not in phone.texts[0].upper()
    assert any("6.8" in slip.text or "6,8" in slip.text for slip in printers["ward-slip"].slips)
    return call


async def climbs(house, phone, doctor, printers):
    """Unanswered, it goes to who is on call, and at the end comes out at the laboratory."""
    phone.conduct = doctor.conduct = "ring"
    rung = doctor.rung()
    await house.inbox.accept(critical("T2", "NEURO"), door=DOOR, peer="test")
    await rung
    assert phone.calls, "the ward first"
    await until(
        lambda: any("Neurologie" in s.text for s in printers["lab-slip"].slips),
        within=60.0,
        what="a courier slip",
    )
    assert any("COURSIER" in s.text for s in printers["lab-slip"].slips)


async def machine(house, phone):
    """An answering machine hears no patient, and does not count."""
    rung = phone.rung()
    accepted = await house.inbox.accept(critical("T3", "ORTH"), door=DOOR, peer="test")
    call = await rung
    await until(lambda: call.ended.past, within=60.0, what="the end of the call")
    await pause(0.5)
    attempts = [a.detail for f in await house.store.fates(accepted.message_id) for a in f.attempts]
    assert "nobody pressed a key" in attempts
    assert await house.store.acknowledgements([accepted.message_id]) == []
    return call


# --- Wardline dies


def site_file(table, folder):
    lists = {k: v for k, v in table.items() if isinstance(v, list)}
    tables = (ringing._toml(k, v) for k, v in table.items() if isinstance(v, dict))
    text = "".join(f"{k} = {ringing._value(v)}\n" for k, v in lists.items()) + "\n".join(tables)
    path = folder / "site.toml"
    path.write_text(text, "utf-8")
    return path


class Wardline:
    """The service as a process of its own, to be killed."""

    def __init__(self, asterisk, printers, folder):
        (self.port,) = free_ports(1)
        site = table(asterisk, printers, folder)
        site["telephony"] |= {"ring": "60s"}
        intake = {"name": "lab", "kind": "mllp", "mode": "direct",
                  "listen": f"tcp:{self.port}:interface=127.0.0.1"}  # fmt: skip
        self.config = site_file(site | {"intakes": [intake]}, folder)
        self.log = folder / "log"

    async def start(self):
        begun = self._ups()
        self._begin()
        await until(lambda: self._ups() > begun, what="the link")
        await pause(0.3)  # the first beat
        return self

    def _ups(self):
        return self.log.read_text("utf-8").count("asterisk.up") if self.log.exists() else 0

    def _begin(self):
        words = [sys.executable, "-m", "gateway.cli", "run", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    async def receives(self, raw, folder):
        file = folder / "result.hl7"
        file.write_bytes(raw)
        words = [sys.executable, "-m", "gateway.cli", "send", str(file), "--to"]
        await deferToThread(
            subprocess.run, [*words, f"tcp:127.0.0.1:{self.port}"], check=True, capture_output=True
        )


async def test_killed_while_it_rings_wardline_rings_again_only_when_the_first_call_is_over(
    asterisk, printers, tmp_path
):
    wardline = await Wardline(asterisk, printers, tmp_path).start()
    try:
        async with phone(asterisk, ANSWERS) as ward:
            ward.conduct = "ring"
            rung = ward.rung()
            await wardline.receives(critical("K1", "CARD"), tmp_path)
            first = await rung
            wardline.kill()
            await pause(1.0)
            assert not first.ended.past, "Asterisk rings on by itself"

            ward.conduct, rung = "answer", ward.rung()
            await wardline.start()
            await rung
            assert first.ended.past, "one telephone, two calls at once"
            assert len(ward.calls) == 2
    finally:
        wardline.kill()


async def test_one_critical_result_is_had_one_climbs_and_a_machine_hears_nothing(
    asterisk, printers, tmp_path
):
    async with (
        hospital(asterisk, printers, tmp_path) as house,
        phone(asterisk, ANSWERS) as ward,
        phone(asterisk, NOBODY) as nobody,
        phone(asterisk, MACHINE) as tape,
        phone(asterisk, DOCTOR) as doctor,
    ):
        had, _, taped = await gatherResults(
            [
                Deferred.fromCoroutine(reads_back(house, ward, printers)),
                Deferred.fromCoroutine(climbs(house, nobody, doctor, printers)),
                Deferred.fromCoroutine(machine(house, tape)),
            ],
            consumeErrors=True,
        )
        waiting = await house.store.unacknowledged(since=0.0)

    assert {stored.control_id for stored in waiting} == {"T2", "T3"}
    sounds = spoken(tmp_path)
    known = {p: when_heard(had.heard, sound) is not None for p, sound in sounds.items()}
    taped_too = {p: when_heard(taped.heard, sound) is not None for p, sound in sounds.items()}
    # Hello, who, what, how to acknowledge, which value to key, thanks; a machine only hello and "press 1".
    assert sum(known.values()) >= 9, f"{sum(known.values())} of {len(sounds)}"
    assert 1 <= sum(taped_too.values()) <= 3
    level = np.abs(np.asarray(had.heard, int))
    assert 2_000 < np.percentile(level[level > 50], 99) < 32_767, "neither silent nor clipped"
