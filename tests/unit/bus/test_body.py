"""What comes off a bus: messages, envelopes, receipts, and what is refused with a reason."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bus.body import Receipt, Resource, read_body, read_receipt
from gateway.errors import Rejected
from gateway.hl7 import ack
from tests.unit.bus.fake import message


def envelope(**keys):
    return json.dumps({"format": "hl7v2", **keys}).encode()


def test_hl7_stays_as_it_came():
    assert read_body(message("A1")).messages == (message("A1"),)


def test_an_mllp_frame_that_a_bridge_left_on_is_taken_off():
    assert read_body(b"\x0b" + message("A1") + b"\x1c\r").messages == (message("A1"),)


def test_a_batch_is_taken_apart_and_a_wrong_count_is_told():
    found = read_body(b"BHS|^~\\&\r" + message("A1") + message("A2") + b"BTS|3\r")

    assert found.messages == (message("A1"), message("A2"))
    assert found.fault is not None


def test_an_envelope_holds_one_message_or_several():
    one, two = message("A1").decode(), message("A2").decode()

    assert read_body(envelope(body=one)).messages == (message("A1"),)
    assert read_body(envelope(body=[one, two])).messages == (message("A1"), message("A2"))


def test_an_envelopes_text_becomes_the_bytes_that_its_message_promises():
    text = message("A1", "NTE|1||é").decode().replace("|2.5", "|2.5||||||8859/1")

    assert b"\xe9" in read_body(envelope(body=text)).messages[0]


def test_an_envelope_may_be_base64():
    body = b64encode(message("A1")).decode()
    assert read_body(envelope(body=body, encoding="base64")).messages == (message("A1"),)


def test_what_stands_on_an_envelope_must_be_true():
    text = message("A1").decode()
    assert read_body(envelope(body=text, id="A1", sender="SIL|LABO"))

    with pytest.raises(Rejected, match="id is not its message's"):
        read_body(envelope(body=text, id="B2"))
    with pytest.raises(Rejected, match="sender is not its message's"):
        read_body(envelope(body=text, sender="OTHER|LABO"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"{", "not JSON"),
        (b'{"a": 1, "a": 2}', "a key comes twice"),
        (b'{"format": "hl7v3"}', "no HL7 v2, no FHIR"),
        (b'{"x": ' + b"[" * 100_000 + b"}", "nested deeper"),
        (b'{"x": ' + b"9" * 5000 + b"}", "nobody can have meant"),
        (b'{"x": "\xff"}', "not UTF-8"),
        (envelope(body="MSH|", id=7), "id and sender are texts"),
        (envelope(body="MSH|", sender=["SIL|LABO"]), "id and sender are texts"),
        (b'{"format": "fhir", "body": "no JSON"}', "not JSON"),
        (b'{"format": "fhir", "body": []}', "one FHIR resource"),
        (b'{"format": "fhir", "body": 4}', "a text"),
        (envelope(body=7), "a text"),
        (envelope(body="*", encoding="base64"), "not base64"),
        (envelope(body="x", encoding="rot13"), "encoding"),
        (envelope(body="x", encoding=["text"]), "encoding"),
        (b'{"receipt_for": 7}', "texts"),
        (b'{"receipt_for": ""}', "texts"),
        (b'{"receipt_for": "A1", "by": []}', "texts"),
        (b'{"receipt_for": "A1", "status": "maybe"}', "status"),
        (b'{"receipt_for": "A1", "status": {}}', "status"),
    ],
)
def test_what_is_neither_is_refused_and_says_why(body, why):
    with pytest.raises(Rejected, match=why) as rejected:
        read_body(body)
    assert b"maybe" not in rejected.value.reason.encode()


def test_a_refusal_quotes_nothing_of_the_body():
    with pytest.raises(Rejected) as rejected:
        read_body(b'{"patient": LEFEBVRE}')
    assert "LEFEBVRE" not in rejected.value.reason


def test_a_json_receipt_says_who_has_what():
    body = {"receipt_for": "A1", "by": "DPI", "sender": "SIL|LABO"}
    found = read_receipt(json.dumps(body).encode())

    assert found == Receipt(control_id="A1", code="AA", by="DPI", sender="SIL|LABO")
    assert found.positive


@pytest.mark.parametrize(("status", "code"), [("refused", "AR"), ("failed", "AE")])
def test_a_receipt_may_say_no(status, code):
    found = read_body(json.dumps({"receipt_for": "A1", "status": status}).encode())

    assert found.code == code
    assert not found.positive


@pytest.mark.parametrize("code", ["AA", "CA"])
def test_an_hl7_acknowledgement_is_a_receipt(code):
    raw = ack(message("A1"), code, control_id="9", now=datetime(2026, 11, 23))  # noqa: DTZ001
    found = read_receipt(raw)

    assert (found.control_id, found.code, found.by) == ("A1", "AA", "DPI|HOP")


def test_a_result_is_no_receipt():
    with pytest.raises(Rejected):
        read_receipt(message("A1"))


def test_a_fhir_resource_stays_as_it_came():
    raw = b'{"resourceType": "DiagnosticReport", "x": 4.10}'

    assert read_body(b"\n" + raw) == Resource(raw=raw)
    assert read_body(b"\xef\xbb\xbf" + raw) == Resource(raw=raw)


def test_a_bundle_says_its_name_and_its_message_header_who_sends_it():
    head = {"resourceType": "MessageHeader", "source": {"name": "SIL|LABO"}}
    bundle = {
        "resourceType": "Bundle",
        "identifier": {"value": "B1"},
        "entry": [{"resource": head}],
    }

    found = read_body(json.dumps(bundle).encode())

    assert (found.name, found.sender) == ("B1", "SIL|LABO")


@pytest.mark.parametrize(
    "more",
    [
        {"identifier": "B1"},
        {"identifier": {"value": 7}},
        {"identifier": {"value": "x" * 200}},
        {"identifier": {"value": "a\nb"}},
        {"entry": [7]},
        {"entry": {}},
        {"entry": [{"resource": {"resourceType": "MessageHeader", "source": []}}]},
        {"entry": [{"resource": {"resourceType": "Patient", "source": {"name": "X"}}}]},
    ],
)
def test_a_name_that_is_none_is_no_name(more):
    found = read_body(json.dumps({"resourceType": "Bundle", **more}).encode())
    assert (found.name, found.sender) == ("", "")


@pytest.mark.parametrize("encoding", ["object", "text", "base64"])
def test_an_envelope_may_hold_a_fhir_resource_and_names_it(encoding):
    text = '{"resourceType":"Observation","valueQuantity":{"value":4.10}}'
    body = {"object": "BODY", "text": text, "base64": b64encode(text.encode()).decode()}[encoding]
    how = {} if encoding == "object" else {"encoding": encoding}
    sent = {"format": "fhir", "body": body, "id": "A7", "sender": "SIL|LABO", **how}

    found = read_body(json.dumps(sent).replace('"BODY"', text).encode())

    assert found == Resource(raw=text.encode(), name="A7", sender="SIL|LABO"), "4.10 is not 4.1"


def test_an_envelope_with_another_bundle_in_it_is_refused():
    bundle = {"resourceType": "Bundle", "identifier": {"value": "B1"}}
    with pytest.raises(Rejected, match="id is not its Bundle's"):
        read_body(json.dumps({"format": "fhir", "body": bundle, "id": "B2"}).encode())


def test_a_fhir_resource_is_no_receipt():
    with pytest.raises(Rejected, match="no receipt"):
        read_receipt(b'{"resourceType": "Communication"}')


_KEYS = st.sampled_from(
    "format body encoding id sender resourceType identifier value entry resource source name "
    "receipt_for status by reason".split()
) | st.text(max_size=4)
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=8),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(_KEYS, each, max_size=4),
    max_leaves=12,
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda t: t.encode()),
        st.dictionaries(_KEYS, _JSON, max_size=6).map(lambda d: json.dumps(d).encode()),
    )
)
def test_anything_is_read_or_refused(body):
    for read in (read_body, read_receipt):
        with suppress(Rejected):
            assert read(body) is not None
