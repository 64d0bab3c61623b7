"""A sheet as the pictures a printer takes that knows no PDF: its pages drawn in the box, as PWG raster."""

from __future__ import annotations

from printers import pwg
from printers.pixels.document import SHEETS, Document, Undrawable, open_document
from printers.pixels.ink import bilevel
from printers.pixels.packing import packed, unpacked


def raster(payload: bytes) -> bytes:
    """The PDF in `payload` at `dpi` in `bits` (1 or 8); `fault` when there is none of it.

    One page after the other: at 300 dpi and 8 bits each is nine megabytes.
    """
    head, (pdf,) = unpacked(payload)
    try:
        document = open_document(pdf)
        if len(document) > SHEETS:  # never cut in silence
            raise Undrawable(Undrawable.TOO_LARGE)
        dpi, bits = head["dpi"], head["bits"]
        pages = (_page(document, n, dpi=dpi, bits=bits) for n in range(len(document)))
        made = pwg.encode(pages, dpi=dpi, total=len(document))
    except Undrawable as fault:
        return packed({"fault": str(fault), "pages": 0})
    return packed({"fault": "", "pages": len(document)}, [made])


def _page(document: Document, page: int, *, dpi: int, bits: int) -> pwg.Picture:
    drawn = document.draw(page, dpi / 72)
    # pdfium rounds up; a picture one dot wider than its paper is made smaller by some printers.
    across, down = (round(side * dpi / 72) for side in document.size(page))
    drawn = drawn.crop((0, 0, across, down))
    # In PWG raster black is 1, in a picture of Pillow's 0.
    ink = drawn if bits == 8 else bilevel(drawn).point(lambda dot: 255 - dot)
    return pwg.Picture(width=drawn.width, height=drawn.height, bits=bits, data=ink.tobytes())
