from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.status import (
    Answer,
    AutoStatus,
    Backchannel,
    Block,
    Cleared,
    FlowControl,
    PaperStatus,
    ProcessId,
    Status,
    Unknown,
    severe,
)


def status(*, printer=0, cause=0, error=0, paper=0):
    return Status((0x12 | printer, 0x12 | cause, 0x12 | error, 0x12 | paper))


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"\x16\x12\x12\x12", [Answer(0x16), Answer(0x12), Answer(0x12), Answer(0x12)]),
        (b"\x1a", [Answer(0x1A)]),  # offline
        (b"\x7e", [Answer(0x7E)]),  # DLE EOT 4: near end and end
        (b"\x14\x00\x00\x0f", [AutoStatus((0x14, 0, 0, 0x0F))]),
        (b"\x00", [PaperStatus(0)]),
        (b"\x03", [PaperStatus(3)]),
        (b"\x377K2Q\x00", [Block(b"\x377K2Q")]),  # 37 without 22 is another answer
        (b'\x37"7K2Q\x00', [ProcessId("7K2Q")]),
        (b"\x37%\x00", [Cleared()]),
        (b"_TM-T20II\x00", [Block(b"_TM-T20II")]),
        (b"\x11\x13", [FlowControl(0x11), FlowControl(0x13)]),
        (b"\xff\x80", [Unknown(0xFF), Unknown(0x80)]),
        (b"\x1c\x00\x08\x0f\x16", [AutoStatus((0x1C, 0, 8, 0x0F)), Answer(0x16)]),
    ],
)
def test_it_tells_answers_apart(data, events):
    assert Backchannel().feed(data) == events


def test_an_unfinished_block_waits_for_its_end():
    back = Backchannel()

    assert back.feed(b'\x37"7K') == []
    assert back.feed(b"2Q") == []
    assert back.feed(b"\x00") == [ProcessId("7K2Q")]


def test_a_status_block_that_lost_a_byte_does_not_swallow_the_next_answer():
    assert Backchannel().feed(b"\x14\x00\x16") == [Unknown(0x14), PaperStatus(0), Answer(0x16)]


def test_a_stray_header_does_not_swallow_the_next_answer():
    assert Backchannel().feed(b"\x35\x16") == [Unknown(0x35), Answer(0x16)]


def test_a_block_that_never_ends_is_let_go():
    events = Backchannel().feed(b"_" + b"A" * 200)

    assert events[0] == Unknown(0x5F)
    assert len(events) == 201


ANSWERS = st.one_of(
    st.sampled_from([b"\x16", b"\x12", b"\x00", b"\x11", b"\x14\x00\x00\x0f", b"\x37%\x00"]),
    st.sampled_from([b'\x37"7K2Q\x00', b"_EPSON\x00", b"\x10", b"\x35", b"\xff"]),
    st.binary(min_size=1, max_size=6),
)


@given(st.lists(ANSWERS, max_size=12), st.lists(st.integers(0, 80), max_size=12))
def test_any_chunking_gives_the_same_events(parts, cuts):
    data = b"".join(parts)
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    whole, chunked = Backchannel(), Backchannel()

    together = whole.feed(data)
    apart = [event for start, end in pairwise(edges) for event in chunked.feed(data[start:end])]

    assert apart == together
    assert chunked.feed(b"\xff\xff\xff") == whole.feed(b"\xff\xff\xff")


@given(st.binary(max_size=40))
def test_every_byte_is_reported_or_held(data):
    back = Backchannel()

    reported = sum(_size(event) for event in back.feed(data))

    assert reported + len(back._held) == len(data)


def _size(event):
    match event:
        case AutoStatus():
            return 4
        case ProcessId():
            return 7
        case Cleared():
            return 3
        case Block(data):
            return len(data) + 1
        case _:
            return 1


@pytest.mark.parametrize(
    ("answers", "reasons"),
    [
        (status(), ()),
        (status(printer=0x04), ()),  # drawer pin: 0x16 is on line as well
        (status(printer=0x08, cause=0x04), ("cover-open",)),
        (status(printer=0x08, cause=0x20, paper=0x60), ("media-empty",)),
        (status(printer=0x08, cause=0x20, paper=0x6C), ("media-empty",)),
        (status(paper=0x0C), ("media-low",)),
        (status(printer=0x08, cause=0x40, error=0x08), ("media-jam",)),
        (status(printer=0x08, cause=0x40, error=0x20), ("other-error",)),
        (status(printer=0x08, cause=0x40, error=0x40), ("other-error",)),
        (status(printer=0x08, cause=0x44, error=0x40), ("cover-open",)),
        (status(printer=0x08, cause=0x44, error=0x20), ("cover-open", "other-error")),
        (status(printer=0x08), ("offline",)),
        (status(printer=0x20), ("offline",)),
        (status(printer=0x40), ("offline",)),
        (status(cause=0x08), ("offline",)),
        (status(printer=0x08, cause=0x04, paper=0x0C), ("cover-open", "media-low")),
    ],
)
def test_status_in_words(answers, reasons):
    assert answers.reasons == reasons
    assert answers.ready is (not severe(reasons))


@pytest.mark.parametrize(
    ("block", "reasons"),
    [
        ((0x14, 0, 0, 0x0F), ()),
        ((0x1C, 0, 0, 0x0F), ("offline",)),
        ((0x3C, 0, 0, 0x0F), ("cover-open",)),
        ((0x1C, 0, 0x0C, 0x0F), ("media-empty",)),
        ((0x14, 0, 0x03, 0x0F), ("media-low",)),
        ((0x1C, 0x08, 0, 0x0F), ("media-jam",)),
        ((0x1C, 0x04, 0, 0x0F), ("other-error",)),
        ((0x1C, 0x20, 0, 0x0F), ("other-error",)),
        ((0x1C, 0x40, 0, 0x0F), ("other-error",)),
        ((0x14, 0x01, 0, 0x0F), ("offline",)),
        ((0x5C, 0, 0, 0x0F), ("offline",)),
    ],
)
def test_automatic_status_in_words(block, reasons):
    assert AutoStatus(block).reasons == reasons


def test_media_low_still_prints():
    assert severe(("media-low",)) == ()
    assert severe(("cover-open", "media-low")) == ("cover-open",)
    assert status(paper=0x0C).ready
