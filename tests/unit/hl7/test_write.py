"""A message written as HL7 v2 is the same message when it is read."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7 import extract, read, write
from gateway.hl7.tables import FLAGS, REPORT_STATUS, RESULT_STATUS
from gateway.message import (
    Attachment,
    Flag,
    Group,
    Identifier,
    Kind,
    Location,
    Message,
    Observation,
    Patient,
    Priority,
    Status,
)

# Whatever a person may write, the delimiters above all; blanks around it are the sender's layout, and
# U+FFFD is what a reader leaves of a letter that was lost: it rightly doubts a text that holds one.
CHARACTERS = st.characters(
    exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters='"\ufeff\ufffd'
)
LETTERS = st.one_of(CHARACTERS, st.sampled_from("|^~\\&éœ€µ"))
WORD = st.text(LETTERS, min_size=1, max_size=12)
MAYBE = st.one_of(st.just(""), WORD)
LINES = st.lists(WORD, min_size=1, max_size=3).map("\n".join)
CODE = st.text("ABCDEF0123456789-", min_size=1, max_size=8)
DTM = st.one_of(st.just(""), st.sampled_from(["2026", "20260705", "20260705164637+0200"]))


@st.composite
def observations(draw):
    flag, flag_text = draw(st.sampled_from([(f, c) for c, f in FLAGS.items() if c == c.upper()]))
    status_code = draw(st.sampled_from(sorted(RESULT_STATUS)))
    return Observation(
        code=draw(CODE),
        name=draw(WORD),
        value=draw(st.one_of(st.just(""), LINES, st.sampled_from(["4.10", "< 0.5", "1:128"]))),
        sub_id=draw(st.sampled_from(["", "1", "2"])),
        unit=draw(MAYBE),
        reference=draw(st.one_of(st.just(""), LINES)),
        flag=flag,
        flag_text=flag_text,
        status=RESULT_STATUS[status_code],
        status_code=status_code,
        observed_at=draw(DTM),
        notes=tuple(draw(st.lists(LINES, max_size=2))),
    )


@st.composite
def groups(draw):
    status_code = draw(st.sampled_from(sorted(REPORT_STATUS)))
    urgent = draw(st.booleans())
    return Group(
        placer=draw(CODE),
        filler=draw(CODE),
        code=draw(CODE),
        name=draw(WORD),
        control="RE",
        priority=Priority.URGENT if urgent else Priority.ROUTINE,
        priority_text="S" if urgent else "R",
        collected_at=draw(DTM),
        wanted_at=draw(DTM),
        reported_at=draw(DTM),
        requester=draw(MAYBE),
        requester_phone=draw(MAYBE),
        specimen=draw(MAYBE),
        section=draw(CODE.filter(lambda c: c not in ("C", "F"))),
        status=REPORT_STATUS[status_code],
        status_code=status_code,
        notes=tuple(draw(st.lists(LINES, max_size=2))),
        # Texts of one code and status, one after the other, are lines of one text in HL7.
        observations=tuple(draw(st.lists(observations(), max_size=3, unique_by=lambda o: o.code))),
    )


@st.composite
def messages(draw):
    number = Identifier(value=draw(CODE), kind="PI", authority=draw(WORD))
    examined = tuple(draw(st.lists(groups(), min_size=1, max_size=3)))
    critical = any(o.flag.critical for g in examined for o in g.observations)
    urgent = any(g.priority is Priority.URGENT for g in examined)
    family, born = draw(WORD), draw(MAYBE)
    return Message(
        control_id=draw(CODE),
        sender=f"{draw(CODE)}|{draw(CODE)}",
        type="ORU^R01",
        kind=Kind.RESULT,
        priority=Priority.CRITICAL if critical else Priority.URGENT if urgent else Priority.ROUTINE,
        test=draw(st.booleans()),
        sent_at=draw(DTM),
        charset="utf-8",
        patient=Patient(
            family=family,
            given=draw(WORD),
            birth_name=born if born != family else "",
            birth_date=draw(st.sampled_from(["", "1951", "19510203"])),
            sex=draw(st.sampled_from(["", "F", "M", "O"])),
            ipp=number.value,
            nda=draw(CODE),
            identifiers=(
                number,
                Identifier(value="251", kind="INS", authority="ASIP-SANTE-INS-NIR"),
            ),
            identity_status=draw(st.sampled_from(["", "VALI"])),
        ),
        location=draw(
            st.one_of(
                st.none(), st.builds(Location, unit=WORD, room=MAYBE, bed=MAYBE, facility=MAYBE)
            )
        ),
        groups=examined,
    )


@given(messages())
def test_what_is_written_is_read_as_it_was(message):
    assert read(write(message)) == message


def test_an_order_stays_an_order():
    patient = Patient(family="Roux", ipp="1", identifiers=(Identifier(value="1", kind="PI"),))
    group = Group(placer="P1", code="K", name="Potassium", control="CA")
    order = Message(
        control_id="A1", sender="A|B", type="X", kind=Kind.ORDER, patient=patient, groups=(group,)
    )  # fmt: skip
    again = read(write(order))
    assert (again.kind, again.type) == (Kind.ORDER, "ORM^O01")
    assert again.groups[0].control == "CA"


def test_words_of_fhir_become_letters_of_hl7():
    patient = Patient(family="Roux", ipp="1", identifiers=(Identifier(value="1", kind="PI"),))
    value = Observation(
        code="K", name="K", value="6.9", flag=Flag.CRITICAL_HIGH, flag_text="very high",
        status=Status.CORRECTED, status_code="amended",
    )  # fmt: skip
    group = Group(
        code="K", name="K", status=Status.WITHDRAWN, status_code="entered-in-error",
        priority=Priority.URGENT, priority_text="asap", observations=(value,),
    )  # fmt: skip
    written = write(
        Message(
            control_id="A", sender="|", type="X", kind=Kind.RESULT, patient=patient, groups=(group,)
        )
    )
    again = read(written).groups[0]
    assert (again.status, again.priority) == (Status.WITHDRAWN, Priority.URGENT)
    found = again.observations[0]
    assert (found.flag, found.status, found.status_code) == (
        Flag.CRITICAL_HIGH,
        Status.CORRECTED,
        "C",
    )


def test_documents_go_along():
    patient = Patient(family="Roux", ipp="1", identifiers=(Identifier(value="1", kind="PI"),))
    document = b"%PDF-1.4 " + b"x" * 100
    announced = Attachment(title="CR", media_type="application/pdf", size=len(document))
    value = Observation(code="D", name="CR", value="", status=Status.FINAL, attachment=announced)
    message = Message(
        control_id="A", sender="|", type="X", kind=Kind.DOCUMENT, patient=patient,
        groups=(Group(code="D", observations=(value,)),),
    )  # fmt: skip
    written = write(message, [document])
    assert extract(written, 0) == document
    assert read(written).groups[0].observations[0].attachment == announced
    assert b"108 bytes" in write(message) or b"109 bytes" in write(message)
    assert base64.b64encode(document) not in write(message)


@pytest.mark.parametrize("kind", [Kind.NOTICE, Kind.MOVEMENT, Kind.OTHER])
def test_what_has_no_form_is_not_written(kind):
    with pytest.raises(ValueError, match="not written"):
        write(Message(control_id="A", sender="|", type="X", kind=kind))


def test_framing_bytes_never_stand_in_it():
    patient = Patient(family="a\x0bb\x1c\rc\x00", ipp="1", identifiers=(Identifier(value="1"),))
    written = write(
        replace(Message(control_id="A", sender="|", type="X", kind=Kind.RESULT), patient=patient)
    )
    assert not {0x0B, 0x1C, 0x00} & set(written)
    assert read(written).patient.family == "a\x0bb\x1c\nc\x00"
