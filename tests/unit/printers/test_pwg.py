"""PWG raster: what is written is read back by a reader of this page's own, dot for dot."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.pwg import Picture, encode


def read(file):
    """(header fields, rows) of each page (PWG 5102.4)."""
    assert file[:4] == b"RaS2"
    at, pages = 4, []
    while at < len(file):
        head = file[at : at + 1796]
        at += 1796
        height, stride = number(head, 376), number(head, 392)
        data = bytearray()
        while len(data) < height * stride:
            times, at = file[at] + 1, at + 1
            row = bytearray()
            while len(row) < stride:
                code, at = file[at], at + 1
                if code < 128:
                    row += file[at : at + 1] * (code + 1)
                    at += 1
                else:
                    row += file[at : at + 257 - code]
                    at += 257 - code
            assert len(row) == stride
            data += bytes(row) * times
        assert len(data) == height * stride
        pages.append((head, bytes(data)))
    return pages


def number(head, at):
    return struct.unpack_from(">I", head, at)[0]


ROWS = st.lists(
    st.one_of(
        st.binary(min_size=40, max_size=40),
        st.binary(min_size=1, max_size=1).map(lambda byte: byte * 40),
    ),
    min_size=1,
    max_size=6,
)


@given(st.lists(ROWS, min_size=1, max_size=3), st.integers(1, 300))
def test_every_dot_is_read_back(pages, copies):
    rows = [b"".join(page[:-1]) + page[-1] * copies for page in pages]
    pictures = [Picture(width=40, height=len(r) // 40, bits=8, data=r) for r in rows]
    assert [data for _, data in read(encode(pictures, dpi=300, total=len(pictures)))] == rows


def test_a_row_longer_than_a_run_is_read_back():
    for row in (
        bytes(500),
        bytes(range(250)) * 2,
        b"\x00\x01" * 250,
        b"\x00\x00\x01" * 166 + b"\x00\x00",
    ):
        (found,) = read(encode([Picture(width=500, height=1, bits=8, data=row)], dpi=300, total=1))
        assert found[1] == row


def test_the_head_says_what_the_page_is():
    page = Picture(width=2480, height=3508, bits=1, data=bytes(310 * 3508))
    ((head, _), _) = read(encode([page, page], dpi=300, total=2))
    assert head.startswith(b"PwgRaster\x00")
    assert [number(head, at) for at in (276, 280, 372, 376)] == [300, 300, 2480, 3508]
    assert [number(head, at) for at in (384, 388, 392, 400, 420)] == [1, 1, 310, 3, 1]
    assert number(head, 452) == 2
    assert [number(head, at) for at in (352, 356)] == [595, 842]


def test_an_empty_page_is_small():
    page = Picture(width=2480, height=3508, bits=8, data=b"\xff" * 2480 * 3508)
    assert len(encode([page], dpi=300, total=1)) < 3000


def test_a_picture_that_is_not_as_large_as_it_says_is_refused():
    with pytest.raises(ValueError, match="as large"):
        encode([Picture(width=8, height=2, bits=1, data=b"\x00")], dpi=300, total=1)
