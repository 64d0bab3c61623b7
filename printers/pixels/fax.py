"""Pages as a fax machine takes them: one TIFF, group 4, 1728 dots wide (ITU-T T.4; TIFF-F, RFC 2306).

Asterisk finds out that a file is not of this kind only after the far end has answered.
"""

from __future__ import annotations

import io
from enum import Enum

from PIL import Image

from printers.pixels.document import SHEETS, Document, Undrawable, open_document
from printers.pixels.ink import bilevel

WIDTH = 1728  # dots across 215 mm at 204 dpi: every fax machine's line
_ACROSS = 204  # dpi


class Resolution(Enum):
    """Rows of an A4 page, and the dpi that stands in the file: without it a page comes out stretched."""

    STANDARD = (1146, 98)
    FINE = (2292, 196)
    SUPERFINE = (4584, 391)


def fax_pages(pdf: bytes, *, resolution: Resolution = Resolution.FINE, most: int = SHEETS) -> bytes:
    """The pages of `pdf` (any document we draw) as one TIFF.

    Raises Undrawable, also for a document of more than `most` pages: a fax is never cut in silence.
    """
    document = open_document(pdf)
    if len(document) > most:
        raise Undrawable(Undrawable.TOO_LARGE)
    rows, down = resolution.value
    pages = [_page(document, page, rows) for page in range(len(document))]
    made = io.BytesIO()
    # Black is zero: Asterisk takes either, and Pillow turns the bits for the other one by one (1 s).
    pages[0].save(
        made,
        "TIFF",
        compression="group4",
        dpi=(_ACROSS, down),
        save_all=True,
        append_images=pages[1:],
    )
    return made.getvalue()


def _page(document: Document, page: int, rows: int) -> Image.Image:
    """One page on a fax sheet, as large as it fits; what is wider than high is turned."""
    width, height = document.size(page)
    lying = width > height
    if lying:
        width, height = height, width
    tall = 2444 * 2  # rows of A4 where they are as far apart as the dots, twice for sharper letters
    scale = min(2 * WIDTH / width, tall / height)
    drawn = document.draw(page, scale)
    if lying:
        drawn = drawn.transpose(Image.Transpose.ROTATE_90)
    across, deep = round(width * scale / 2), round(height * scale * rows / tall)
    size = min(across, WIDTH), min(deep, rows)
    ink = bilevel(drawn.resize(size, Image.Resampling.BOX), lightest=170)
    paper = Image.new("1", (WIDTH, rows), 1)
    paper.paste(ink, ((WIDTH - size[0]) // 2, 0))
    return paper
