import pytest

from gateway.hl7.limits import Limits, Range, judge, measure
from gateway.message import Flag

POTASSIUM = Range(low=2.8, high=6.2)
LOW, HIGH, NONE = Flag.CRITICAL_LOW, Flag.CRITICAL_HIGH, Flag.NONE


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        ("6.9", HIGH),
        ("6,9", HIGH),
        (" 6.9 ", HIGH),
        ("6.2", HIGH),
        ("6.19", NONE),
        ("2.8", LOW),
        ("2,79", LOW),
        ("2.81", NONE),
        ("4", NONE),
        ("-1", LOW),
        (",5", LOW),
        ("> 6.2", HIGH),
        (">= 8", HIGH),
        ("≥8", HIGH),
        ("<2.0", LOW),
        ("≤ 2", LOW),
        ("<5", NONE),  # may be anything below
        (">5", NONE),
        ("<7", NONE),
        (">2", NONE),
        ("1 200", HIGH),
        ("1\u202f200,5", HIGH),
        ("6.9 mmol/L", NONE),
        ("hémolysé", NONE),
        ("1:128", NONE),
        ("6.9.1", NONE),
        ("", NONE),
        (">", NONE),
        ("9" * 500, NONE),
    ],
)
def test_only_what_is_certain_is_critical(value, flag):
    assert judge(value, POTASSIUM) is flag


def test_a_limit_may_have_one_side():
    assert judge("900", Range(low=1)) is NONE
    assert judge("0", Range(high=1)) is NONE
    assert judge("0", Range(low=0)) is LOW


def test_numbers_with_blanks_between_thousands():
    assert measure("1 234 567") == ("", 1234567.0)
    assert measure("12 34") is None


def test_an_analyte_is_found_by_either_of_its_codes():
    limits = Limits(ranges={"2823-3": POTASSIUM})
    assert limits.of("K", "2823-3") is POTASSIUM
    assert limits.of("2823-3", "") is POTASSIUM
    assert limits.of("K", "") is None
    assert Limits(ranges={"": POTASSIUM}).of("", "") is None
