import time
from contextlib import suppress
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.hl7 import Limits, Range, read
from gateway.hl7.observation import Draft
from gateway.message import Flag, Kind, Location, Observation, Priority, Status

OBR = "OBR|1|P1^HIS|F1^SIL|24323-8^Bilan métabolique^LN|||20260705080000"
POTASSIUM = "OBX|1|NM|2823-3^Potassium^LN||6.80|mmol/L|3.5-5.1|HH|||F|||20260705083000"


def one(message):
    (group,) = message.groups
    (observation,) = group.observations
    return observation


def refusal(raw):
    with pytest.raises(Rejected) as refused:
        read(raw)
    return refused.value.code, refused.value.location


def test_a_result_is_read_whole(message):
    read_message = read(
        message("ORC|RE|P1^HIS|F1^SIL", OBR + "|" * 15 + "20260705090000||CH|F", POTASSIUM)
    )
    assert read_message.control_id == "A1"
    assert read_message.sender == "SIL|LABO"
    assert read_message.type == "ORU^R01"
    assert read_message.kind is Kind.RESULT
    assert read_message.priority is Priority.CRITICAL
    assert read_message.sent_at == "20260705164637+0200"
    assert read_message.charset == "utf-8"
    assert read_message.patient.family == "Lefèvre"
    assert read_message.location == Location(unit="CARD", room="214", bed="A", facility="CHU")
    assert not read_message.test
    assert read_message.warnings == ()
    (group,) = read_message.groups
    assert (group.placer, group.filler, group.control) == ("P1", "F1", "RE")
    assert (group.code, group.name, group.section) == ("24323-8", "Bilan métabolique", "CH")
    assert (group.collected_at, group.reported_at) == ("20260705080000", "20260705090000")
    assert (group.status, group.status_code) == (Status.FINAL, "F")
    assert group.observations == (
        Observation(
            code="2823-3",
            name="Potassium",
            value="6.80",
            unit="mmol/L",
            reference="3.5-5.1",
            flag=Flag.CRITICAL_HIGH,
            flag_text="HH",
            status=Status.FINAL,
            status_code="F",
            observed_at="20260705083000",
        ),
    )


def test_a_record_made_in_haste_is_a_record_like_any_other(message):
    assert tuple(f.name for f in fields(Observation)) == Draft.__slots__
    observation = one(read(message(OBR, POTASSIUM)))
    assert type(observation) is Observation
    assert hash(observation) == hash(one(read(message(OBR, POTASSIUM))))
    with pytest.raises(AttributeError):
        observation.value = "3.9"


# What is refused, and where the fault is.


