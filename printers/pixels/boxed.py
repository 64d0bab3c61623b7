"""The door of the boxed process: a document in bytes, what is asked of it in a line of JSON before them.

What comes back says of every page that is not there why it is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from printers.pixels import printer
from printers.pixels.document import PAGES, Document, Undrawable, open_document
from printers.pixels.fax import Resolution, fax_pages
from printers.pixels.packing import Head, packed, unpacked
from printers.pixels.sheets import sheet
from printers.pixels.strips import strips

#: Seconds after which no further page is begun; the box's own limit is the hard one.
ENOUGH = 12.0


def sheets(payload: bytes) -> bytes:
    """Each page as PNG for a sheet of A4."""
    return _drawn(payload, lambda document, page, head: [sheet(document, page)])


def slips(payload: bytes) -> bytes:
    """Each page as pictures for slip paper of `dots`; `parts` says how many of each page there are."""

    def draw(document: Document, page: int, head: Head) -> list[bytes]:
        return [picture.data for picture in strips(document, page, dots=head["dots"])]

    return _drawn(payload, draw)


def fax(payload: bytes) -> bytes:
    """Its pages as the TIFF of a fax, `resolution` by name; `fault` when there is none."""
    head, (data,) = unpacked(payload)
    try:
        made = fax_pages(data, resolution=Resolution[head["resolution"]])
    except Undrawable as fault:
        return packed({"fault": str(fault)})
    return packed({"fault": ""}, [made])


def raster(payload: bytes) -> bytes:
    """The `pages` of a PDF of ours as PWG raster, at `dpi` in `bits`; `fault` when there is none of it."""
    return printer.raster(payload)


def _drawn(payload: bytes, draw: Callable[[Document, int, Head], Sequence[bytes]]) -> bytes:
    """`count` pages there are; for each of the first: its `parts`, and its `faults` when there are none."""
    head, (data,) = unpacked(payload)
    most = min(head.get("most", PAGES), PAGES)
    blobs: list[bytes] = []
    parts: list[int] = []
    faults: list[str] = []
    try:
        document = open_document(data)
    except Undrawable as fault:
        return packed({"count": 0, "fault": str(fault), "parts": [], "faults": []})
    until = time.monotonic() + ENOUGH
    for page in range(min(len(document), most)):
        if time.monotonic() > until:
            break
        why, drawn = "", list[bytes]()
        try:
            drawn = [*draw(document, page, head)]
        except Undrawable as fault:
            why = str(fault)
        blobs += drawn
        parts.append(len(drawn))
        faults.append(why)
    return packed({"count": len(document), "fault": "", "parts": parts, "faults": faults}, blobs)
