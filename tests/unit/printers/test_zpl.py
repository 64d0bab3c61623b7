"""Labels in ZPL: what they say, that bars fit and keep their white, and that data stays data."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.slip import Banner, Code, Heading, Pair, Rule, Slip, Text
from printers.text import clean
from printers.zebra import Answers
from printers.zpl import Label, Stock, encode, labels

LABEL = Label(
    name="LEFEBVRE Zoé",
    code="26-000123-1",
    lines=("Né(e) le 12/03/1961", "IPP 69102274"),
    banners=("DUPLICATA POSSIBLE",),
)


def commands(stream):
    """Every command of a label with its parameters, as a printer cuts them: at each ^ and ~."""
    return re.findall(r"([\^~][A-Z][A-Z0-9@])([^\^~]*)", stream.decode("ascii"))


def fields(stream):
    found = [text for word, text in commands(stream) if word == "^FD"]
    return [
        re.sub("((?:_[0-9A-F]{2})+)", lambda m: bytes.fromhex(m[1].replace("_", "")).decode(), text)
        for text in found
    ]


def test_it_says_who_and_which_tube():
    assert fields(encode(LABEL, Stock())) == [
        "DUPLICATA POSSIBLE",
        "LEFEBVRE Zoé",
        "Né(e) le 12/03/1961",
        "IPP 69102274",
        "26-000123-1",
        "26-000123-1",
    ]


NASTY = st.one_of(
    st.text("^~_XZJAFDHS\\&,>\n\x00\x1b é", max_size=60),
    st.text(max_size=30),
    st.sampled_from(["^XZ~JA", "_5EXZ", "^FS^XZ^XA^DFR:", "~HS", "\\&", ">:>5", "\u202e^XZ"]),
)


@given(name=NASTY, code=NASTY, first=NASTY, banner=NASTY)
def test_nothing_in_the_data_becomes_a_command(name, code, first, banner):
    nasty = Label(name=name, code=code or "@", lines=(first,), banners=(banner,))
    for stock in (Stock(), Stock(width=102, height=152, dpi=300)):
        stream = encode(nasty, stock)
        words = [word for word, _ in commands(stream)]
        plain = Label(name="A", code="7" if "^BC" in words else "@", lines=("A",), banners=("A",))
        assert words == [word for word, _ in commands(encode(plain, stock))]
        assert stream.isascii()
        for sent, shown in zip((banner, name, first), fields(stream), strict=False):
            assert clean(sent).startswith(shown.removesuffix("…"))


@pytest.mark.parametrize("dpi", [203, 300, 600])
@given(code=st.text("ABCXYZ0123456789-", min_size=1, max_size=40))
def test_bars_have_their_white_and_are_thick_enough_or_are_not_there(dpi, code):
    stock = Stock(dpi=dpi)
    said = dict(commands(encode(Label(name="A", code=code), stock)))
    if "^BC" not in said:
        assert len(code) > 11, "eleven characters fit on 50 mm"
        return
    dot = int(said["^BY"])
    stream = encode(Label(name="A", code=code), stock).decode()
    start = int(re.search(r"\^FO(\d+),\d+\^BY", stream)[1])
    wide = dot * (11 * (len(code) + 2) + 13)
    assert dot * 25.4 / dpi >= 0.19
    assert min(start, stock.dots(50) - start - wide) >= 10 * dot


def test_a_number_that_bars_cannot_say_stands_in_letters():
    stream = encode(Label(name="A", code="N°12/7"), Stock())
    assert b"^BC" not in stream
    assert fields(stream)[-1] == "N°12/7"


def test_a_name_too_long_is_seen_to_be_cut():
    assert fields(encode(Label(name="X" * 200), Stock()))[0].endswith("X…")


def test_a_slip_is_a_label_for_each_tube():
    tube = (
        Heading(text="LEFEBVRE"),
        Pair(label="IPP", value="1"),
        Code(data="7"),
        Text(text="EDTA"),
    )
    slip = Slip(header=(Banner(text="EXERCICE"),), body=(*tube, Rule(), *tube))
    one = Label(name="LEFEBVRE", code="7", lines=("IPP 1", "EDTA"), banners=("EXERCICE",))
    assert labels(slip) == (one, one)


# -- what the printer says

WELL = (
    b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n"
    b"\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
)


@given(st.integers(0, len(WELL)))
def test_an_answer_is_understood_however_it_comes(at):
    answers = Answers()
    found = [*answers.feed(b"noise\r\n" + WELL[:at]), *answers.feed(WELL[at:])]
    assert [(s.reasons, s.waiting) for s in found] == [((), 0)]


@pytest.mark.parametrize(
    ("before", "after", "reasons", "waiting"),
    [
        (b"030,0,0", b"030,1,1", ("media-empty",), 0),
        (b"030,0,0", b"030,0,1", ("paused",), 0),
        (b"000,0,0,0,0,2", b"000,0,1,0,0,2", ("cover-open",), 0),
        (b"000,0,0,0,0,2", b"000,0,0,1,1,2", ("marker-supply-empty",), 0),
        (b"000,0,0,0,0,2", b"000,0,0,1,0,2", (), 0),  # it prints without a ribbon
        (b",000,0,0,0,000", b",003,0,0,0,000", (), 3),
        (b",00000000,", b",00000002,", (), 2),
    ],
)
def test_its_numbers_are_said_in_the_words_of_all_printers(before, after, reasons, waiting):
    (status,) = Answers().feed(WELL.replace(before, after, 1))
    assert (status.reasons, status.waiting) == (reasons, waiting)


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_any_noise_is_passed_over_and_held_no_longer_than_its_bound(noise):
    answers = Answers()
    for data in noise:
        answers.feed(data)
    assert len(answers._held) <= 2048
    assert answers.feed(b"\x03\r\n" + WELL)[-1].waiting == 0
