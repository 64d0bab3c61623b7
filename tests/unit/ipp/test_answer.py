"""HTTP answers as they come off a wire, whole, in pieces, and made to harm."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ipp.answer import LONGEST_BODY, LONGEST_HEAD, Answered, Reader
from gateway.ipp.errors import Nonsense

COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"
)
CLOSED = b"HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(("sent", "keep"), [(COUNTED, True), (CHUNKED, True), (CLOSED, False)])
@given(data=st.data())
def test_an_answer_is_whole_with_its_last_byte_however_it_comes(sent, keep, data):
    reader = Reader()
    at = data.draw(st.integers(0, len(sent) - 1))
    assert reader.feed(sent[:at]) is None
    assert reader.feed(sent[at:]) == Answered(200, b"hello", keep)


def test_an_answer_without_a_length_ends_with_the_connection():
    reader = Reader()
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\nhello") is None
    assert reader.end() == Answered(200, b"hello", keep=False)


def test_an_answer_that_was_cut_off_is_none():
    reader = Reader()
    reader.feed(COUNTED[:-1])
    assert reader.end() is None


@pytest.mark.parametrize(
    "sent",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * LONGEST_HEAD,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LONGEST_BODY * 2),
    ],
)
def test_what_no_printer_says_is_nonsense(sent):
    with pytest.raises(Nonsense):
        Reader().feed(sent)


def test_an_answer_without_end_is_held_no_longer_than_its_bound():
    reader = Reader()
    reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with pytest.raises(Nonsense):
        deque((reader.feed(chunk) for _ in range(100)), maxlen=0)
