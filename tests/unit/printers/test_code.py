import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.code import canonical, check, grouped, make

SERIALS = st.integers(0, 10**12)


@given(SERIALS)
def test_a_code_gives_its_slip_back(serial):
    assert check(make(serial)) == serial
    assert check(canonical(serial)) == serial


@given(SERIALS, SERIALS)
def test_two_slips_never_share_a_code(one, other):
    assert (canonical(one) == canonical(other)) is (one == other)


@given(SERIALS, st.data())
def test_one_wrong_digit_is_noticed(serial, data):
    digits = canonical(serial)
    at = data.draw(st.integers(0, len(digits) - 1))
    wrong = data.draw(st.sampled_from("0123456789".replace(digits[at], "")))
    with pytest.raises(ValueError):
        check(digits[:at] + wrong + digits[at + 1 :])


@given(SERIALS, st.data())
def test_two_neighbours_swapped_are_noticed(serial, data):
    digits = canonical(serial)
    at = data.draw(st.integers(0, len(digits) - 2))
    swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
    if swapped != digits:
        with pytest.raises(ValueError):
            check(swapped)


@pytest.mark.parametrize("teen", range(3, 10))
def test_thirteen_heard_as_thirty_is_noticed(teen):
    for before in range(1000):
        said, heard = canonical(before * 100 + 10 + teen), canonical(before * 100 + teen * 10)
        assert said[-1] != heard[-1]


def test_codes_are_short_and_grouped_for_the_eye():
    assert make(0) == "0000-00"
    assert make(40217) == "4021-71"
    assert make(123456) == "1234-566"
    assert grouped("123456786") == "1234-5678-6"


@pytest.mark.parametrize(
    "typed", ["402171", "4021-71", "4021 71", "4021.71", "4021\u00a071", "402171#"]
)
def test_a_code_is_read_as_people_write_it(typed):
    assert check(typed) == 40217


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "digits"),
        ("abcdef", "digits"),
        ("40217a", "digits"),
        ("４０２１７１", "digits"),
        ("40217", "at least 6"),
        ("402172", "check digit"),
        ("0402171", "begin with 0"),
        ("1" * 1000, "1000 digits"),
    ],
)
def test_a_wrong_code_is_refused_with_its_reason(typed, said):
    with pytest.raises(ValueError, match=said):
        check(typed)


def test_slips_are_not_numbered_below_zero():
    with pytest.raises(ValueError, match="-1"):
        make(-1)
