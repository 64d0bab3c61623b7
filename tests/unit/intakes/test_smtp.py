"""The parts of the way in for mail that need no socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.directory import Directory, Ward
from gateway.intakes.smtp import Settings, words
from gateway.intakes.smtp.addresses import NOBODY, Book, path
from gateway.intakes.smtp.body import Body
from gateway.intakes.smtp.pace import Pace
from gateway.intakes.smtp.service import one, place

TABLE = {"kind": "smtp", "name": "m", "listen": "tcp:2525", "domains": ["p.example"]}


@given(
    st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r\n.", b"..", b"x" * 50]), max_size=12),
    st.integers(1, 9),
)
def test_a_mail_comes_out_as_it_was_however_it_is_cut(pieces, step):
    text = b"".join(pieces)
    text += b"" if not text or text.endswith(b"\r\n") else b"\r\n"
    stuffed = (b"\r\n" + text).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\nQUIT\r\n"
    body, rest = Body(10_000), b""
    for at in range(0, len(stuffed), step):
        piece = stuffed[at : at + step]
        rest += body.feed(piece) if not body.ended else piece
    assert (body.ended, rest, body.bare, body.text()) == (True, b"QUIT\r\n", False, text)


def test_what_is_too_long_is_not_kept_and_its_end_is_still_found():
    body = Body(100)
    for _ in range(1000):
        body.feed(b"x" * 1000)
    assert body.held < 2000
    assert body.too_long
    assert body.feed(b"\r\n.\r\nQUIT\r\n") == b"QUIT\r\n"


@pytest.mark.parametrize("step", [1, 2, 100])
@pytest.mark.parametrize(
    "text", [b"a\nb\r\n", b"a\rb\r\n", b"a\n.\n\r\n", b"\r\r\n", b"\na\r\n", b"\ra\r\n", b"a\r"]
)
def test_bare_line_ends_are_seen_however_they_are_cut(text, step):
    body, whole = Body(100), text + b"x\r\n.\r\n"
    for at in range(0, len(whole), step):
        body.feed(whole[at : at + step])
    assert body.bare


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("<a@b.example>", ("a@b.example", "")),
        (" <a@b.example> SIZE=10", ("a@b.example", "SIZE=10")),
        ("<>", (NOBODY, "")),
        ("a@b.example", (None, "")),
        ("<@r.example:a@b.example>", (None, "")),
        ('<"a b"@b.example>', (None, "")),
        ("<a@b.example", (None, "")),
        ("<a@b..example>", (None, "")),
        ("<a@[10.0.0.1]>", (None, "")),
        ("<é@b.example>", (None, "")),
        ("<a@b.example>SIZE=1", (None, "")),
    ],
)
def test_only_plain_addresses_are_taken(written, found):
    assert path(written) == found


def test_names_of_wards_and_devices_and_no_others_are_addresses():
    wards = {
        "MED-A": Ward(code="MED-A", name="Médecine A", aliases=("MÉDA", "a b"), devices=("Slip1",))
    }
    book = Book(Directory.of(wards, lab=Ward(code="LAB", name="L")), ["P.example"])
    for local in ("med-a", "MEDA", "slip1"):
        assert book.find(f"{local}@p.EXAMPLE").ward == "MED-A"
    for other in (
        "médecine a@p.example",
        "a b@p.example",
        "med-a@q.example",
        "lab@p.example",
        "@p.example",
    ):
        assert book.find(other) is None


def test_an_hour_is_counted_and_forgotten():
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(3):
        pace.add("a", 10)
        now[0] += 1000
    assert (pace.count("a"), pace.size("a"), pace.count("b")) == (3, 30, 0)
    now[0] = 4000
    assert pace.count("a") == 2


def test_of_many_answers_the_worst_is_given():
    assert one([words.TAKEN, words.HELD]) == words.HELD
    assert one([words.TAKEN, words.INTERNAL, words.UNKNOWN]) == words.INTERNAL
    assert one([words.TAKEN]) == words.TAKEN


def test_every_answer_is_one_line_of_ascii_with_its_code():
    for name, text in vars(words).items():
        if name.isupper():
            assert text.isascii()
            assert text[:3].isdigit()
            assert text.isprintable()


def test_where_to_listen():
    assert place("tcp:2525") == ("0.0.0.0", 2525)
    assert place("tcp:25:interface=127.0.0.1") == ("127.0.0.1", 25)
    for wrong in ("tcp:x", "ssl:25", "tcp:70000", "tcp:25:interface=nowhere"):
        with pytest.raises((ValueError, OSError)):
            place(wrong)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"domains": []}, "domains"),
        ({"certificate": "x"}, "go together"),
        ({"users": "x"}, "needs certificate"),
        ({"implicit": True}, "TLS needs"),
        ({"senders": [{"address": "labo"}]}, "labo@chu.example"),
        ({"senders": [{"address": "@chu.example", "secret": 1}]}, "secret"),
        ({"listen": "tcp:x"}, "write"),
        ({"domains": ["not a domain"]}, "domains"),
    ],
)
def test_a_faulty_table_says_where(more, fault):
    with pytest.raises(ValidationError, match=fault):
        Settings(**{**TABLE, **more})
