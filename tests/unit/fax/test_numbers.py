"""Which number a fax dials, and the site's files that would send one astray."""

from __future__ import annotations

from types import SimpleNamespace as Table

import pytest

from gateway.fax.numbers import faults, number, numbers

WARDS = [
    Table(code="CARD", devices=("slip", "fax"), fax="0155501001"),
    Table(code="NEURO", devices=("other",), fax=""),
]


def device(name="fax", *, number=None, kind="fax"):
    return Table(name=name, kind=kind, number=number)


def line(number="4301", ward="CARD"):
    return Table(number=number, ward=ward)


def test_a_fax_dials_its_own_number_else_its_wards():
    assert number(device(), WARDS) == "0155501001"
    assert number(device(number="4444"), WARDS) == "4444"
    assert number(device("other"), WARDS) == ""
    assert numbers([device(), device("other"), device("x", kind="ipp")], WARDS) == ("0155501001",)


def test_a_site_in_order_has_no_fault():
    assert list(faults([device()], WARDS, lines=[line()])) == []


@pytest.mark.parametrize(
    ("devices", "wards", "lines", "fault"),
    [
        ([device()], WARDS, None, "without a [telephony]"),
        ([device("other")], WARDS, [], "no ward whose device it is"),
        ([device(number="4301")], WARDS, [line()], "answered by Wardline itself"),
        ([device(number="610")], WARDS, [], "answered by Wardline itself"),
        ([], WARDS, [line(ward="XXX")], 'no ward "XXX"'),
        ([], [Table(code="CARD", devices=(), fax="01 55 50")], [], "2 to 15 digits"),
    ],
)
def test_what_would_go_astray_is_a_fault(devices, wards, lines, fault):
    found = list(faults(devices, wards, lines=lines, ours=["610"]))

    assert len(found) == 1
    assert fault in found[0]
