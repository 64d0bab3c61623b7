"""A ward with a fax: its line is busy or cut, a person or a stranger answers, Wardline dies meanwhile."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from twisted.internet.defer import Deferred

from gateway.alarm import Alarms
from gateway.channels.fax import FaxChannel, Kit, Settings
from gateway.delivery import Step
from gateway.directory import Directory, Ward
from gateway.fax.pages import From, To
from gateway.fax.register import PREFIX, Register
from gateway.fax.sheets import Bundle
from gateway.fax.verdict import Cause, Verdict
from gateway.message import Priority
from gateway.router import Mode, Plan
from printers.slip import Banner
from tests.flow.conftest import LAB, WARDS, Hospital

NUMBER = "0155501001"
TAKES = 20.0  # seconds of one fax
RIGHT = Verdict(cause=None, pages=2, station=NUMBER)
BUSY = Verdict(cause=Cause.BUSY)
VOICE = Verdict(cause=Cause.VOICE)
CUT = Verdict(cause=Cause.PARTIAL, pages=1, station=NUMBER)  # behind the cover, in the sheet
STRANGER = Verdict(cause=Cause.STATION, pages=2, station="0155509999")


class FaxHospital(Hospital):
    """As ever, and a fax in the ward: each call ends as `ends` says, else well."""

    def open(self, **how):
        self.ends, self.rung, self.slips = [], [], []
        self.up = True
        return super().open(**how)

    def wire(self):
        self.printers.pop("cardio-fax", None)
        self.printers |= {"cardio-fax": None}
        card = Ward(code="CARD", name="Cardiologie", devices=("cardio-fax",), fax=NUMBER)
        self.directory = Directory.of(WARDS | {"CARD": card}, lab=LAB, media={"cardio-fax": "fax"})
        self.register = Register(self.store, configured={NUMBER: NUMBER}, now=self.time.now)
        self.do(self.register.load())
        super().wire()

    def _channel(self, name):
        if name != "cardio-fax":
            return super()._channel(name)
        alarms = Alarms(self.store, clock=self.time, accepted=lambda a: self.dispatcher.accepted(a))  # noqa: PLW0108
        kit = Kit(
            line=self, sheets=self, register=self.register, alarm=alarms,
            sender=From(site="Hôpital", code="HEX"), to=To(ward="Cardiologie", number=NUMBER),
        )  # fmt: skip
        return FaxChannel(Settings(name=name, kind="fax"), kit=kit, clock=self.time)

    def _plans(self):
        steps = (Step(by="fax", within=300.0), Step(by="courier"))
        return dict.fromkeys(Priority, Plan(steps=steps, expires=7200.0))

    # --- the line, and the pages

    async def send(self, number, file, *, pages, expected, ecm=True, completes=""):
        self.rung.append(self.clock.seconds())
        end = self.ends.pop(0) if self.ends else RIGHT
        waited = Deferred()
        self.clock.callLater(0.0 if end is BUSY else TAKES, waited.callback, end)
        return await waited

    def busy(self, number):
        return False

    async def bundle(self, slip):
        self.slips.append(slip)
        return Bundle(file=b"", pages=1)

    async def bind(self, cover, bundle, *, first, last):
        return b""

    def banners(self):
        """What stands in large type on each fax that was made."""
        return [" ".join(b.text for b in s.header if isinstance(b, Banner)) for s in self.slips]


@pytest.fixture
def ward():
    hospital = FaxHospital(mode=Mode.DIRECT).open()
    hospital.after(seconds=1)
    yield hospital
    hospital.close()


def test_a_busy_line_is_rung_again_and_the_result_is_no_duplicate(ward):
    ward.ends = [BUSY]
    ward.receives(ward.sample())
    ward.after(seconds=25)
    assert len(ward.rung) == 1

    ward.after(seconds=40)

    assert ward.outcomes() == ["CARD fax delivered"]
    assert 30.0 <= ward.rung[1] - ward.rung[0] < 40.0
    assert not any("DUPLICATA" in words for words in ward.banners())
    assert ward.paper("lab-slip") == []


def test_while_the_line_rests_what_comes_waits_with_it(ward):
    ward.ends = [BUSY]
    ward.receives(ward.sample())
    ward.receives(ward.sample(ipp="70000001"))
    ward.after(seconds=25)
    assert len(ward.rung) == 1

    ward.after(seconds=60)

    assert ward.outcomes() == ["CARD fax delivered"] * 2
    assert len(ward.rung) == 3


def test_what_is_critical_waits_for_no_fax(ward, potassium):
    ward.ends = [VOICE]
    ward.receives(ward.sample(analytes=potassium(6.9, "HH")))
    ward.after(seconds=TAKES + 5)

    assert ward.outcomes() == ["CARD courier delivered"]
    (paper,) = ward.paper("lab-slip")
    assert "COURSIER" in paper
    assert "DUPLICATA" not in paper


def test_a_line_cut_in_the_sheet_is_rung_for_the_rest_then_the_lab_prints_what_may_be_a_second(
    ward,
):
    ward.ends = [CUT, CUT, CUT]
    ward.receives(ward.sample())
    ward.after(seconds=120)

    assert len(ward.rung) == 3
    (paper,) = ward.paper("lab-slip")
    assert "DUPLICATA POSSIBLE" in paper


def test_after_a_stranger_nobody_is_rung_until_a_person_vouches_for_the_machine(ward):
    ward.ends = [STRANGER]
    ward.receives(ward.sample())
    ward.after(seconds=60)
    papers = ward.paper("lab-slip")
    assert any("DUPLICATA POSSIBLE" in paper for paper in papers)
    assert any("NUMÉRO DE FAX SUSPENDU" in paper and "0155509999" in paper for paper in papers)

    ward.receives(ward.sample(ipp="70000001"))
    ward.after(seconds=120)
    assert len(ward.rung) == 1

    entry = ward.register.entry(NUMBER)
    known = replace(entry, station=NUMBER, vouched_at=1.0, vouched_by="lab", stopped=None)
    ward.do(ward.store.remember(PREFIX + NUMBER, asdict(known), at=1.0))
    ward.do(ward.register.load())
    ward.after(seconds=60)
    assert len(ward.rung) == 2
    assert ward.outcomes() == ["CARD courier delivered", "CARD fax delivered"]


def test_without_a_telephone_what_waits_comes_out_at_the_lab_in_time(ward):
    ward.up = False
    ward.after(seconds=20)
    ward.receives(ward.sample())
    ward.after(seconds=310)

    assert ward.rung == []
    assert ward.outcomes() == ["CARD courier delivered"]


def test_a_wardline_that_dies_in_mid_fax_says_on_the_next_that_it_may_be_the_second(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    assert len(ward.rung) == 1

    ward.poller.stopService()
    ward.dispatcher._running = False
    ward.wire()
    ward.after(seconds=60)

    assert "DUPLICATA POSSIBLE" in ward.banners()[-1]
    assert ward.outcomes() == ["CARD fax delivered"]
