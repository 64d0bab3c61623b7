import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.virtual.realtime import Act, RealTime, Scanner

CLEAR = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"


def acts(scanner, data):
    return [command for _, command in scanner.feed(data) if command is not None]


@pytest.mark.parametrize(
    ("data", "command"),
    [
        (b"\x10\x04\x01", RealTime(Act.STATUS, 1)),
        (b"\x10\x04\x04", RealTime(Act.STATUS, 4)),
        (b"\x10\x05\x01", RealTime(Act.RESUME)),
        (b"\x10\x05\x02", RealTime(Act.RESUME_EMPTY)),
        (b"\x10\x14\x01\x00\x02", RealTime(Act.DRAWER)),
        (b"\x10\x14\x02\x01\x08", RealTime(Act.POWER_OFF)),
        (CLEAR, RealTime(Act.CLEAR)),
    ],
)
def test_it_finds_them_inside_other_data(data, command):
    assert acts(Scanner(), b"\x1dv0\x00\x01" + data + b"\xff") == [command]


@pytest.mark.parametrize("data", [b"\x10\x04\x05", b"\x10\x05\x03", CLEAR[:-1] + b"\x09", b"\x10"])
def test_what_only_resembles_them_does_nothing(data):
    assert acts(Scanner(), data + b"ABC") == []


def test_pieces_end_where_a_command_ends():
    assert list(Scanner().feed(b"A\x10\x04\x01B\x10\x04\x02")) == [
        (b"A\x10\x04\x01", RealTime(Act.STATUS, 1)),
        (b"B\x10\x04\x02", RealTime(Act.STATUS, 2)),
        (b"", None),
    ]


def test_a_command_in_two_pieces_acts_once():
    scanner = Scanner()

    assert acts(scanner, b"A" + CLEAR[:4]) == []
    assert acts(scanner, CLEAR[4:]) == [RealTime(Act.CLEAR)]
    assert acts(scanner, b"A") == []


STREAM = st.lists(
    st.one_of(
        st.sampled_from([CLEAR, b"\x10\x04\x01", b"\x10\x10\x04\x02", b"\x10", b"\x10\x14\x08"]),
        st.binary(max_size=4),
    ),
    max_size=8,
).map(b"".join)


@given(STREAM, st.integers(1, 5))
def test_chunking_changes_nothing(data, size):
    together, apart = Scanner(), Scanner()

    whole = acts(together, data)
    pieces = [list(apart.feed(data[at : at + size])) for at in range(0, len(data), size)]

    assert [command for chunk in pieces for _, command in chunk if command] == whole
    assert b"".join(piece for chunk in pieces for piece, _ in chunk) == data
