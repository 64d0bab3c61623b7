import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7.delimiters import ABSENT, STANDARD, Delimiters
from gateway.hl7.escape import escape, unescape

OTHERS = Delimiters(field="#", component="*", repetition="@", escape="!", subcomponent="%")
NONE = Delimiters(escape=ABSENT, subcomponent=ABSENT)


def text(raw, delimiters=STANDARD, codec="utf-8"):
    return unescape(raw, delimiters, codec=codec).text


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (r"a \F\ b", "a | b"),
        (r"\S\\T\\R\\E\\P\\F\ ", "^&~\\#| "),
        (r"\H\CRITIQUE\N\ ", "CRITIQUE "),
        (r"\E\T\E\ ", "\\T\\ "),  # nothing is read twice
        (r"un\.br\deux", "un\ndeux"),
        (r"un\.sp\deux", "un\ndeux"),
        (r"un\.sp 3\deux", "un\n\n\ndeux"),
        (r"un\.sp+2\deux", "un\n\ndeux"),
        (r"titre\.ce\centre", "titre\ncentre"),
        (r"a\.sk 3\b", "a   b"),
        (r"a\.in+4\b\.ti-2\c\.fi\d\.nf\e", "abcde"),
        (r"\X48C3A96C656E65\ ", "Hélene "),
        (r"\XC3\\XA9\t\XE9", "ét\\XE9"),  # one letter sent byte by byte; the last is not closed
        (r"\X0D0A\\X0d\\X0A\ \X0D\ ", "\n\n \n "),
        (r"\X1D5600\ ", "\x1dV\x00 "),
        (r"\Zxx\ fin", "\\Zxx\\ fin"),
        (r"C:\temp\Facture", r"C:\temp\Facture"),
        ("C:\\temp\\F\\x", "C:\\temp|x"),
        (r"50 \ 50", r"50 \ 50"),
        (r"\\", r"\\"),
        (r"\X1\ \XYZ\ \X\ ", r"\X1\ \XYZ\ \X\ "),
        (r"\.xy\ \.brr\ \.sp x\ ", r"\.xy\ \.brr\ \.sp x\ "),
        (r"\t\ \f\ ", r"\t\ \f\ "),
        ("", ""),
    ],
)
def test_each_sequence_becomes_its_text(raw, read):
    assert text(raw) == read


def test_a_switch_of_character_set_is_dropped_and_doubted():
    for raw in (r"a\C2842\b", r"a\M284242\b"):
        assert unescape(raw, STANDARD).text == "ab"
        assert unescape(raw, STANDARD).doubtful
    assert unescape(r"a\T\b", STANDARD).doubtful is False


def test_bytes_are_read_in_the_message_s_character_set():
    assert unescape(r"\XE9\ ", STANDARD, codec="iso8859-1").doubtful is False
    assert text(r"\XE9\ ", codec="iso8859-1") == "é "
    assert text(r"\XBD\ ", codec="iso8859-15") == "œ "


def test_bytes_that_are_not_of_that_set_are_read_as_windows_1252_and_doubted():
    result = unescape(r"\XE9\ ", STANDARD, codec="utf-8")
    assert (result.text, result.doubtful) == ("é ", True)


def test_a_sender_s_own_delimiters_are_given_back():
    assert text("!F!!S!!T!!R!!E! !.br!", OTHERS) == "#*%@! \n"


def test_vertical_space_is_bounded():
    assert text(r"\.sp99999999999999999999\ ") == "\n" * 10 + " "
    assert text(r"\.sk9999\ ") == " " * 40 + " "


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_what_is_escaped_reads_back_the_same(words):
    for delimiters in (STANDARD, OTHERS):
        written = escape(words, delimiters)
        assert not set(written) & {delimiters.field, delimiters.component, delimiters.repetition}
        assert text(written, delimiters) == words


@given(st.text(alphabet="a|^~&\\"))
def test_without_an_escape_character_delimiters_become_blanks(words):
    assert set(escape(words, NONE)) <= set("a &\\")
    assert text(words, NONE) == words


@given(st.text(alphabet="\\EFSTRXZC.br0Da9 é", max_size=60))
def test_any_text_is_read_and_keeps_what_is_no_sequence(words):
    result = text(words)
    for kept in "é":
        assert result.count(kept) >= words.count(kept)
    if "\\" not in words:
        assert result == words


@pytest.mark.parametrize(
    "piece", ["\\E", "\\X41\\", "\\", "\\T\\", "\\X", "\\.sp\\", "\\Z1\\", "x\\"]
)
def test_time_is_linear(piece):
    start = time.perf_counter()
    text(piece * 20_000)
    assert time.perf_counter() - start < 0.5
