"""AMI's words: what goes out holds nothing but what was meant, what comes in cannot be forged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asterisk.ami.words import LONGEST, Event, Response, Unsayable, decode, encode

BREAKS = "\r\n\x00\x0b\x0c\x1c\x1d\x1e\x7f\x85\u2028\u2029"


def test_an_action_is_its_headers_and_an_empty_line():
    sent = encode("Originate", {"ActionID": "a-1", "Exten": "s"}, variables={"TOKEN": "k7"})
    assert sent == b"Action: Originate\r\nActionID: a-1\r\nExten: s\r\nVariable: TOKEN=k7\r\n\r\n"


@given(st.text(max_size=40))
def test_no_value_adds_a_header_or_an_action(value):
    try:
        sent = encode("Ping", {"ActionID": "a-1", "Note": value})
    except Unsayable:
        return
    assert sent.endswith(b"\r\n\r\n")
    assert sent.count(b"\r\n") == 4
    assert sent.count(b"\n") == sent.count(b"\r") == 4


@pytest.mark.parametrize("mark", BREAKS)
def test_a_control_character_is_refused_wherever_it_stands(mark):
    for headers, variables in (
        ({"Note": f"a{mark}b"}, {}),
        ({f"No{mark}te": "a"}, {}),
        ({}, {"A": f"x{mark}"}),
        ({}, {f"A{mark}": "x"}),
    ):
        with pytest.raises(Unsayable):
            encode("Ping", headers, variables=variables)
    with pytest.raises(Unsayable):
        encode(f"Ping{mark}Action: Command", {})


@pytest.mark.parametrize("value", ["6,2", 'a"b', "a|b", "${EXTEN}", "é", "a b", "a\\b"])
def test_a_variable_holds_no_character_that_asterisk_reads_into(value):
    with pytest.raises(Unsayable):
        encode("Originate", {}, variables={"TOKEN": value})


def test_a_line_that_asterisk_would_refuse_is_not_sent():
    assert encode("Ping", {"Note": "x" * (LONGEST - len("Note: "))})
    with pytest.raises(Unsayable):
        encode("Ping", {"Note": "x" * (LONGEST - len("Note: ") + 1)})


def test_an_answer_and_an_event_are_told_apart():
    assert decode([b"Response: Success", b"ActionID: a-1", b"Ping: Pong"]) == Response(
        status="Success", fields={"ActionID": "a-1", "Ping": "Pong"}
    )
    assert decode([b"Event: Hangup", b"Cause: 17"]) == Event(name="Hangup", fields={"Cause": "17"})
    assert decode([b"Output: something"]) is None
    assert decode([b"Event"]) is None


@pytest.mark.parametrize("mark", BREAKS[2:] + "\r\n")
def test_a_callers_name_cannot_forge_a_field(mark):
    name = f"Bob{mark}Ack: yes{mark}Uniqueid: other"
    event = decode([b"Event: Newchannel", f"CallerIDName: {name}".encode(), b"Uniqueid: mine"])
    assert set(event.fields) == {"CallerIDName", "Uniqueid"}
    assert event["Uniqueid"] == "mine"


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_whatever_comes_is_read_or_left(lines):
    decode([b"Event: X", *lines])
    decode([b"Response: Success", *lines])
    decode(lines)
