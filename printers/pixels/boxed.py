"""The door of the boxed process: a document in bytes, what is asked of it in a line of JSON before them.

What comes back says of every page that is not there why it is not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from printers.pixels.document import PAGES, Document, Undrawable, open_document
from printers.pixels.fax import Resolution, fax_pages
from printers.pixels.sheets import sheet
from printers.pixels.strips import strips

Head = Mapping[str, Any]

#: Processor seconds after which no further page is begun; the box's own limit is the hard one.
ENOUGH = 12.0


def packed(head: Head, blobs: Iterable[bytes] = ()) -> bytes:
    """`head` as a line of JSON, then `blobs` one after another; their lengths stand in the line."""
    blobs = tuple(blobs)
    line = json.dumps({**head, "lengths": [len(blob) for blob in blobs]})
    return b"\n".join((line.encode("ascii"), b"".join(blobs)))


def unpacked(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """What `packed` made. Raises ValueError for anything else."""
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    blobs, at = [], 0
    for length in head["lengths"]:
        blobs.append(rest[at : at + length])
        at += length
    if at != len(rest):
        raise ValueError("the lengths are wrong")
    return head, blobs


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
    until = time.process_time() + ENOUGH
    for page in range(min(len(document), most)):
        if time.process_time() > until:
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