@pytest.mark.parametrize(
    ("raw", "code", "location"),
    [
        (b"", 100, "MSH"),
        (b"   \r\n  ", 100, "MSH"),
        (b"\x00\xff\x8a", 100, "MSH"),
        (b"GET / HTTP/1.0\r\n", 100, "MSH"),
        (b"msh|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\rpid|1||1\r", 100, "MSH"),
        (b"PID|1||4711\rMSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\rOBX|1||K||6\r", 100, "MSH"),
        (b"BHS|^~\\&|SIL\rMSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\r", 100, "MSH"),
        (b"MSHAbcdeASILAx\r", 102, "MSH-1"),
        (b"MSH\r^~\\&\rSIL\r", 102, "MSH-1"),
        (b"MSH|||||||ORU^R01|1|P|2.5\r", 102, "MSH-2"),
        (b"MSH|^~\\&|SIL", 101, "MSH-9"),
        (b"MSH|~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\r", 200, "MSH-9"),
        (b"MSH|^~\\&|SIL|LABO|||1||ORU^R01||P|2.5\rPID|1||4711\r", 101, "MSH-10"),
        (b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|  |P|2.5\rPID|1||4711\r", 101, "MSH-10"),
        (b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|" + b"x" * 200 + b"|P|2.5\rPID|1||1\r", 102, "MSH-10"),
        (b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A\x1cB|P|2.5\rPID|1||4711\r", 102, "MSH-10"),
        (b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A\\X0D\\|P|2.5\rPID|1||4711\r", 102, "MSH-10"),
        ("MSH|^~\\&|SIL".encode("utf-16"), 103, "MSH-18"),
    ],
)
def test_what_has_no_sound_envelope_is_refused(raw, code, location):
    assert refusal(raw) == (code, location)


def test_a_control_id_of_the_longest_length_is_taken(message):
    assert read(message(id="x" * 199)).control_id == "x" * 199


@pytest.mark.parametrize("kind", ["ORU^R01", "OUL^R22", "ORM^O01", "OML^O21", "OMG^O19"])
def test_a_result_or_an_order_without_a_patient_is_refused(message, kind):
    assert refusal(message(OBR, POTASSIUM, type=kind, patient=False)) == (101, "PID")


def test_a_patient_with_neither_name_nor_number_is_no_patient(message):
    assert refusal(message("PID|1", OBR, POTASSIUM, patient=False)) == (101, "PID-3")
    assert refusal(message('PID|1||""||""^""', OBR, patient=False)) == (101, "PID-3")


def test_a_patient_with_one_of_them_is_taken_with_a_warning(message):
    nameless = read(message("PID|1||4711", OBR, POTASSIUM, patient=False))
    assert nameless.warnings == ("no-name",)
    numberless = read(message("PID|1||||Lefèvre^Hélène", OBR, POTASSIUM, patient=False))
    assert numberless.warnings == ("no-identifier",)


def test_a_name_that_pushed_the_other_fields_aside_is_doubted(message):
    for pid in ("PID|1||4711||MAR|TIN^Anne||19720701|F", "PID|1||4711||M^A||F|19720701"):
        doubted = read(message(pid, OBR, POTASSIUM, patient=False))
        assert doubted.warnings == ("identity-doubtful",)


def test_two_patients_are_refused(message):
    other = "PID|2||4712^^^CHU^PI||MARTIN^Anne||19800101|F"
    assert refusal(message(OBR, POTASSIUM, other, OBR, POTASSIUM)) == (100, "PID")
    assert refusal(message(other, OBR, POTASSIUM)) == (100, "PID")


def test_the_same_patient_twice_is_no_fault(message):
    again = "PID|2||4711^^^CHU^PI||Lefèvre^Hélène||19720701|F"
    assert len(read(message(OBR, POTASSIUM, again, OBR, POTASSIUM)).groups) == 2


def test_a_patient_named_only_after_the_result_is_refused(message):
    pid = "PID|1||4711^^^CHU^PI||Lefèvre^Hélène"
    for first in (POTASSIUM, OBR, "ORC|RE|P1"):
        assert refusal(message(first, pid, POTASSIUM, patient=False)) == (100, "PID")


def test_a_second_message_in_the_first_is_refused(message):
    assert refusal(message(OBR, POTASSIUM) + message(OBR, POTASSIUM)) == (100, "MSH")


def test_segment_names_in_lower_case_are_refused(message):
    assert refusal(message("pid|1||4711", OBR, POTASSIUM, patient=False)) == (100, "PID")


# What is tolerated.


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ORU^R01^ORU_R01", Kind.RESULT),
        ("ORU^R30", Kind.RESULT),
        ("ORU^R32", Kind.RESULT),
        ("ORU", Kind.RESULT),
        ("oru^r01", Kind.RESULT),
        ("OUL^R22", Kind.RESULT),
        ("ORM^O01", Kind.ORDER),
        ("OML^O21", Kind.ORDER),
        ("OMG^O19", Kind.ORDER),
        ("ADT^A01", Kind.MOVEMENT),
        ("ADT^A08", Kind.MOVEMENT),
        ("ADT^Z99", Kind.MOVEMENT),
        ("MDM^T02", Kind.OTHER),
        ("VXU^V04", Kind.OTHER),
        ("SIU^S12", Kind.OTHER),
        ("RDE^O11", Kind.OTHER),
        ("ORR^O02", Kind.OTHER),
        ("CUSTOM^PAT", Kind.OTHER),
        ("ZDT^Z01", Kind.OTHER),
    ],
)
def test_what_a_message_is_about(message, kind, expected):
    read_message = read(message(OBR, type=kind))
    assert read_message.kind is expected
    assert read_message.type == "^".join(kind.upper().split("^")[:2])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r", "\r\n\r\n"])
def test_line_ends_of_any_kind(message, end):
    raw = message(OBR, POTASSIUM)
    assert read(raw.replace(b"\r", end.encode())) == read(raw)


def test_framing_blank_lines_and_byte_order_mark_around_it(message):
    raw = message(OBR, POTASSIUM)
    for around in (b"\x0b" + raw + b"\x1c\r", b"\r\n" + raw, b"\xef\xbb\xbf" + raw):
        assert read(around) == read(raw)


def test_a_message_without_a_last_line_end(message):
    raw = message(OBR, POTASSIUM)
    assert read(raw[:-1]) == read(raw)


def test_unknown_segments_change_nothing(message):
    plain = read(message(OBR, POTASSIUM))
    assert read(message("ZZZ|a|b", OBR, "QQQ|x", POTASSIUM, "ZAP|")) == plain


def test_any_delimiters(message):
    raw = message(OBR, POTASSIUM)
    for new in ("#*@!%", "\x01\x02\x03\x04\x05"):
        other = raw.decode().translate(str.maketrans("|^~\\&", new)).encode()
        changed = read(other)
        assert changed.groups == read(raw).groups
        assert changed.patient == read(raw).patient


def test_an_unknown_version_is_taken_with_a_warning(message):
    raw = message(OBR, POTASSIUM).replace(b"|P|2.5", b"|P|9.9")
    assert read(raw).warnings == ("version-unknown",)
    assert read(raw.replace(b"|9.9", b"|2.5^FRA^2.10")).warnings == ()


def test_training_and_debugging_are_tests(message):
    raw = message(OBR, POTASSIUM)
    for processing in (b"T", b"D", b"t", b"T^A"):
        assert read(raw.replace(b"|P|2.5", b"|" + processing + b"|2.5")).test
    odd = read(raw.replace(b"|P|2.5", b"|X|2.5"))
    assert not odd.test
    assert odd.warnings == ("processing-id-unknown",)


def test_bad_dates_are_kept_as_sent(message):
    observation = one(read(message(OBR, POTASSIUM.replace("2026", "20AB"))))
    assert observation.observed_at == "20AB0705083000"


def test_a_raw_line_end_in_a_name_is_mended_and_told(message):
    pid = "PID|1||4711||MARTIN\r\nAction: Originate\r\n^Hélène"
    read_message = read(message(pid, OBR, POTASSIUM, patient=False))
    assert read_message.patient.family == "MARTIN\nAction: Originate"
    assert read_message.patient.given == "Hélène"
    assert read_message.warnings == ("line-break-in-field",)


def test_control_characters_are_kept_for_the_printer_to_clean(message):
    pid = "PID|1||4711||MAR\x00TIN\\X1D5600\\\u009b^Hélène"
    assert read(message(pid, patient=False)).patient.family == "MAR\x00TIN\x1dV\x00\u009b"


def test_a_lie_about_the_character_set_is_told(message):
    msh = "MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5||||||8859/1"
    read_message = read(message(OBR, POTASSIUM, msh=msh))
    assert read_message.patient.given == "Hélène"
    assert read_message.warnings == ("charset-doubtful",)
    honest = read(message(OBR, POTASSIUM, msh=msh, charset="latin-1"))
    assert honest.patient.given == "Hélène"
    assert (honest.warnings, honest.charset) == ((), "iso8859-1")


def test_of_several_declared_character_sets_the_first_counts(message):
    msh = "MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5||||||8859/1~UNICODE UTF-8"
    assert read(message(OBR, POTASSIUM, msh=msh, charset="latin-1")).warnings == ()


def test_the_site_s_character_set_is_used_where_none_is_declared(message):
    raw = message(OBR, POTASSIUM, charset="latin-1")
    assert read(raw, default_charset="iso8859-1").warnings == ()
    assert read(raw).patient.given == "Hélène"
    assert read(raw).warnings == ("charset-doubtful",)


# Movements and the rest.


def test_a_transfer(message):
    pv1 = "PV1|1|I|REA^R12^L2^CHU|||CARD^214^A^CHU" + "|" * 13 + "V1^^^CHU^VN"
    pid = "PID|1||4711^^^CHU^PI||Lefèvre^Hélène"
    moved = read(message("EVN||20260705", pid, pv1, type="ADT^A02", patient=False))
    assert moved.location == Location(unit="REA", room="R12", bed="L2", facility="CHU")
    assert moved.movement.event == "A02"
    assert moved.movement.previous == Location(unit="CARD", room="214", bed="A", facility="CHU")
    assert moved.patient.nda == "V1"


def test_a_merge_names_the_number_that_is_no_more(message):
    merged = read(message("MRG|815^^^CHU^PI", type="ADT^A40"))
    assert merged.movement.merged == "815"
    assert merged.patient.ipp == "4711"


def test_the_event_may_stand_in_evn_only(message):
    assert read(message("EVN|A03|20260705", type="ADT")).movement.event == "A03"


def test_a_movement_of_nobody_or_of_two_is_only_passed_on(message):
    nobody = read(message(type="ADT^A01", patient=False))
    assert (nobody.kind, nobody.movement, nobody.warnings) == (Kind.OTHER, None, ("no-patient",))
    swap = read(message("PID|2||4712^^^CHU^PI||MARTIN^Anne", type="ADT^A17"))
    assert (swap.kind, swap.patient, swap.warnings) == (Kind.OTHER, None, ("several-patients",))


def test_other_messages_need_no_patient(message):
    assert read(message(type="MFN^M02", patient=False)).patient is None


def test_an_acknowledgement_says_what_it_confirms(message):
    ack = read(message("MSA|aa|A\\T\\17|ok", type="ACK", patient=False))
    assert (ack.kind, ack.type) == (Kind.OTHER, "ACK")
    assert (ack.acknowledgement, ack.acknowledges) == ("AA", "A&17")


# How pressing.


@pytest.mark.parametrize("flag", ["LL", "HH", "AA", "H~HH", "hh", "HH^^HL70078"])
def test_a_critical_flag_makes_the_message_critical(message, flag):
    raw = message(OBR, POTASSIUM.replace("|HH|", f"|{flag}|"))
    assert read(raw).priority is Priority.CRITICAL


@pytest.mark.parametrize("flag", ["", "N", "L", "H", "A", "<", ">", "R", "S", "W", "??"])
def test_no_other_flag_does(message, flag):
    raw = message(OBR, POTASSIUM.replace("|HH|", f"|{flag}|"))
    assert read(raw).priority is Priority.ROUTINE


def test_the_most_pressing_order_decides_where_nothing_is_critical(message):
    routine, stat = "OBR|1|||x^y|R", "OBR|2|||x^y|S"
    assert read(message(routine, stat)).priority is Priority.URGENT
    assert read(message(routine)).priority is Priority.ROUTINE
    assert read(message(stat, POTASSIUM)).priority is Priority.CRITICAL
    assert read(message()).priority is Priority.ROUTINE


def test_the_site_s_limits_make_a_value_critical(message):
    limits = Limits(ranges={"2823-3": Range(low=2.8, high=6.2, unit="mmol/L")})
    plain = POTASSIUM.replace("|HH|", "|H|")
    assert read(message(OBR, plain)).priority is Priority.ROUTINE
    judged = read(message(OBR, plain), limits=limits)
    assert judged.priority is Priority.CRITICAL
    assert one(judged).flag is Flag.CRITICAL_HIGH
    assert one(judged).flag_text == "H"
    within = read(message(OBR, plain.replace("6.80", "5,9")), limits=limits)
    assert one(within).flag is Flag.HIGH


def test_a_limit_is_not_applied_to_another_unit_and_that_is_told(message):
    limits = Limits(ranges={"2823-3": Range(high=6.2, unit="mmol/L")})
    raw = message(OBR, POTASSIUM.replace("|HH|", "||").replace("mmol/L", "mg/dL"))
    judged = read(raw, limits=limits)
    assert one(judged).flag is Flag.NONE
    assert judged.warnings == ("limit-unit",)


# Whatever comes.

WHOLE = (
    "MSH|^~\\&|SIL|LABO|||1||OUL^R22|A1|P|2.5||||||8859/1\rPID|1||4711^^^CHU^PI~1^^^INS||A^B\r"
    "SPM|1|||UR\rNTE|1||x\rORC|RE|P\rOBR|1|P|F|x^y\rTQ1|1\rOBX|1|SN|a^b||>=^3~x|u|1-2|H~A|||F\r"
    "NTE|1||\\X41\\\\.br\\ é\rOBX|2|ED|a||^AP^PDF^Base64^JVBERi0x\rMRG|1\rMSA|AA|1\r"
).encode("latin-1")


DAMAGES = st.lists(
    st.tuples(
        st.integers(0, len(WHOLE)),
        st.integers(0, 12),
        st.binary(max_size=3) | st.sampled_from([b"|", b"^", b"~", b"\\", b"&", b"\r", b'""']),
    ),
    max_size=6,
)
LOW = Limits(ranges={"a": Range(low=1)})


def damaged(cuts):
    raw = bytearray(WHOLE)
    for at, length, put in cuts:
        raw[at : at + length] = put
    return bytes(raw)


@given(DAMAGES)
def test_a_damaged_message_is_read_or_refused(cuts):
    for limits in (None, LOW):
        with suppress(Rejected):
            read(damaged(cuts), limits=limits)


# In brief: what decides is the same as in full.


def decided(raw, *, brief=False, limits=None):
    """A refusal, or a message of whose observations only flags and statuses are left."""
    try:
        message = read(raw, limits=limits, brief=brief)
    except Rejected as refused:
        return refused.code, refused.location, refused.reason
    return replace(
        message,
        groups=tuple(
            replace(
                group,
                parent_value="",
                observations={(o.flag, o.status) for o in group.observations},
            )
            for group in message.groups
        ),
    )


@given(DAMAGES)
def test_in_brief_the_same_is_decided(cuts):
    raw = damaged(cuts)
    for limits in (None, LOW):
        assert decided(raw, brief=True, limits=limits) == decided(raw, brief=False, limits=limits)


def test_in_brief_no_value_is_read(message):
    raw = message(OBR, POTASSIUM, "OBX|2|ED|PDF^Rapport||^AP^PDF^Base64^JVBERi0x||||||F")

    brief, document = read(raw, brief=True).groups[0].observations

    assert (brief.value, brief.name, brief.flag) == ("", "", Flag.CRITICAL_HIGH)
    assert document.attachment is None
    assert read(raw, brief=True).priority is Priority.CRITICAL


def test_in_brief_a_value_with_a_limit_of_the_site_is_read(message):
    raw = message(OBR, "OBX|1|NM|2823-3^Potassium^LN||6.80|mmol/L||N|||F")
    limits = Limits(ranges={"2823-3": Range(high=6.0, unit="mmol/L")})

    assert read(raw, limits=limits, brief=True).priority is Priority.CRITICAL


# Bounded. Sixteen megabytes of each are read in tests/edge; here a quadratic step would show as well.


@pytest.mark.parametrize(
    "segments",
    [
        ["NTE|1||" + "\\E\\" * 50_000],
        ["NTE|1||" + "é\\T\\ligne\n" * 20_000],
        ["OBX|1|TX|a^b||" + "x~" * 40_000],
        ["OBX|1|TX|a^b||ligne||||||F"] * 8_000,
        ["OBX|1|NM|a^b||1||||||F", "NTE|1||n"] * 2_000,
        ["OBR|1||F|x^y|" + "|" * 21 + "a&b^1|||^F", "OBX|1|CE|a^b|1|c"] * 1_000,
        ["PID|1||" + "4711^^^CHU^PI~" * 4_000 + "||" + "A^B~" * 4_000],
        ["a" * 10] * 20_000,
    ],
)
def test_long_messages_are_read_in_linear_time(message, segments):
    raw = message(*segments, patient=segments[0][:3] != "PID")
    start = time.perf_counter()
    read(raw)
    assert time.perf_counter() - start < 0.5
