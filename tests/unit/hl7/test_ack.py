from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.hl7 import Ack, Framer, ack, peek, read, read_ack, refusal, split, wrap

NOW = datetime(2026, 7, 5, 16, 46, 37, tzinfo=timezone(timedelta(hours=2)))
SENT = (
    "MSH|^~\\&|SIL|LABO|PASSERELLE|CHU|20260705||ORU^R01^ORU_R01|A1|P|2.5|||AL|NE|FRA|8859/1|FR\r"
    "PID|1||4711\r"
)


def answer(to=SENT, code="AA", rejected=None):
    return ack(to.encode("latin-1"), code, control_id="W1", now=NOW, rejected=rejected).decode(
        "latin-1"
    )


def test_a_positive_answer_is_two_segments_with_sender_and_receiver_swapped():
    assert answer() == (
        "MSH|^~\\&|PASSERELLE|CHU|SIL|LABO|20260705164637+0200||ACK^R01^ACK|W1|P|2.5||||||8859/1\r"
        "MSA|AA|A1\r"
    )


def test_a_refusal_says_where_the_fault_is():
    rejected = Rejected("two patients in one message", code=100, location="PID")
    assert answer(code="AE", rejected=rejected).split("\r")[1:] == [
        "MSA|AE|A1|two patients in one message",
        "ERR||PID^1|100^Segment sequence error^HL70357|E|||PID|two patients in one message",
        "",
    ]
    rejected = Rejected("no message control id", code=101, location="MSH-10")
    assert "ERR||MSH^1^10|101^Required field missing^HL70357|E|||MSH-10|no" in answer(
        code="AE", rejected=rejected
    )


def test_before_version_2_5_the_fault_stands_in_err_1():
    rejected = Rejected("no patient", code=101, location="PID-3")
    said = answer(SENT.replace("|2.5|", "|2.3.1|"), "AE", rejected)
    assert "ERR|PID^1^3^101&Required field missing&HL70357\r" in said
    assert "|2.3.1|" in said


def test_a_fault_without_a_place_has_none():
    assert "ERR|||207^Application internal error^HL70357|E||||no room" in answer(
        code="AE", rejected=Rejected("no room", resend=True)
    )


def test_the_answer_is_written_in_the_sender_s_delimiters():
    for marks in ("#*@!%", "\x01\x02\x03\x04\x05"):
        theirs = SENT.translate(str.maketrans("|^~\\&", marks))
        rejected = Rejected("a # b", code=100, location="PID")
        said = answer(theirs, "AE", rejected)
        field, component = marks[:2]
        written = "a !F! b" if field == "#" else "a # b"
        assert said.startswith(f"MSH{field}{marks[1:]}{field}PASSERELLE{field}")
        assert f"MSA{field}AE{field}A1{field}{written}\r" in said
        assert f"ERR{field}{field}PID{component}1{field}" in said
        assert read_ack(said.encode()).text == "a # b"


def test_a_sender_that_names_no_receiver_is_answered_by_wardline():
    said = answer("MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\r")
    assert said.startswith("MSH|^~\\&|WARDLINE||SIL|LABO|")


def test_what_is_no_message_at_all_is_still_answered():
    for raw in ("", "hello", "MSH", "MSHAbcde", "MSH|", "\x00\xff"):
        said = answer(raw, "AR", Rejected("empty message", code=100, location="MSH"))
        assert said.startswith("MSH|^~\\&|WARDLINE||||20260705164637+0200||ACK|W1|P|2.5\r")
        assert "MSA|AR||empty message\r" in said


def test_utf_16_is_answered_to_its_control_id():
    said = ack(SENT.encode("utf-16"), "AR", control_id="W1", now=NOW).decode()
    assert "MSA|AR|A1\r" in said


def test_letters_come_back_as_the_bytes_that_were_sent():
    assert b"|L\xe9on|" in ack(
        SENT.replace("|SIL|", "|Léon|").encode("latin-1"), "AA", control_id="W1", now=NOW
    )


def test_reasons_are_short_and_plain():
    said = answer(code="AE", rejected=Rejected("é|\r\x0b" + "x" * 400, code=100, location="PID"))
    assert "MSA|AE|A1|?\\F\\  xxx" in said
    assert len(said.split("\r")[1]) < 100
    assert len(said.split("\r")[2]) < 350
    assert "\x0b" not in said


@pytest.mark.parametrize("code", ["AA", "AE", "AR", "CA", "CE", "CR"])
def test_what_is_written_is_read_back(code):
    back = read_ack(answer(code=code).encode())
    assert back == Ack(code=code, control_id="A1")
    assert back.positive is (code in ("AA", "CA"))


