import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.hl7 import Form, Said, mark_delivered, peek, read, record
from gateway.message import Kind

NOW = 1_785_750_000.0  # 3 August 2026, 09:40 UTC
FACTS = (
    Said(code="WL-MESSAGE", name="Message control ID", value="A00040"),
    Said(code="WL-SLIP", name="Slip number", value="42", kind="NM", of=1, at=NOW - 60),
)


def made(original, *said, form=Form.ORU):
    return record(original, said or FACTS, form=form, control_id="WLR7", site="HEX", now=NOW)


def lines(raw):
    return {line.split("|")[0]: line.split("|") for line in raw.decode().split("\r") if line}


def test_it_is_from_us_to_whom_the_original_was_meant_for(message):
    msh = "MSH|^~\\&|SIL|LABO|DPI|HOP|1||ORU^R01|A1|T|2.4||||||8859/1"
    head = peek(made(message(msh=msh)))

    assert (head.sender, head.type, head.control_id) == ("WARDLINE|HEX", "ORU^R01", "WLR7")
    assert head.fields[4:6] == (b"DPI", b"HOP")
    assert (head.processing, head.version, head.charset) == ("T", "2.4", "8859/1")


@pytest.mark.parametrize("form", Form)
def test_the_patient_and_the_visit_stand_in_it_byte_for_byte(form):
    own = b"PID|1||4711^^^H^PI||LEF\xc8BVRE^\xc9lo\xefse||\rPV1|1|I|CARD^12||||\r"
    raw = b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5||||||8859/1\r" + own + b"OBR|1\r"

    assert own in made(raw, form=form)


def test_the_facts_are_observations_of_an_order_of_our_own(message):
    raw = made(message("OBR|1|P1|F1|24323-8^Bilan\rOBX|1|NM|2823-3^Potassium||6.8"))
    found = read(raw)

    (group,) = found.groups
    assert (group.placer, group.filler, group.code) == ("", "WLR7", "WL-RECORD")
    assert [(o.code, o.value, o.sub_id) for o in group.observations] == [
        ("WL-MESSAGE", "A00040", ""),
        ("WL-SLIP", "42", "1"),
    ]
    assert group.observations[1].observed_at == "20260803093900+0000"
    assert b"F1" not in raw, "nothing may be taken for a newer version of the result"


def test_as_a_document_it_has_its_event_a_visit_and_its_own_number():
    found = lines(made(b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\rPID|1||4711\r", form=Form.MDM))

    assert list(found)[:2] == ["MSH", "EVN"]
    assert found["MSH"][8] == "MDM^T02^MDM_T02"
    assert found["PV1"][2] == "U"
    txa = found["TXA"]
    assert (txa[2], txa[3], txa[12], txa[17]) == (
        "WL-RECORD^Wardline delivery record^99WL", "TX", "WLR7", "DO",
    )  # fmt: skip


def test_an_order_result_has_its_own_fields_where_the_standard_puts_them(message):
    obr = lines(made(message()))["OBR"]
    assert (obr[3], obr[22], obr[25]) == ("WLR7", "20260803094000+0000", "F")
    assert obr[7] == obr[22]


def test_foreign_delimiters_are_kept(message):
    raw = message("PV1|1|I|CARD^12").translate(bytes.maketrans(b"|^~\\&", b"#*@!%"))
    found = made(raw, Said(code="X", name="a*b", value="c#d"))

    assert found.startswith(b"MSH#*@!%#WARDLINE#HEX#")
    assert b"#X*a!S!b*99WL##c!F!d#" in found


def test_what_is_no_message_has_no_record():
    with pytest.raises(Rejected):
        made(b"hello")


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_a_device_said_stays_in_its_field(name, value):
    raw = b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A1|P|2.5\rPID|1||4711\r"
    found = made(raw, Said(code="WL-PROOF", name=name, value=value))

    assert len(found.split(b"\r")) == 5
    assert read(found).kind is Kind.RESULT


def test_a_handed_back_original_gives_the_same_record(message):
    raw = message("PV1|1|I|CARD^12")
    assert made(mark_delivered(raw, ["DELIVERED"])) == made(raw)
