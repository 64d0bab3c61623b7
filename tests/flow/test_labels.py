"""Orders whose tubes want labels: in an outage they come out beside the order, never in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.channels import zpl
from gateway.clock import ReactorClock
from gateway.delivery import Step
from gateway.directory import Directory
from gateway.store.sqlite import SqliteStore
from printers.virtual import VirtualPrinter
from tests.flow.conftest import LAB, START, WARDS, Hospital
from tests.flow.exchange import Exchange
from tests.unit.labels.fake import LabelPrinter

ORDER = (
    "MSH|^~\\&|DPI|HEX|LAB|HEX|20240803110000||OML^O21^OML_O21|{id}|P|2.5.1\r"
    "PID|1||69102274^^^HEX^PI||LEFEBVRE^Zoé||19610312|F\r"
    "PV1|1|I|CARD^12^1\r"
    "ORC|{control}|26-000123-1\r"
    "OBR|1|26-000123-1||24323-8^Bilan^LN|||||||||||Sang total\r"
    "ORC|{control}|26-000123-2\r"
    "OBR|2|26-000123-2||718-7^NFS^LN|||||||||||Sang EDTA\r"
)


class Tubes(Hospital):
    """CARD has a label printer besides."""

    def open(self):
        self.time = ReactorClock(self.clock, wall=START + self.clock.seconds())
        self.store = SqliteStore(":memory:", reactor=self.clock, inline=True)
        wards = {**WARDS, "CARD": replace(WARDS["CARD"], devices=("cardio-slip", "tubes"))}
        self.directory = Directory.of(wards, lab=LAB, media={"tubes": "label"})
        self.exchange = Exchange(self.clock)
        self.printers = {
            name: VirtualPrinter(self.clock, name=name)
            for name in ("cardio-slip", "neuro-slip", "lab-slip")
        }
        self.printers["tubes"] = LabelPrinter(self.clock)
        self.wire()
        self.inbox._labels = (Step(by="label", within=60.0), Step(by="slip"))
        return self

    def _channel(self, name):
        if name != "tubes":
            return super()._channel(name)
        settings = zpl.Settings(name=name, kind="zpl", connect="tcp:127.0.0.1:1")
        return zpl.ZplChannel(
            settings, reactor=self.clock, clock=self.time, endpoint=self.printers[name].endpoint()
        )

    def orders(self, *, control="NW"):
        number = f"A{next(self.numbers):05d}"
        return self.receives(ORDER.format(id=number, control=control).encode())

    @property
    def labels(self):
        return self.printers["tubes"].printed


@pytest.fixture
def ward():
    hospital = Tubes().open()
    yield hospital
    hospital.close()


def test_while_the_platform_takes_orders_no_label_is_printed(ward):
    ward.orders()
    ward.after(seconds=5)
    assert ward.labels == []


def test_in_an_outage_every_tube_has_its_label_beside_the_order(ward):
    ward.link.mood = "dead"
    assert ward.orders() == "AA"
    ward.after(seconds=10)
    assert len(ward.labels) == 2
    assert b"LEFEBVRE Zo_C3_A9" in ward.labels[0]
    assert b"26_2D000123_2D1" in ward.labels[0]
    assert b"26_2D000123_2D2" in ward.labels[1]
    assert len(ward.paper()) == 1
    assert "CARD label delivered" in ward.outcomes()


def test_labels_that_cannot_be_printed_come_out_on_a_slip(ward):
    ward.link.mood = "dead"
    ward.printers["tubes"].trouble.add("paper")
    ward.orders()
    ward.after(seconds=75)
    assert ward.labels == []
    assert len(ward.paper()) == 2
    assert any("26-000123-2" in text and "LEFEBVRE" in text for text in ward.paper())
    assert "CARD slip delivered" in ward.outcomes()


def test_a_cancelled_order_prints_no_label(ward):
    ward.link.mood = "dead"
    ward.orders(control="CA")
    ward.after(seconds=10)
    assert ward.labels == []
    assert len(ward.paper()) == 1


def test_a_label_that_may_have_come_out_says_so_on_the_next(ward):
    ward.link.mood = "dead"
    ward.printers["tubes"].cut_at = 400
    ward.orders()
    ward.after(seconds=10)
    assert ward.labels == []
    slips = [text for text in ward.paper() if "26-000123-2" in text]
    assert any("DUPLICATA POSSIBLE" in text for text in slips)
