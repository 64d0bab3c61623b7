"""A page as the picture that a sheet of A4 carries: PNG, sharp letters, greys only where it has any."""

from __future__ import annotations

import io

from PIL import Image

from printers.pixels.document import Document
from printers.pixels.ink import bilevel, pictures

_PLACE = (505, 735)  # points: what a sheet leaves for it below its header (178 by 259 mm)
_SHARP, _GREY = 300, 200  # dpi


def sheet(document: Document, page: int) -> bytes:
    """Page `page` as PNG: black and white at 300 dpi, 200 dpi and grey where it holds pictures.

    A page wider than high is turned, to be read from the right. Raises Undrawable.
    """
    width, height = document.size(page)
    lying = width > height
    if lying:
        width, height = height, width
    fitting = min(_PLACE[0] / width, _PLACE[1] / height)
    drawn = document.draw(page, fitting * _SHARP / 72)
    if lying:
        drawn = drawn.transpose(Image.Transpose.ROTATE_90)
    if pictures(drawn) is None:
        made = bilevel(drawn)
    else:
        size = (max(side * _GREY // _SHARP, 1) for side in drawn.size)
        made = drawn.resize((next(size), next(size)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    made.save(file, "PNG", compress_level=1)
    return file.getvalue()
