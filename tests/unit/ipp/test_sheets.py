"""What a printer is sent: PDF where it takes it, else raster as fine as small print needs."""

from __future__ import annotations

import pytest

from gateway.ipp.sheets import PDF, RASTER, Sheets, grain, pages
from printers.ipp import Group, Resolution, Tag, Value
from printers.pages import set_page
from printers.slip import Slip, Text


def printer(*dpi, kinds=()):
    return Group(
        Tag.PRINTER,
        {
            "pwg-raster-document-resolution-supported": tuple(
                Value(Tag.RESOLUTION, Resolution(each, each)) for each in dpi
            ),
            "pwg-raster-document-type-supported": tuple(Value(Tag.KEYWORD, k) for k in kinds),
        },
    )


@pytest.mark.parametrize(
    ("dpi", "kinds", "found"),
    [
        ((600, 300), ("black_1", "sgray_8"), (300, 1)),
        ((600,), ("sgray_8", "srgb_8"), (600, 8)),
        ((200, 150), ("black_1",), (200, 1)),
        ((), (), (300, 1)),
    ],
)
def test_the_grain_is_one_the_printer_has(dpi, kinds, found):
    assert grain(printer(*dpi, kinds=kinds)) == found


def test_pdf_is_preferred_and_raster_needs_somebody_to_draw_it():
    drawing, plain = Sheets(None, paper=object()), Sheets(None)
    assert drawing.format_of((RASTER, PDF)) == PDF
    assert drawing.format_of((RASTER,)) == RASTER
    assert plain.format_of((RASTER,)) == ""
    assert drawing.format_of(("application/vnd.hp-PCL",)) == ""


def test_the_pages_of_a_sheet_are_counted():
    long = Slip(header=(), body=tuple(Text(text=f"line {n}") for n in range(150)))
    assert pages(set_page(Slip(header=(), body=()))) == 1
    assert pages(set_page(long)) > 1
    assert pages(b"no PDF of ours") is None
