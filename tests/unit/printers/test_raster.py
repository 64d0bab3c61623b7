import pytest
from PIL import Image

from printers.glyphs import spell
from printers.line import Line, Run, Style
from printers.raster import CELL, FACE, PITCH, draw_line, draw_qr
from printers.text import clean


def image(bitmap):
    rows = len(bitmap.data) // bitmap.width
    return Image.frombytes("1", (bitmap.width * 8, rows), bitmap.data)


def drawn(text, style=None, *, centred=False, columns=48):
    line = Line((Run(spell(clean(text)), style or Style()),), centred=centred)
    return image(draw_line(line, dots=columns * CELL, columns=columns))


def ink(picture):
    return picture.convert("L").histogram()[255]


def test_a_line_is_as_high_as_it_would_be_in_type():
    assert drawn("≠").size == (576, PITCH)
    assert drawn("≠", Style(large=True)).size == (576, 2 * PITCH)


@pytest.mark.parametrize("large", [False, True])
def test_every_character_stands_in_its_own_cell(large):
    columns = 24 if large else 48
    cell = CELL * (2 if large else 1)
    picture = drawn("H" * columns, Style(large=large))
    one = picture.crop((0, 0, cell, picture.height))
    for column in range(columns):
        spot = picture.crop((column * cell, 0, (column + 1) * cell, picture.height))
        assert spot.tobytes() == one.tobytes()
    assert ink(one)


def test_bold_has_more_ink():
    assert ink(drawn("≠", Style(bold=True))) > ink(drawn("≠"))


def test_inverse_is_white_on_a_black_cell():
    plain, inverse = drawn("≠"), drawn("≠", Style(inverse=True))
    assert ink(inverse) == CELL * FACE - ink(plain)
    assert inverse.getbbox() == (0, 3, CELL, 3 + FACE)


def test_a_centred_line_stands_in_the_middle():
    left, _, right, _ = drawn("≠≠", Style(inverse=True), centred=True).getbbox()
    assert left == 576 - right


def test_a_mark_sits_on_its_letter_and_a_second_mark_above_the_first():
    base, marked, twice = (drawn(text).getbbox() for text in ("e", "e\u0327", "e\u0327\u0302"))
    assert marked[3] > base[3]
    assert twice[1] < base[1]
    assert drawn("ex").getbbox()[2] == drawn("e\u0327x").getbbox()[2]
    single, double = drawn("e\u0302"), drawn("ê\u0303")
    assert double.getbbox()[1] < single.getbbox()[1]


def test_a_qr_code_is_square_and_in_the_middle():
    left, top, right, bottom = image(draw_qr("HEX-CARD-0042", dots=384)).getbbox()
    assert right - left == bottom - top == 21 * 6
    assert left == 384 - right
    assert top == 4 * 6


def test_a_qr_code_is_never_wider_than_the_paper():
    picture = image(draw_qr("x" * 64, dots=160))
    assert picture.width == 160
    assert picture.height <= 160


def test_strips_cover_the_picture_once():
    bitmap = draw_qr("HEX-CARD-0042", dots=384)
    strips = list(bitmap.strips(40))
    assert b"".join(strips) == bitmap.data
    assert max(len(strip) for strip in strips) == 40 * bitmap.width
