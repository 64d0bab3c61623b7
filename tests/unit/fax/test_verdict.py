"""How a fax went: the table of causes, and whose machine it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asterisk.role import Ending
from gateway.fax.station import same
from gateway.fax.verdict import Cause, judge, unanswered
from gateway.fax.words import sent

TOKEN = "0f" * 16
# What Asterisk 22.10 says, as measured.
ARRIVED = {"Status": "SUCCESS", "Error": "HANGUP", "Pages": "2", "Resolution": "8031x7700"}
VOICE = {
    "Status": "FAILED",
    "Error": "The call dropped prematurely",
    "Pages": "0",
    "Resolution": "0x0",
}
CUT = VOICE | {"Resolution": "8031x7700"}
NEVER_BEGAN = {"Status": "FAILED", "Error": "T38_NEG_ERROR", "Pages": "0", "Resolution": ""}
OURS, OTHER = "+33 1 55 50 10 01", "0155509999"


def told(fields, station=OURS):
    return sent({"Token": TOKEN, "Remote": station} | fields)


@pytest.mark.parametrize(
    ("fields", "station", "cause"),
    [
        (ARRIVED, OURS, None),
        (ARRIVED | {"Error": ""}, "0155501001", None),  # the same number, written otherwise
        (ARRIVED, OTHER, Cause.STATION),
        (ARRIVED, "", Cause.STATION),  # pages taken by a machine that says no name
        (ARRIVED | {"Pages": "1"}, OURS, Cause.PARTIAL),
        (ARRIVED | {"Pages": "3"}, OURS, Cause.PARTIAL),  # more than were sent: nobody knows
        (ARRIVED | {"Pages": "0"}, OURS, Cause.CUT),  # "done" with no page is not done
        (ARRIVED | {"Status": "FAILED"}, OURS, Cause.PARTIAL),
        (CUT, OURS, Cause.CUT),
        (CUT, OTHER, Cause.STATION),
        (CUT, "", Cause.CUT),
        (VOICE, "", Cause.VOICE),
        (VOICE, OURS, Cause.NEGOTIATION),
        (NEVER_BEGAN, "", Cause.VOICE),
        ({}, "", Cause.VOICE),
    ],
)
def test_pages_and_station_decide_and_never_an_errors_text(fields, station, cause):
    assert judge(told(fields, station), pages=2, expected="0155501001").cause is cause


def test_a_first_test_takes_any_station_and_says_which():
    verdict = judge(told(ARRIVED, OTHER), pages=2, expected=None)

    assert verdict.arrived
    assert verdict.station == OTHER


@pytest.mark.parametrize(
    ("ending", "cause"),
    [
        (Ending.BUSY, Cause.BUSY),
        (Ending.NO_ANSWER, Cause.NO_ANSWER),
        (Ending.REJECTED, Cause.REJECTED),
        (Ending.CONGESTION, Cause.CONGESTION),
        (Ending.UNREACHABLE, Cause.UNREACHABLE),
    ],
)
def test_what_nobody_took_is_told_apart(ending, cause):
    assert unanswered(ending).cause is cause


@pytest.mark.parametrize(
    ("answered", "expected", "right"),
    [
        ("+33155501001", "0155501001", True),
        ("0033 1 55 50 10 01", "01.55.50.10.01", True),
        ("4301", "4301", True),
        ("4301", "4302", False),
        ("155501001", "0155501001", True),
        ("+33155501002", "0155501001", False),
        ("4301", "0155504301", False),  # an extension is not a subscriber
        ("CARDIOLOGIE", "Cardiologie ", True),
        ("", "0155501001", False),
        ("", "", True),
        ("   ", "", True),
        ("0155501001", "", False),
        ("+", "", False),
    ],
)
def test_a_station_is_known_however_it_writes_its_number(answered, expected, right):
    assert same(answered, expected) is right


@given(st.text(max_size=40), st.text(max_size=40))
def test_stations_are_the_same_both_ways(one, other):
    assert same(one, other) == same(other, one)
    assert same(one, one)


@given(
    st.dictionaries(
        st.sampled_from(["Token", "Status", "Pages", "Remote", "Resolution"]), st.text()
    )
)
def test_no_event_breaks_its_reader_or_puts_a_control_character_on_paper(fields):
    found = sent({"Token": TOKEN} | fields)

    assert found is None or (found.station.isprintable() and found.pages >= 0)
    assert sent({"Token": TOKEN, "Remote": "01\xad55\u2028x"}).station == "01 55 x"
    assert found is None or judge(found, pages=1, expected="0155501001").pages <= 1


def test_an_event_without_our_token_is_nobodys():
    assert sent({"Status": "SUCCESS", "Pages": "1"}) is None
    assert sent({"Token": "x\r\nStatus: SUCCESS", "Pages": "1"}) is None
