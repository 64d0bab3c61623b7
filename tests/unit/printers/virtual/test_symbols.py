import pytest
from barcode.codex import Code128

from printers.virtual import symbols


def rows(image):
    stride = (image.width + 7) // 8
    for at in range(0, len(image.bits), stride):
        dots = int.from_bytes(image.bits[at : at + stride], "big")
        yield f"{dots:0{stride * 8}b}"[: image.width]


@pytest.mark.parametrize("data", ["Wikipedia", "WL-CARD-K7Q", "Az{z", "~!@ x"])
def test_code_128_has_the_bars_another_encoder_gives(data):
    text, image = symbols.code128(b"{B" + data.replace("{", "{{").encode(), module=1, height=1)

    assert text == data
    assert list(rows(image)) == Code128(data).build()


def test_code_128_in_set_c_takes_two_digits_a_symbol():
    text, image = symbols.code128(b"{C" + bytes((20, 26, 0, 42)), module=1, height=1)

    assert text == "20260042"
    assert list(rows(image)) == Code128("20260042").build()


def test_the_set_can_change_within_a_code():
    text, image = symbols.code128(b"{BLAB{C" + bytes((12, 34)) + b"{B-x", module=1, height=1)

    assert text == "LAB1234-x"
    assert image.width == 11 * (1 + 3 + 1 + 2 + 1 + 2 + 1) + 13


def test_set_a_shows_control_characters_as_pictures():
    text, _ = symbols.code128(b"{AAB\n", module=1, height=1)

    assert text == "AB␊"


def test_bars_are_as_wide_and_high_as_asked():
    _, thin = symbols.code128(b"{B42", module=1, height=1)
    _, thick = symbols.code128(b"{B42", module=3, height=5)

    assert thick.size == (thin.width * 3, 5)
    assert next(rows(thick)) == "".join(dot * 3 for dot in next(rows(thin)))
    assert len(set(rows(thick))) == 1


@pytest.mark.parametrize(
    "data", [b"", b"42", b"{", b"{D42", b"{B\x80", b"{Aa", b"{C\x64", b"{B{x", b"{B{"]
)
def test_bad_code_128_data_is_refused(data):
    with pytest.raises(symbols.Unprintable):
        symbols.code128(data, module=2, height=10)


def test_a_qr_code_has_its_finders_and_no_quiet_zone():
    image = symbols.qr(b"WL:0042", module=3, correction=49)
    dots = list(rows(image))

    assert image.size == (21 * 3, 21 * 3)  # version 1
    assert dots[0].startswith("1" * 21 + "0" * 3)
    assert dots[0].endswith("0" * 3 + "1" * 21)
    assert dots[-1].startswith("1" * 21 + "0" * 3)
    assert dots[0] == dots[1] == dots[2]


def test_a_qr_code_that_holds_too_much_is_refused():
    with pytest.raises(symbols.Unprintable):
        symbols.qr(b"x" * 3000, module=1, correction=51)
