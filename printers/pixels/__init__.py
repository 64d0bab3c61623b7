"""A stranger's document as pixels: its pages drawn, and made black and white for paper, fax or slip.

Everything here runs in a boxed process (`printers.pixels.boxed` is its door): pdfium is not safe in
threads, and no decoder is safe from hostile bytes.
"""

from __future__ import annotations

from printers.pixels.document import PAGES, Document, Undrawable, open_document
from printers.pixels.fax import Resolution, fax_pages
from printers.pixels.sheets import sheet
from printers.pixels.strips import Picture, strips

__all__ = [
    "PAGES",
    "Document",
    "Picture",
    "Resolution",
    "Undrawable",
    "fax_pages",
    "open_document",
    "sheet",
    "strips",
]