@given(
    st.text(st.characters(codec="latin-1", exclude_characters="|\r\n"), max_size=20),
    st.text(st.characters(codec="latin-1", exclude_characters="|\r\n"), max_size=20),
)
def test_nothing_echoed_breaks_out_of_its_field(control_id, sender):
    raw = f"MSH|^~\\&|{sender}|LABO|R|C|1||ORU^{sender}|{control_id}|{sender}|{sender}\r"
    said = ack(raw.encode("latin-1"), "AA", control_id="W1", now=NOW)
    framed = Framer().feed(wrap(said))
    assert [f.data for f in framed] == [said]
    assert split(said).messages == (said,)
    segments = said.split(b"\r")
    assert [s[:4] for s in segments] == [b"MSH|", b"MSA|", b""]
    assert segments[1].count(b"|") == (2 if segments[1] != b"MSA|AA" else 1)
    assert said.translate(None, bytes(range(0x20)) + b"\x7f").count(b"\r") == 0


def test_a_control_id_is_echoed_whole_but_for_control_characters():
    said = answer(SENT.replace("|A1|", "|A\x0b\x1c\x1b1^x|"))
    assert "MSA|AA|A1^x\r" in said


# Answers from others.


def test_an_answer_s_reason_is_found_wherever_it_stands():
    head = "MSH|^~\\&|P|C|SIL|LABO|1||ACK|9|P|2.5\rMSA|AE|A1"
    assert read_ack(f"{head}|no ward\r".encode()).text == "no ward"
    assert read_ack(f"{head}\rERR||||E||||mauvais\\T\\vu\r".encode()).text == "mauvais&vu"
    assert read_ack(f"{head}\rERR||||E|||diag\r".encode()).text == "diag"
    assert read_ack(f"{head}\rERR|||101^missing\r".encode()).text == "missing"
    assert read_ack(f"{head}\r".encode()).text == ""


def test_an_answer_is_read_however_it_is_written():
    raw = "\x0bMSH|^~\\&|P|C|SIL|LABO|1||ACK|9|P|2.5\nMSA|aa|Héloïse\n\x1c\r"
    assert read_ack(raw.encode("latin-1")) == Ack(code="AA", control_id="Héloïse")


@pytest.mark.parametrize("tail", ["", "MSA|\r", "MSA||A1\r", "PID|1\r"])
def test_what_holds_no_answer_is_refused(tail):
    with pytest.raises(Rejected):
        read_ack(f"MSH|^~\\&|P|C|SIL|LABO|1||ACK|9|P|2.5\r{tail}".encode())
    with pytest.raises(Rejected):
        read_ack(b"garbage")


# AE or AR.


@pytest.mark.parametrize(
    ("rejected", "code"),
    [
        (Rejected("no patient", code=101, location="PID"), "AE"),
        (Rejected("two patients", code=100, location="PID"), "AE"),
        (Rejected("no control id", code=101, location="MSH-10"), "AE"),
        (Rejected("a count lies", code=102, location="BTS-1"), "AE"),
        (Rejected("disk full", resend=True), "AE"),
        (Rejected("no MSH", code=100, location="MSH"), "AR"),
        (Rejected("bad marks", code=102, location="MSH-2"), "AR"),
        (Rejected("no type", code=101, location="MSH-9"), "AR"),
        (Rejected("UTF-16", code=103, location="MSH-18"), "AR"),
        (Rejected("unknown type", code=200, location="MSH-9"), "AR"),
        (Rejected("too long"), "AR"),
    ],
)
def test_which_refusal(rejected, code):
    assert refusal(rejected) == code


# Peeking.


def test_an_envelope_as_it_stands():
    seen = peek(SENT.encode())
    assert (seen.control_id, seen.sender, seen.type) == ("A1", "SIL|LABO", "ORU^R01")
    assert (seen.version, seen.processing, seen.charset) == ("2.5", "P", "8859/1")
    assert (seen.accept_ack, seen.application_ack) == ("AL", "NE")


def test_an_envelope_is_found_behind_other_things():
    for before in ("PID|1\r", "\ufeff", "\x0b", "FHS|^~\\&\rBHS|^~\\&\r", "junk\njunk\n"):
        assert peek((before + SENT).encode()).control_id == "A1"


@given(st.binary(max_size=80))
def test_peeking_never_fails(noise):
    for raw in (noise, b"MSH" + noise, b"MSH|^~\\&" + noise):
        assert peek(raw).fields == peek(raw).fields
        assert ack(raw, "AR", control_id="1", now=NOW).count(b"\r") == 2


def test_a_long_header_is_looked_at_only_in_part():
    assert peek(b"MSH|^~\\&|" + b"x" * 10_000_000).control_id == ""


def test_the_answer_itself_can_be_read():
    message = read(answer().encode())
    assert (message.type, message.acknowledgement, message.acknowledges) == ("ACK^R01", "AA", "A1")
