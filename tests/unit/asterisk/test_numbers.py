"""What a number sounds like: whoever writes down what they hear has the number again."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asterisk.speech import number
from gateway.asterisk.speech.lexicon import built_in

FR, EN = built_in("fr"), built_in("en")

# A listener of another hand: what each word is worth, and how words add up.
FRENCH = dict(zip(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize".split(),
    range(17), strict=True,
)) | {"vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}  # fmt: skip
ENGLISH = dict(zip(
    ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
     "seventeen eighteen nineteen").split(), range(20), strict=True,
)) | dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10),
              strict=True))  # fmt: skip
SIZES = {"mille": 1000, "thousand": 1000, "million": 10**6, "millions": 10**6}


def heard(text, *, words):
    """The decimal somebody writes down who hears `text`."""
    sign = -1 if text.startswith(("moins ", "minus ")) else 1
    text = re.sub("^(moins|minus|plus) ", "", text)
    whole, _, decimals = re.split(" (virgule|point|comma) ", text + " virgule ")[:3]
    figures = "".join(str(words[w]) for w in decimals.split() if w in words)
    return sign * Decimal(f"{added(whole, words)}.{figures or 0}")


def added(text, words):
    total = group = 0
    for word in re.split("[ -]", text):
        if word in ("et", "and"):
            continue
        if word in ("cent", "cents", "hundred"):
            group = max(group, 1) * 100
        elif word in SIZES:
            total += max(group, 1) * SIZES[word]
            group = 0
        elif word in ("vingt", "vingts") and group % 100 == 4:  # quatre-vingts
            group += 76
        else:
            group += words[word]
    return total + group


@given(st.integers(0, 999_999_999))
def test_a_whole_number_is_heard_as_what_it_is(n):
    assert added(number.integer(FR, n), FRENCH) == n
    assert added(number.integer(EN, n), ENGLISH) == n


def test_every_number_below_ten_thousand_has_words_of_its_own():
    for lexicon in (FR, EN):
        assert len({number.integer(lexicon, n) for n in range(10_000)}) == 10_000


@given(st.decimals(min_value=-99_999, max_value=99_999, places=3))
def test_a_decimal_number_is_heard_as_what_it_is(value):
    written = f"{value:f}"
    assert heard(number.number(FR, written), words=FRENCH) == value
    assert heard(number.number(EN, written), words=ENGLISH) == value


@pytest.mark.parametrize(
    ("written", "french", "english"),
    [
        ("6.8", "six virgule huit", "six point eight"),
        ("6,8", "six virgule huit", "six comma eight"),
        ("0.05", "zéro virgule zéro cinq", "zero point zero five"),
        ("4.10", "quatre virgule un zéro", "four point one zero"),
        ("71", "soixante et onze", "seventy-one"),
        ("81", "quatre-vingt-un", "eighty-one"),
        ("142", "cent quarante-deux", "one hundred and forty-two"),
        ("150000", "cent cinquante mille", "one hundred and fifty thousand"),
        ("-3.2", "moins trois virgule deux", "minus three point two"),
        ("007", "zéro zéro sept", "zero zero seven"),
        ("1e5", "un fois dix puissance cinq", "one times ten to the power five"),
    ],
)
def test_numbers_as_labs_write_them(written, french, english):
    assert number.number(FR, written) == french
    assert number.number(EN, written) == english


@given(st.text(alphabet="0123456789", min_size=1, max_size=40))
def test_a_code_is_said_figure_by_figure(figures):
    said = number.digits(FR, figures).split()
    assert "".join(str(FRENCH[word]) for word in said) == figures


@given(st.text())
def test_no_figure_is_left_to_an_engine(text):
    assert not re.search("[0-9]", number.worded(FR, text))
