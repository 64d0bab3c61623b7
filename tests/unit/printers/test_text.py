import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.text import PLACEHOLDER, clean, lines

# Any text at all, lone surrogates included, and text made of what hurts most.
ANYTHING = st.text(st.characters(exclude_categories=()))
HOSTILE = st.text(
    st.sampled_from(
        "aé5·→⁹₂µ ßΩ\x00\x1b\x1d\x7f\x85\x9b\xa0\xad\u200b\u202e\ufeff\u0301\u0323\u2028\ue000\n\r\t日🧪"
    )
)


@given(ANYTHING | HOSTILE)
def test_nothing_but_printable_characters_passes(text):
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert cleaned == unicodedata.normalize("NFC", cleaned)


@given(HOSTILE)
def test_what_is_clean_stays_as_it_is(text):
    assert clean(clean(text)) == clean(text)


@given(HOSTILE.filter(lambda text: any(not c.isprintable() and c not in "\xa0\t" for c in text)))
def test_what_cannot_be_printed_is_seen(text):
    assert PLACEHOLDER in clean(text)


@given(st.text(st.sampled_from("0123456789,.-+<> abcXYZéèàçœµ²³≥γβ日🧪\x00\x1b\u202f⁹₂")))
def test_no_letter_and_no_digit_is_lost(text):
    assert _alphanumeric(clean(text)) == _alphanumeric(text)


def _alphanumeric(text):
    """Its letters and digits in order, ⁹ and ₂ as 9 and 2."""
    return [char for char in unicodedata.normalize("NFKC", text) if char.isalnum()]


@given(st.text(max_size=40), st.integers(1, 200))
def test_a_pile_of_combining_marks_is_bounded(text, height):
    piled = clean(text + "e" + "\u0323\u0302" * height)
    run = longest = 0
    for char in piled:
        run = run + 1 if unicodedata.category(char)[0] == "M" else 0
        longest = max(longest, run)
    assert longest <= 8  # four that decompose into two each
    assert height <= 2 or PLACEHOLDER in piled


@pytest.mark.parametrize(
    ("sent", "printed"),
    [
        ("e\u0301", "é"),
        ("1\u202f200\u202f000 /mm3", "1 200 000 /mm3"),
        ("12\u00a0%", "12 %"),
        ("10⁹/L", "10^9/L"),
        ("10⁻⁶", "10^-6"),
        ("10²/mm³", "10²/mm³"),
        ("Na⁺", "Na+"),
        ("Ca²⁺", "Ca^2+"),
        ("CO₂", "CO2"),
        ("5₂", "5_2"),
        ("−2,3", "-2,3"),
        ("４．１", "4.1"),
        ("ﬁbrinogène", "fibrinogène"),
        ("4,1→6,8", "4,1 -> 6,8"),
        ("4,1 → 6,8", "4,1 -> 6,8"),
        ("a\tb", "a b"),
        ("l’œuvre « ≥ 5 » – 12 € …", "l’œuvre « ≥ 5 » – 12 € …"),
        ("μmol", "μmol"),
        ("⚠\ufe0f", "⚠"),
        ("日本", "日本"),
        ("a\x00b", "a·b"),
        ("a\x1b\x40b", "a·@b"),
        ("a\x1b\x1d\x10b", "a··b"),
        ("\u202eabc", "·abc"),
        ("\u0301x", "·\u0301x"),
        ("\ud800", "·"),
        ("4·1", "4·1"),
        ("a\u3164b\ufe05", "a·b·"),
        ("", ""),
    ],
)
def test_each_kind_of_character_has_its_way(sent, printed):
    assert clean(sent) == printed


def test_a_hidden_character_never_makes_a_decimal_point():
    assert clean("4\x001") == "4···1"
    assert clean("4\u200b\u200b1") == "4···1"


def test_hostile_text_costs_linear_time():
    assert len(clean("a" + "\u0301\u0323" * 50_000)) < 10
    assert len(clean("é\x00" * 50_000)) == 100_000


def test_lines_end_where_a_sender_ends_them():
    assert lines("a\nb\r\nc\rd\u2028e") == ("a", "b", "c", "d", "e")
    assert lines("") == ("",)
    assert lines("a\n") == ("a", "")


def test_separators_of_other_systems_are_seen_and_end_no_line():
    assert lines("a\x0bb\x0cc\x1cd\x85e") == ("a·b·c·d·e",)
