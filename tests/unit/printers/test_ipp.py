"""IPP's bytes: what is written is read back, RFC 8010's own examples are understood, nonsense is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.ipp import (
    Group,
    Localised,
    Malformed,
    Packet,
    Range,
    Resolution,
    Tag,
    Value,
    decode,
    encode,
)
from printers.ipp.decode import DEEPEST, MOST_VALUES
from printers.ipp.names import said
from printers.ipp.reasons import hints, reasons

INTEGERS = st.integers(-(2**31), 2**31 - 1)
TEXTS = st.text("az -é–µγ😀\x00\n", max_size=20)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
SIMPLE = st.one_of(
    st.builds(Value, st.sampled_from([Tag.INTEGER, Tag.ENUM]), INTEGERS),
    st.builds(Value, st.just(Tag.BOOLEAN), st.booleans()),
    st.builds(Value, st.sampled_from([Tag.UNKNOWN, Tag.NO_VALUE, Tag.UNSUPPORTED]), st.none()),
    st.builds(Value, st.just(Tag.OCTETS), st.binary(max_size=20)),
    st.builds(Value, st.just(Tag.DATE_TIME), st.binary(min_size=11, max_size=11)),
    st.builds(Value, st.just(Tag.RANGE), st.builds(Range, INTEGERS, INTEGERS)),
    st.builds(
        Value,
        st.just(Tag.RESOLUTION),
        st.builds(Resolution, INTEGERS, INTEGERS, st.sampled_from([3, 4])),
    ),
    st.builds(Value, st.just(Tag.NAME_IN_LANGUAGE), st.builds(Localised, TEXTS, TEXTS)),
    st.builds(Value, st.sampled_from([Tag.TEXT, Tag.KEYWORD, Tag.URI, Tag.MEDIA_TYPE]), TEXTS),
)


def attributes(values):
    return st.dictionaries(NAMES, st.lists(values, min_size=1, max_size=3).map(tuple), max_size=3)


VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.builds(Value, st.just(Tag.BEGIN_COLLECTION), attributes(inner)),
    max_leaves=6,
)
GROUPS = st.builds(
    Group, st.sampled_from([Tag.OPERATION, Tag.JOB, Tag.PRINTER]), attributes(VALUES)
)
PACKETS = st.builds(
    Packet,
    code=st.integers(0, 0x7FFF),
    request_id=INTEGERS,
    groups=st.lists(GROUPS, max_size=3).map(tuple),
    version=st.just((1, 1)),
)


@given(PACKETS, st.binary(max_size=10))
def test_what_is_written_is_read_back_and_the_document_left_alone(packet, document):
    assert decode(encode(packet) + document) == (packet, document)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_malformed(data):
    with suppress(Malformed):
        decode(data)


@given(PACKETS, st.data())
def test_a_packet_with_a_byte_changed_or_cut_is_a_packet_or_malformed(packet, data):
    whole = bytearray(encode(packet))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    for sent in (bytes(whole), bytes(whole[:at])):
        with suppress(Malformed):
            decode(sent)


def test_the_print_job_request_of_rfc_8010_is_written_byte_for_byte():
    """RFC 8010 A.1, shortened to its first attributes."""
    packet = Packet(
        code=2,
        request_id=1,
        groups=(
            Group(
                Tag.OPERATION,
                {
                    "attributes-charset": (Value(Tag.CHARSET, "utf-8"),),
                    "attributes-natural-language": (Value(Tag.LANGUAGE, "en-us"),),
                    "ipp-attribute-fidelity": (Value(Tag.BOOLEAN, True),),
                },
            ),
            Group(Tag.JOB, {"copies": (Value(Tag.INTEGER, 20),)}),
        ),
    )
    assert encode(packet) == bytes.fromhex(
        "0101 0002 00000001 01"
        "47 0012 617474726962757465732d63686172736574 0005 7574662d38"
        "48 001b 617474726962757465732d6e61747572616c2d6c616e6775616765 0005 656e2d7573"
        "22 0016 6970702d6174747269627574652d666964656c697479 0001 01"
        "02 21 0006 636f70696573 0004 00000014 03"
    )


def test_the_collection_of_rfc_8010_is_read():
    """RFC 8010 3.1.6: media-col with media-size in it."""
    data = bytes.fromhex("0101 0000 00000001 02 34 0009 6d656469612d636f6c 0000")
    data += bytes.fromhex("4a 0000 000a 6d656469612d73697a65 34 0000 0000")
    data += bytes.fromhex("4a 0000 000b 782d64696d656e73696f6e 21 0000 0004 00005208")
    data += bytes.fromhex("37 0000 0000 37 0000 0000 03")
    packet, rest = decode(data)
    assert rest == b""
    (media,) = packet.first(Tag.JOB).attributes["media-col"]
    assert media.content == {
        "media-size": (Value(Tag.BEGIN_COLLECTION, {"x-dimension": (Value(Tag.INTEGER, 21000),)}),)
    }


HEAD = bytes.fromhex("0101 0000 00000001")


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (HEAD, "too early"),
        (HEAD + b"\x01", "too early"),
        (HEAD + b"\x44\x00\x01a\x00\x00\x03", "where a group begins"),
        (HEAD + b"\x01\x44\x00\x00\x00\x00\x03", "without a name"),
        (HEAD + b"\x01\x44\x7f\xffa", "beyond the end"),
        (HEAD + b"\x01\x44\x80\x00a", "beyond the end"),
        (HEAD + b"\x01\x21\x00\x01a\x00\x03\x00\x00\x00\x03", "3 bytes"),
        (HEAD + b"\x01\x34\x00\x01a\x00\x00\x03", "broken off|too early|beyond"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong(sent, fault):
    with pytest.raises(Malformed, match=fault):
        decode(sent)


def test_collections_nested_without_end_are_refused():
    level = bytes.fromhex("4a 0000 0001 61 34 0000 0000")
    with pytest.raises(Malformed, match="too deep"):
        decode(HEAD + b"\x02" + bytes.fromhex("34 0001 61 0000") + level * (DEEPEST + 5000))


def test_values_without_end_are_refused():
    more = b"\x44\x00\x00\x00\x01x"
    with pytest.raises(Malformed, match="more than"):
        decode(HEAD + b"\x01\x44\x00\x01a\x00\x01x" + more * (MOST_VALUES + 1) + b"\x03")


def test_a_name_that_comes_twice_counts_the_first_time():
    one = Group(Tag.JOB, {"job-state": (Value(Tag.ENUM, 5),)})
    twice = encode(Packet(code=0, request_id=1, groups=(one,)))[:-1]
    twice += b"\x23\x00\x09job-state\x00\x04\x00\x00\x00\x09\x03"
    assert decode(twice)[0].first(Tag.JOB).number("job-state") == 5


def test_what_ipp_cannot_say_is_not_written():
    for values in ((), (Value(Tag.TEXT, "x" * 40_000),)):
        with pytest.raises(ValueError, match="a: "):
            encode(Packet(code=2, request_id=1, groups=(Group(Tag.JOB, {"a": values}),)))


def test_a_status_is_said_with_its_word():
    assert said(0x0507) == "0x0507 server-error-busy"
    assert said(0x0999) == "0x0999"


# -- reasons


def printer(*words, state=3, trays=()):
    return Group(
        Tag.PRINTER,
        {
            "printer-state": (Value(Tag.ENUM, state),),
            "printer-state-reasons": tuple(Value(Tag.KEYWORD, w) for w in words),
            "printer-input-tray": tuple(Value(Tag.OCTETS, t) for t in trays),
        },
    )


@pytest.mark.parametrize(
    ("sent", "state", "words"),
    [
        (["none"], 3, ()),
        (["media-empty-error"], 5, ("media-empty",)),
        (["media-empty"], 3, ("media-empty",)),
        (["media-empty-report"], 5, ("media-empty",)),  # it stands still, whatever it calls it
        (["media-empty-warning"], 4, ("media-low",)),
        (["media-low-report", "media-jam-error"], 5, ("media-jam", "media-low")),
        (["toner-low-warning"], 3, ("marker-supply-low",)),
        (["cover-open-warning"], 3, ()),
        (["fuser-over-temp-report", "spool-area-full-report"], 3, ()),
        (["fuser-over-temp-error"], 3, ("other-error",)),
        (["paused"], 5, ("paused",)),
        (["none"], 5, ("other-error",)),
        (["x" * 500 + "-error"], 5, ("other-error",)),
    ],
)
def test_reasons_are_said_in_the_words_of_all_printers(sent, state, words):
    assert reasons(printer(*sent, state=state)) == words


def test_a_tray_whose_level_is_unknown_says_nothing():
    assert reasons(printer("media-empty-error", trays=[b"level=-2;name=auto"])) == ("media-empty",)
    empty = [b"level=-2;name=auto", b"level=0;name=main"]
    assert reasons(printer("none", trays=empty)) == ("media-empty",)
    some = [b"level=-3;name=main", b"level=0;name=two", b"\xff;;level=x"]
    assert reasons(printer("media-empty-error", trays=some)) == ("media-low",)


def test_a_warning_may_be_why_a_job_does_not_go_on():
    said = printer("media-empty-warning", "media-low-report", "toner-low-warning", "none", state=4)
    assert hints(said) == ("media-empty",)
