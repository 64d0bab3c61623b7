import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.hl7.segments import segments

MSH = "MSH|^~\\&|SIL"


def lines(text):
    return segments(text, "|").lines


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "\n\n", "\r\n\r\n", "\r \r", "\n\r"])
def test_every_line_end_parts_segments_and_none_makes_an_empty_one(end):
    assert lines(end.join([MSH, "PID|1", "OBX|1||K", ""])) == [MSH, "PID|1", "OBX|1||K"]


def test_vt_nel_and_line_separators_are_text():
    text = "NTE|1||a\x0bPID|b\x85c\u2028OBX|d\u2029e\x1ef\x1cg\x0ch"
    assert lines(f"{MSH}\r{text}\r") == [MSH, text]


def test_a_line_end_in_a_field_is_mended():
    cut = segments(f"{MSH}\rPID|1||x||MARTIN\r\nAction: Originate\r\n^Hélène|y\rPV1|1", "|")
    assert cut.lines == [MSH, "PID|1||x||MARTIN\nAction: Originate\n^Hélène|y", "PV1|1"]
    assert cut.rejoined


def test_text_after_the_last_segment_belongs_to_it():
    assert lines(f"{MSH}\rNTE|1||un\ndeux") == [MSH, "NTE|1||un\ndeux"]


def test_nothing_is_said_to_be_mended_when_nothing_was_torn():
    assert not segments(f"{MSH}\r\n\r\nPID|1\r\n", "|").rejoined


def test_mixed_line_ends_lose_no_segment():
    assert lines(f"{MSH}\rPID|1\nPV1|1\r\nOBX|1") == [MSH, "PID|1", "PV1|1", "OBX|1"]


def test_unknown_and_own_segments_are_segments():
    assert lines(f"{MSH}\rZZZ|a\rQ1X|b\rZWCC|c\rPV2") == [MSH, "ZZZ|a", "Q1X|b", "ZWCC|c", "PV2"]


def test_words_in_capitals_are_text():
    assert lines(f"{MSH}\rNTE|1||voir\rAGE\rBLSE|oui\r4711|x") == [
        MSH,
        "NTE|1||voir\nAGE\nBLSE|oui\n4711|x",
    ]


def test_blanks_before_a_segment_are_no_part_of_it():
    assert lines(f"{MSH}\n  PID|1\n\tPV1|1") == [MSH, "PID|1", "PV1|1"]


def test_segment_names_in_lower_case_are_refused():
    with pytest.raises(Rejected) as refused:
        lines(f"{MSH}\rpid|1||4711")
    assert (refused.value.code, refused.value.location) == (100, "PID")


@given(st.lists(st.text("PIDOBX|a\n\r ", max_size=12), max_size=8))
def test_no_character_but_line_ends_and_leading_blanks_is_ever_lost(pieces):
    text = "\r".join([MSH, *pieces])
    kept = "".join(lines(text))
    for character in "PIDOBXa|":
        assert kept.count(character) == text.count(character)


def test_time_is_linear_however_torn():
    start = time.perf_counter()
    assert len(lines(MSH + "\rNTE|1||" + "ligne\n" * 20_000)) == 2
    assert len(lines(MSH + "\r" + "OBX|1\r" * 20_000)) == 20_001
    assert time.perf_counter() - start < 1
