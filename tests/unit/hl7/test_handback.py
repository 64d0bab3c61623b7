import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.hl7 import mark_delivered, read

FIELDS = ("slip", "CARD", "n° 0042", "reçu par H. Lefèvre | 14:05 & signé")


def test_one_segment_is_added_and_nothing_else_changes(message):
    raw = message("OBR|1")
    marked = mark_delivered(raw, ["slip", "CARD"])
    assert marked == raw + b"ZWL|slip|CARD\r"
    assert read(marked) == read(raw)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_the_message_s_own_line_end_is_used(message, end):
    raw = message("OBR|1").replace(b"\r", end)
    assert mark_delivered(raw, ["x"]) == raw + b"ZWL|x" + end
    assert mark_delivered(raw.removesuffix(end), ["x"]) == raw + b"ZWL|x" + end


def test_the_message_s_own_delimiters_are_used_and_escaped(message):
    raw = message("OBR|1").translate(bytes.maketrans(b"|^~\\&", b"#*@!%"))
    assert mark_delivered(raw, ["a # b", "c|d"]).endswith(b"\rZWL#a !F! b#c|d\r")


def test_blank_lines_and_blanks_at_the_end_stay(message):
    for tail in (b"\r\r", b"\r\n\r\n", b"\r   ", b"ZZZ|x  "):
        raw = message("OBR|1") + tail
        assert mark_delivered(raw, ["x"]).startswith(raw)


@pytest.mark.parametrize(
    ("declared", "codec"), [("8859/1", "latin-1"), ("8859/15", "iso8859-15"), ("", "utf-8")]
)
def test_the_message_s_own_character_set_is_used(message, declared, codec):
    msh = f"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5||||||{declared}"
    marked = mark_delivered(message("NTE|1||é", msh=msh, charset=codec), FIELDS)
    assert "ZWL|slip|CARD|n° 0042|reçu par H. Lefèvre \\F\\ 14:05 \\T\\ signé\r" in marked.decode(
        codec
    )


def test_letters_the_message_cannot_hold_become_question_marks(message):
    msh = "MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5||||||8859/1"
    assert mark_delivered(message(msh=msh, charset="latin-1"), ["Łódź"]).endswith(b"ZWL|?\xf3d?\r")


def test_what_is_no_message_is_not_marked():
    with pytest.raises(Rejected):
        mark_delivered(b"hello", FIELDS)


@given(st.lists(st.text(max_size=20), max_size=4))
def test_whatever_is_written_stays_in_its_segment(fields):
    raw = b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\rPID|1||4711\r"
    marked = mark_delivered(raw, fields)
    assert marked.startswith(raw)
    (line,) = marked[len(raw) :].decode().rstrip("\r").split("\r")
    assert "\n" not in line
    assert line.count("|") == len(fields)
    assert read(marked) == read(raw)
