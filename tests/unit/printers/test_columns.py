import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.columns import pad, pad_both, pad_left, widest_word, width, wrap
from printers.text import clean

WORDS = st.text(st.sampled_from("ab é1 2,5  \u0327\u0301 ≥")).map(clean)


@given(WORDS, st.integers(1, 20))
def test_no_line_is_wider_than_its_columns(text, columns):
    assert all(width(line) <= columns for line in wrap(text, columns))


@given(WORDS, st.integers(1, 20))
def test_wrapping_loses_only_spaces(text, columns):
    assert "".join(wrap(text, columns)).replace(" ", "") == text.replace(" ", "")


@given(WORDS, st.integers(1, 20))
def test_what_fits_is_never_broken(text, columns):
    kept = wrap(text, max(columns, widest_word(text), 1))
    joined = " ".join(" ".join(kept).split())
    assert joined == " ".join(text.split())


def test_a_mark_takes_no_column_and_leaves_its_letter_never():
    assert width("x\u0304y") == 2
    assert wrap(clean("x\u0304x\u0304x\u0304"), 2) == ("x\u0304x\u0304", "x\u0304")


def test_a_line_breaks_at_spaces():
    assert wrap(clean("Absence de germes"), 10) == ("Absence de", "germes")


def test_a_number_in_groups_is_kept_together():
    assert wrap(clean("Plaquettes 1 200 000 par mm3"), 16) == ("Plaquettes", "1 200 000 par", "mm3")


def test_a_word_too_long_for_any_line_is_broken_in_place():
    assert wrap(clean("Immunoglobulines"), 8) == ("Immunogl", "obulines")


def test_a_line_that_fits_keeps_its_spacing():
    assert wrap(clean("  S    R"), 10) == ("  S    R",)


def test_an_indent_gives_way_to_the_word_it_would_break():
    assert wrap(clean("    abcdefgh"), 8) == ("abcdefgh",)
    assert wrap(clean("  abc defgh"), 8) == ("  abc", "defgh")


def test_no_columns_are_refused_rather_than_waited_for():
    with pytest.raises(ValueError, match="0 columns"):
        wrap(clean("x"), 0)


def test_cells_are_filled_from_their_side():
    assert pad(clean("é"), 3) == "é  "
    assert pad_left(clean("é"), 3) == "  é"
    assert pad_both(clean("é"), 4) == " é  "
