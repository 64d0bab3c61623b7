import io

import pytest
from PIL import Image as Pillow

from printers import command
from printers.model import load
from printers.virtual.draw import MARGIN, png
from printers.virtual.head import Head
from printers.virtual.interpreter import execute
from printers.virtual.lexer import Lexer
from printers.virtual.paper import Roll, Slip


def picture(data, *, model="TM-T20II"):
    """What `data` prints, as dots: 1 is ink."""
    head = Head(load(model), Roll(blade=112), low=lambda: False)
    for op in Lexer().feed(data + b"\n"):
        list(execute(op, head))
    slip = Slip(
        number=7,
        lines=tuple(head.roll.lines),
        height=head.roll.y,
        width=head.model.dots,
        dpi=203,
        columns=head.model.columns,
        cut="partial",
        at=0.0,
    )
    image = Pillow.open(io.BytesIO(png(slip)))
    image.load()
    return image


def ink(image, box=None):
    """Dots of ink, in all or in a box inside the printable width."""
    if box:
        image = image.crop((box[0] + MARGIN, box[1], box[2] + MARGIN, box[3]))
    return image.histogram()[1]


def test_a_pixel_is_a_dot_on_paper_of_two_colours():
    image = picture(b"K 6,9\nNa 140")

    assert image.size == (576 + 2 * MARGIN, 60)
    assert len(image.getcolors()) == 2
    assert round(image.info["dpi"][0]) == 203


def test_margins_stay_white():
    image = picture(b"x" * 48)

    assert ink(image) == ink(image, (0, 0, 576, 30))
    assert ink(image, (0, 0, 12, 30)) > 0
    assert ink(image, (564, 0, 576, 30)) > 0


def test_narrow_paper_is_narrow():
    assert picture(b"K", model="POS-5890").size[0] == 384 + 2 * MARGIN


def test_bold_has_more_ink():
    assert ink(picture(b"\x1bE\x01POTASSIUM")) > 1.3 * ink(picture(b"POTASSIUM"))


@pytest.mark.parametrize(
    ("size", "times"), [(b"\x10", 2), (b"\x01", 2), (b"\x11", 4), (b"\x22", 9)]
)
def test_larger_type_repeats_dots(size, times):
    assert ink(picture(b"\x1d!" + size + b"K")) == times * ink(picture(b"K"))


def test_inverse_type_is_white_on_black():
    plain, inverse = picture(b"K"), picture(b"\x1dB\x01K")

    assert ink(inverse) == 12 * 24 - ink(plain)


def test_underlined_type_has_a_line_under_it():
    assert ink(picture(b"\x1b-\x02   ")) == 36 * 2


def test_upside_down_type_keeps_its_dots():
    assert ink(picture(b"\x1b{\x01L")) == ink(picture(b"L"))
    assert picture(b"\x1b{\x01L").tobytes() != picture(b"L").tobytes()


def test_centred_type_stands_in_the_middle():
    image = picture(command.centre(True) + b"KK")

    assert ink(image) == ink(image, (276, 0, 300, 30))


def test_a_raster_is_shown_dot_by_dot():
    image = picture(command.raster(2, b"\x80\x01\xff\x00"))

    row = [[image.getpixel((MARGIN + x, y)) for x in range(16)] for y in range(2)]
    assert row == [[1] + [0] * 14 + [1], [1] * 8 + [0] * 8]


def test_a_raster_wider_than_the_paper_ends_at_its_edge():
    image = picture(command.raster(80, b"\xff" * 80))

    assert ink(image) == 576


def test_a_doubled_raster_has_four_times_the_ink():
    assert ink(picture(b"\x1dv0\x03\x01\x00\x01\x00\xf0")) == 16


def test_bit_images_stand_in_their_line():
    image = picture(b"\x1b*\x21\x02\x00" + b"\xff" * 6)

    assert ink(image) == ink(image, (0, 0, 2, 24)) == 48


def test_codes_are_drawn_with_their_caption():
    bare = picture(b"\x1dh\x3c\x1dkI\x06{BWL42")
    captioned = picture(b"\x1dh\x3c\x1dH\x02\x1dkI\x06{BWL42")

    assert captioned.height == bare.height + 30
    assert ink(captioned) > ink(bare)
    assert ink(captioned, (0, 0, 576, 60)) == ink(bare, (0, 0, 576, 60))


def test_an_empty_slip_is_a_picture_too():
    assert picture(b"").size == (576 + 2 * MARGIN, 30)
