"""How a message is addressed and named on a bus."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bus.letter import (
    addressed,
    check_address,
    control_id_of,
    headers,
    message_id,
    parcel,
)
from gateway.hl7 import mark_delivered
from tests.unit.bus.fake import message


def test_places_are_filled_from_the_message():
    template = "labo.{message}.{event}.{application}.{facility}.{receiver}"
    assert addressed(template, message()) == "labo.ORU.R01.SIL.LABO.DPI"


def test_what_a_bus_would_misread_never_gets_into_an_address():
    raw = message().replace(b"|SIL|", b"|S.I*L #|")
    assert addressed("{application}", raw) == "S-I-L-"


def test_an_empty_place_is_a_dash():
    assert addressed("{application}.{event}", b"MSH|^~\\&||X|||||ACK|1\r") == "-.-"


@given(st.binary(max_size=100) | st.sampled_from([b"MSH", b"MSH|", b"ZWL"]))
def test_an_address_is_always_one_word_for_each_place(raw):
    assert addressed("a.{message}.{event}", raw).count(".") == 2


def test_an_address_and_a_name_fit_into_a_routing_key_whatever_the_sender_wrote():
    raw = message("A" * 400).replace(b"|SIL|", b"|" + b"x" * 300 + b"|")
    made = parcel(raw, address="{application}.{facility}", control_id="A" * 400, token=7)

    assert len(made.address) <= 255
    assert len(made.message_id) <= 255
    assert made.message_id != parcel(raw, address="", control_id="A" * 401, token=7).message_id


@pytest.mark.parametrize("control_id", ["a\nb: c", "é", "\0"])
def test_a_name_is_one_line_of_ascii(control_id):
    assert message_id(7, control_id).isascii()
    assert message_id(7, control_id).isprintable()


def test_a_template_that_could_become_too_long_is_a_fault():
    with pytest.raises(ValueError, match="255 octets"):
        check_address("x" * 200 + "{message}{event}")


def test_an_unknown_place_is_a_fault_that_names_those_there_are():
    with pytest.raises(ValueError, match=r"no place \{ward\}.*\{event\}"):
        check_address("{ward}")


def test_a_message_id_gives_its_control_id_back_even_with_colons():
    assert control_id_of(message_id(7, "A:1")) == "A:1"
    assert control_id_of("A1") == "A1"


def test_a_message_that_was_not_delivered_otherwise_has_no_headers():
    assert headers(message()) == {}


def test_only_a_last_zwl_is_a_record():
    assert headers(message("A1", "ZWL|DELIVERED", "NTE|1||x")) == {}


def test_a_record_is_read_in_the_messages_own_delimiters():
    raw = message().replace(b"|", b"!").replace(b"^", b"$")
    assert headers(mark_delivered(raw, ("DELIVERED", "CARD")))["wardline-ward"] == "CARD"


def test_empty_fields_of_a_record_are_left_out():
    found = headers(mark_delivered(message(), ("NOT-DELIVERED", "", "")))
    assert found == {"wardline-handback": "true", "wardline-outcome": "NOT-DELIVERED"}


def test_a_parcel_sent_again_says_so_beside_its_record():
    raw = mark_delivered(message(), ("DELIVERED",))
    made = parcel(raw, address="x", control_id="A1", token=7, again=True)

    assert made.message_id == "wardline:7:A1"
    assert made.headers["wardline-resent"] == "true"
    assert made.headers["wardline-outcome"] == "DELIVERED"


def test_a_record_in_fhir_has_an_address_and_a_type_of_its_own():
    found = parcel(
        b'{"resourceType": "Bundle"}', address="{message}.{event}.{facility}",
        control_id="WLR1", token=7,
    )  # fmt: skip

    assert (found.address, found.content_type) == (
        "FHIR.Communication.-", "application/fhir+json",
    )  # fmt: skip
