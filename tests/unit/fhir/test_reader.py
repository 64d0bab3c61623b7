"""FHIR resources read as messages: identity, place, values, statuses, and what is refused where."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import Refused, extract, read, read_all
from gateway.hl7 import Limits, Range
from gateway.message import Flag, Kind, Location, Priority, Status

ABSENT = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "masked",
}


def only(found, **named):
    raw = found if isinstance(found, bytes) else json.dumps(found).encode()
    return read(raw, control_id="A1", sender="SIL|LABO", **named)


def refusal(found):
    raw = found if isinstance(found, bytes) else json.dumps(found).encode()
    with pytest.raises(Refused) as caught:
        read_all(raw, sender="SIL|LABO")
    return caught.value


def test_a_report_is_a_result_of_its_patient(resources):
    message = only(resources.report())
    patient, (group,) = message.patient, message.groups
    (value,) = group.observations
    assert (message.control_id, message.sender, message.kind) == ("A1", "SIL|LABO", Kind.RESULT)
    assert (patient.family, patient.given, patient.birth_date) == ("Lefèvre", "Hélène", "19720701")
    assert (patient.sex, patient.ipp) == ("F", "4711")
    assert patient.identifiers[1].kind == "INS"
    assert (group.name, group.filler, group.status) == ("Bilan", "dr1", Status.FINAL)
    assert (value.code, value.name, value.value, value.unit) == (
        "2823-3", "Potassium", "6.9", "mmol/L",
    )  # fmt: skip
    assert (value.reference, value.flag) == ("3.5 - 5.1", Flag.CRITICAL_HIGH)
    assert message.priority is Priority.CRITICAL


def test_a_decimal_stays_as_it_was_written(resources):
    raw = resources.bytes(resources.report()).replace(b"6.9", b"4.10")
    assert only(raw).groups[0].observations[0].value == "4.10"


@pytest.mark.parametrize(
    ("value", "text", "unit"),
    [
        ({"valueQuantity": {"comparator": "<", "value": 5, "code": "ng/L"}}, "< 5", "ng/L"),
        ({"valueCodeableConcept": {"coding": [{"code": "x", "display": "Détecté"}]}}, "Détecté", ""),
        ({"valueString": "Escherichia coli"}, "Escherichia coli", ""),
        ({"valueBoolean": False}, "false", ""),
        ({"valueInteger": 12}, "12", ""),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "mL"}}}, "1 - 2", "mL"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1:128", ""),
        ({"valueTime": "12:00:00"}, "12:00:00", ""),
        ({"valueDateTime": "2026-07-05T16:46"}, "2026-07-05 16:46", ""),
        ({"valuePeriod": {"start": "2026-07-05", "end": "2026-07-06"}}, "2026-07-05 - 2026-07-06", ""),
        ({"valueSampledData": {"origin": {"value": 0, "unit": "mV"}, "data": "1 2 3"}}, "1 2 3", "mV"),
        ({"valueSampledData": {"origin": {"value": 2048, "unit": "mV"}, "factor": 2.5, "data": "1 2"}},
         "1 2 (× 2.5 + 2048)", "mV"),
        ({"dataAbsentReason": {"text": "hémolysé"}}, "hémolysé", ""),
        ({"valueQuantity": {"unit": "g", "extension": [ABSENT]}}, "masked", ""),
        ({"valueQuantity": {"_value": {"extension": [ABSENT]}}}, "masked", ""),
        ({"_valueString": {"extension": [ABSENT]}}, "masked", ""),
    ],
)  # fmt: skip
def test_every_kind_of_value_is_read(resources, value, text, unit):
    bare = {k: v for k, v in resources.potassium().items() if k != "valueQuantity"}
    found = only(resources.report(contained=[resources.patient(), bare | value]))
    assert [(o.value, o.unit) for o in found.groups[0].observations] == [(text, unit)]


def test_components_and_members_are_values_of_their_own(resources):
    panel = resources.potassium(
        id="bp", valueQuantity=None, code={"text": "Tension"}, interpretation=None,
        component=[
            {"code": {"text": "systolique"}, "valueQuantity": {"value": 120}},
            {"code": {"text": "diastolique"}, "valueQuantity": {"value": 80}},
        ],
        hasMember=[{"reference": "#o1"}, {"reference": "#bp"}],
    )  # fmt: skip
    report = resources.report(
        contained=[resources.patient(), panel, resources.potassium()],
        result=[{"reference": "#bp"}, {"reference": "#o1"}],
    )
    names = [(o.name, o.value) for o in only(report).groups[0].observations]
    assert names == [
        ("Tension: systolique", "120"), ("Tension: diastolique", "80"), ("Potassium", "6.9"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("registered", Status.PENDING),
        ("partial", Status.PRELIMINARY),
        ("preliminary", Status.PRELIMINARY),
        ("final", Status.FINAL),
        ("amended", Status.CORRECTED),
        ("corrected", Status.CORRECTED),
        ("appended", Status.FINAL),
        ("cancelled", Status.CANCELLED),
        ("entered-in-error", Status.WITHDRAWN),
        ("unknown", Status.UNKNOWN),
    ],
)
def test_every_status_is_known(resources, code, status):
    assert only(resources.report(status=code)).groups[0].status is status


@pytest.mark.parametrize("code", ["entered-in-error", "cancelled"])
def test_a_report_that_is_taken_back_takes_its_values_with_it(resources, code):
    (value,) = only(resources.report(status=code)).groups[0].observations
    assert value.status in (Status.WITHDRAWN, Status.CANCELLED)


@pytest.mark.parametrize("code", ["FINAL", "", None, "done"])
def test_a_status_that_is_none_is_refused(resources, code):
    why = refusal(resources.report(status=code))
    assert (why.status, why.location) == (422, "DiagnosticReport.status")


def test_the_ward_comes_from_the_stay(resources):
    ward = {"resourceType": "Location", "id": "w", "identifier": [{"value": "CARD"}], "name": "Cardiologie",
            "physicalType": {"coding": [{"code": "wa"}]}}  # fmt: skip
    bed = {"resourceType": "Location", "id": "b", "name": "214-A", "partOf": {"reference": "Location/w"},
           "physicalType": {"coding": [{"code": "bd"}]}}  # fmt: skip
    stay = {"resourceType": "Encounter", "id": "e", "identifier": [{"value": "NDA9"}],
            "subject": {"reference": "Patient/p1"},
            "location": [{"location": {"reference": "Location/b"}, "status": "active"}]}  # fmt: skip
    report = resources.report(
        subject={"reference": "Patient/p1"}, encounter={"reference": "Encounter/e"},
        contained=[resources.potassium()],
    )  # fmt: skip
    message = only(resources.bundle(report, resources.patient(), stay, ward, bed))
    assert message.location == Location(unit="CARD", bed="214-A", facility="Cardiologie")
    assert message.patient.nda == "NDA9"


def test_an_order_says_what_is_wanted_by_whom(resources):
    order = {
        "resourceType": "ServiceRequest", "id": "sr", "status": "active", "intent": "order",
        "priority": "stat", "code": {"text": "Hémoculture"}, "subject": {"reference": "#p1"},
        "requester": {"display": "Dr Guérin"}, "occurrenceDateTime": "2026-07-05T16:46:00+02:00",
        "note": [{"text": "à jeun"}], "locationReference": [{"display": "CARD"}],
        "contained": [resources.patient()],
    }  # fmt: skip
    message = only(order)
    (group,) = message.groups
    assert (message.kind, message.priority, message.location.unit) == (
        Kind.ORDER,
        Priority.URGENT,
        "CARD",
    )
    assert (group.control, group.requester, group.wanted_at) == (
        "NW",
        "Dr Guérin",
        "20260705164600+0200",
    )
    assert group.notes == ("à jeun",)


def test_a_communication_is_a_document_with_its_words(resources):
    pdf = base64.b64encode(b"%PDF-1.4 tiny").decode()
    said = {
        "resourceType": "Communication", "status": "completed", "subject": {"reference": "#p1"},
        "payload": [{"contentString": "Prévenir le médecin"},
                    {"contentAttachment": {"contentType": "application/pdf", "data": pdf, "title": "CR"}}],
        "contained": [resources.patient()],
    }  # fmt: skip
    message = only(said)
    assert message.kind is Kind.DOCUMENT
    assert message.groups[0].notes == ("Prévenir le médecin",)
    attached = message.groups[0].observations[0].attachment
    assert (attached.media_type, attached.size, attached.fault) == ("application/pdf", 13, "")
    assert extract(json.dumps(said).encode()) == (b"%PDF-1.4 tiny",)


def test_a_document_that_is_only_an_address_is_not_fetched(resources):
    form = {"url": "http://169.254.169.254/latest", "contentType": "application/pdf", "title": "CR"}
    message = only(resources.report(presentedForm=[form]))
    assert message.groups[0].observations[-1].attachment.fault == "only an address"


def test_a_document_that_is_not_what_its_hash_says_is_marked(resources):
    form = {"data": "JVBERi0xLjQ=", "hash": "AAAA", "contentType": "application/pdf"}
    message = only(resources.report(presentedForm=[form]))
    assert message.groups[0].observations[-1].attachment.fault == "not what its hash says"
    assert extract(json.dumps(resources.report(presentedForm=[form])).encode()) == (b"",)


def test_a_transaction_of_two_patients_is_two_messages(resources):
    other = resources.patient(
        identifier=[{"value": "9"}], name=[{"family": "Roux"}], birthDate="1950"
    )
    found = resources.bundle(
        resources.report(id="r1"),
        resources.report(id="r2", contained=[other, resources.potassium()]),
        type="transaction",
    )
    raw = resources.bytes(found).replace(b"6.9", b"6.90")
    one, two = read_all(raw, sender="SIL|LABO")
    assert [p.message.patient.family for p in (one, two)] == ["Lefèvre", "Roux"]
    assert (one.entries, two.entries) == ((0,), (1,))
    assert b"Roux" not in one.raw
    assert "Lefèvre".encode() not in two.raw
    for part in (one, two):
        again = read(part.raw, control_id=part.message.control_id, sender="SIL|LABO")
        assert again == part.message
        assert again.groups[0].observations[0].value == "6.90"


@pytest.mark.parametrize("kind", ["message", "collection", "document"])
def test_two_patients_in_one_message_are_refused(resources, kind):
    other = resources.patient(identifier=[{"value": "9"}], name=[{"family": "Roux"}])
    report = resources.report(id="r2", contained=[other, resources.potassium()])
    why = refusal(resources.bundle(resources.report(), report, type=kind))
    assert why.location == "Bundle.entry[1].resource.subject"


def test_a_value_of_another_patient_is_refused(resources):
    other = resources.patient(id="p2", identifier=[{"value": "9"}], name=[{"family": "Roux"}])
    value = resources.potassium(subject={"reference": "#p2"})
    why = refusal(resources.report(contained=[resources.patient(), other, value]))
    assert why.location == "DiagnosticReport.contained[2].subject"


def test_a_patient_who_did_not_come_is_refused(resources):
    why = refusal(resources.report(subject={"reference": "http://elsewhere/Patient/1"}))
    assert (why.status, why.issue, why.location) == (422, "not-found", "DiagnosticReport.subject")


def test_a_result_that_did_not_come_is_refused(resources):
    why = refusal(resources.report(result=[{"reference": "Observation/else"}]))
    assert why.location == "DiagnosticReport.result[0]"


def test_what_may_turn_the_meaning_is_refused(resources):
    why = refusal(resources.report(modifierExtension=[{"url": "urn:not", "valueBoolean": True}]))
    assert why.location == "DiagnosticReport.modifierExtension"


@pytest.mark.parametrize(
    ("more", "place"),
    [
        (
            {"component": [{"code": {"text": "a"}, "modifierExtension": [{"url": "x"}]}]},
            "component[0].",
        ),
        (
            {"referenceRange": [{"text": "1", "modifierExtension": [{"url": "x"}]}]},
            "referenceRange[0].",
        ),
    ],
)
def test_what_may_turn_the_meaning_is_refused_in_any_part(resources, more, place):
    found = refusal(resources.report(contained=[resources.patient(), resources.potassium(**more)]))
    assert found.location == f"DiagnosticReport.contained[1].{place}modifierExtension"


def test_rules_that_nobody_knows_and_comparators_that_are_none_are_refused(resources):
    quantity = {"valueQuantity": {"value": 5, "comparator": "≮"}}
    for found in (
        resources.report(implicitRules="http://x/rules"),
        resources.report(contained=[resources.patient(), resources.potassium(implicitRules="x")]),
        resources.bundle(resources.report(), implicitRules="http://x/rules"),
        resources.report(contained=[resources.patient(), resources.potassium(**quantity)]),
    ):
        assert refusal(found).location.endswith(("implicitRules", "comparator"))


def test_a_reference_range_says_for_whom_it_is(resources):
    ranges = [
        {"low": {"value": 1}, "high": {"value": 2}, "appliesTo": [{"text": "femme"}],
         "age": {"low": {"value": 18, "unit": "ans"}}},
        {"text": "< 5", "age": {"high": {"value": 1, "code": "a"}}},
    ]  # fmt: skip
    value = resources.potassium(referenceRange=ranges)
    (read,) = only(resources.report(contained=[resources.patient(), value])).groups[0].observations
    assert read.reference == "1 - 2 (femme, ≥ 18 ans)\n< 5 (≤ 1 a)"


def test_a_value_that_is_said_to_be_absent_is_shown_with_the_reason(resources):
    value = resources.potassium(
        dataAbsentReason={"text": "hémolysé"}, bodySite={"text": "bras gauche"}
    )
    (read,) = only(resources.report(contained=[resources.patient(), value])).groups[0].observations
    assert (read.value, read.notes) == ("6.9", ("bras gauche", "hémolysé"))


def test_a_report_that_is_only_a_text_is_shown_as_one(resources):
    div = '<div xmlns="x"><p>Potassium&#160;:</p><p>6,9 &lt; 7</p><b>fin</b></div>'
    found = resources.report(result=[], contained=[resources.patient()], text={"div": div})
    assert only(found).groups[0].notes == ("Potassium :\n6,9 < 7\nfin",)
    with_values = resources.report(text={"div": div})
    assert only(with_values).groups[0].notes == ()


def test_the_specimen_of_all_values_is_that_of_their_report(resources):
    value = resources.potassium(specimen={"display": "Sang"})
    found = resources.report(contained=[resources.patient(), value])
    assert only(found).groups[0].specimen == "Sang"


def test_two_resources_of_one_name_are_nobody(resources):
    twins = [resources.patient(), resources.patient(name=[{"family": "Roux"}])]
    why = refusal(resources.report(contained=[*twins, resources.potassium()]))
    assert why.issue == "multiple-matches"


def test_a_transaction_with_something_unknown_is_refused_whole(resources):
    why = refusal(
        resources.bundle(resources.report(), {"resourceType": "Nope"}, type="transaction")
    )
    assert why.location == "Bundle.entry[1].resource"


def test_nothing_can_be_deleted(resources):
    entry = {"resource": resources.report(), "request": {"method": "DELETE", "url": "X?_id=*"}}
    assert refusal(resources.bundle(entry, type="transaction")).status == 405


def test_the_sites_limits_are_applied(resources):
    value = resources.potassium(interpretation=[])
    limits = Limits(ranges={"2823-3": Range(high=6.0, unit="mmol/L")})
    found = only(resources.report(contained=[resources.patient(), value]), limits=limits)
    assert found.groups[0].observations[0].flag is Flag.CRITICAL_HIGH


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"1", b"{", b'{"resourceType":"Observation"}{}', b"\xff\xfe{\x00}\x00",
        b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e999}', b'{"a":' + b"9" * 65 + b"}",
        b'{"a":"\\ud83d"}', b"[" * 100_000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b'{"a":["]]]]]"' + b',["]]"' * 90 + b"]" * 90 + b"]}",
    ],
)  # fmt: skip
def test_what_is_no_sound_json_is_refused(raw):
    assert refusal(raw).status == 400


def test_a_pair_of_surrogates_is_a_character(resources):
    raw = resources.bytes(resources.report(code={"text": "X"})).replace(
        b'"X"', rb'"\ud83d\ude00 \\ud83d"'
    )
    assert only(raw).groups[0].name == "\U0001f600 \\ud83d"


def test_too_many_parts_are_refused_before_they_cost_memory():
    assert refusal(b'{"a":[' + b"{}," * 300_000 + b"{}]}").status == 413


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
PLACES = (
    "status code subject contained result presentedForm basedOn encounter identifier specimen category "
    "conclusion note meta effectivePeriod id"
).split()


@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_in_a_place_is_read_or_refused(place, junk):
    report = {
        "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "X"},
        "subject": {"display": "Roux"},
    } | {place: junk}  # fmt: skip
    try:
        read_all(json.dumps(report).encode(), sender="A|B")
    except Refused as why:
        assert why.location  # noqa: PT017


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(raw):
    assert refusal(raw).status in (400, 413, 422)
