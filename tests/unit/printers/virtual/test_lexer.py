from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.virtual.lexer import LONGEST_COMMAND, Lexer, Op


def names(data):
    return [op.name for op in Lexer().feed(data)]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x1b@", "ESC @"),
        (b"\x1bt\x10", "ESC t"),
        (b"\x1b!\x30", "ESC !"),
        (b"\x1bp\x00\x32\x32", "ESC p"),
        (b"\x1b(A\x04\x00\x30\x01\x03\x02", "ESC ("),
        (b"\x1b*\x21\x02\x00" + bytes(6), "ESC *"),
        (b"\x1b*\x00\x02\x00" + bytes(2), "ESC *"),
        (b"\x1bD\x08\x10\x00", "ESC D"),
        (b"\x1b&\x03AB\x01abc\x02abcdef", "ESC &"),
        (b"\x1d!\x22", "GS !"),
        (b"\x1dV\x00", "GS V"),
        (b"\x1dVB\x00", "GS V"),
        (b"\x1dkI\x04{B42", "GS k"),
        (b"\x1dk\x044242\x00", "GS k"),
        (b"\x1dv0\x00\x02\x00\x03\x00" + bytes(6), "GS v"),
        (b"\x1d(k\x03\x0031C", "GS ("),
        (b"\x1d8L\x02\x00\x00\x0001", "GS 8"),
        (b"\x1d(H\x06\x00007K2Q", "GS ("),
        (b"\x1cp\x01\x00", "FS p"),
        (b"\x1cq\x01\x01\x00\x01\x00" + bytes(8), "FS q"),
        (b"\x10\x04\x01", "DLE EOT"),
        (b"\x10\x05\x02", "DLE ENQ"),
        (b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", "DLE DC4"),
        (b"\x10\x14\x01\x00\x02", "DLE DC4"),
        (b"\n", "LF"),
        (bytes(8192), "NUL"),
        (b"\x1bB", "unknown"),
        (b"\x07", "unknown"),
        ("Hémoglobine".encode("cp1252"), "text"),
    ],
)
def test_it_knows_where_a_command_ends(data, name):
    assert list(Lexer().feed(data + b"\n")) == [Op(name, data), Op("LF", b"\n")]


def test_it_waits_for_the_rest_of_a_command():
    lexer = Lexer()

    assert list(lexer.feed(b"\x1dv0\x00\x02\x00\x03\x00" + bytes(5))) == []
    assert lexer.waiting == 13
    assert [op.name for op in lexer.feed(b"\xffK")] == ["GS v", "text"]
    assert lexer.waiting == 0


def test_it_forgets_what_was_begun():
    lexer = Lexer()
    list(lexer.feed(b"\x1dv0\x00\x02\x00\x03\x00"))

    lexer.reset()

    assert [op.name for op in lexer.feed(b"K\n")] == ["text", "LF"]


def test_a_command_that_declares_gigabytes_is_swallowed_without_being_kept():
    lexer = Lexer()
    header = b"\x1dv0\x00\xff\xff\xff\xff"

    first = list(lexer.feed(header + b"lost"))
    lost = [op for _ in range(70) for op in lexer.feed(bytes(65536))]

    assert first == [Op("unknown", header)]
    assert lost == []
    assert lexer.waiting == 0


def test_what_follows_a_swallowed_command_is_read():
    lexer = Lexer()
    size = LONGEST_COMMAND + 1
    list(lexer.feed(b"\x1d8L" + size.to_bytes(4, "little")))
    rest = size

    while rest > 65536:
        assert list(lexer.feed(bytes(65536))) == []
        rest -= 65536

    assert [op.name for op in lexer.feed(bytes(rest) + b"K\n")] == ["text", "LF"]


PIECES = st.one_of(
    st.sampled_from(
        [b"\x1b@", b"\x1bt\x10", b"\x1dVB\x00", b"K 6,9\n", b"\x1dkI\x04{B42", b"\xe9"]
    ),
    st.sampled_from([b"\x1dv0\x00\x01\x00\x02\x00ab", b"\x1b*\x21\x01\x00abc", b"\x10\x04\x01"]),
    st.binary(min_size=1, max_size=8),
)


@given(st.lists(PIECES, max_size=10), st.lists(st.integers(0, 100), max_size=10))
def test_chunking_changes_nothing_but_where_runs_are_cut(pieces, cuts):
    data = b"".join(pieces)
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    whole, chunked = Lexer(), Lexer()

    together = list(whole.feed(data))
    apart = [op for start, end in pairwise(edges) for op in chunked.feed(data[start:end])]

    assert _joined(apart) == _joined(together)
    assert chunked.waiting == whole.waiting


@given(st.binary(max_size=200))
def test_no_byte_is_lost(data):
    lexer = Lexer()

    ops = list(lexer.feed(data))

    if all(len(op.raw) < 8 or op.name != "unknown" for op in ops):  # nothing was swallowed
        assert sum(len(op.raw) for op in ops) + lexer.waiting == len(data)


def _joined(ops):
    joined = []
    for op in ops:
        if op.name in ("text", "NUL") and joined and joined[-1].name == op.name:
            joined[-1] = Op(op.name, joined[-1].raw + op.raw)
        else:
            joined.append(op)
    return joined
