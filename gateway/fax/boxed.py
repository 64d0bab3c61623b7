"""What is done with faxes in the boxed process: pages are bound for one call, received files are read."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence

from PIL import Image, ImageSequence

from printers.pixels.document import STUMBLES
from printers.pixels.packing import packed, unpacked

#: Dots of one received page: superfine A4 twice over. A file that says more is no fax.
PIXELS = 2 * 1728 * 4584
DESCRIPTION = 270  # where Asterisk writes who sent it


def bind(payload: bytes) -> bytes:
    """A cover and pages `first` to `last` (1 is the first) of a fax, as one TIFF."""
    head, (cover, content) = unpacked(payload)
    pages = [*_pages(cover), *_pages(content)[head["first"] - 1 : head["last"]]]
    made = io.BytesIO()
    pages[0].save(
        made,
        "TIFF",
        compression="group4",
        dpi=pages[0].info["dpi"],
        save_all=True,
        append_images=pages[1:],
    )
    return made.getvalue()


def look(payload: bytes) -> bytes:
    """JSON of a file that was received: how many `pages` can be read, and which `station` sent it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(payload), formats=("TIFF",))
            station = str(image.tag_v2.get(DESCRIPTION, ""))  # type: ignore[attr-defined]
        except STUMBLES:
            return json.dumps({"pages": 0, "station": ""}).encode()
        return json.dumps({"pages": _readable(image), "station": station[:100]}).encode()


def _readable(image: Image.Image) -> int:
    """Pages until the first that cannot be read."""
    count = 0
    try:
        for page in ImageSequence.Iterator(image):
            if page.width * page.height > PIXELS:
                break
            page.load()
            count += 1
    except STUMBLES:
        return count
    return count


def _pages(data: bytes) -> Sequence[Image.Image]:
    image = Image.open(io.BytesIO(data), formats=("TIFF",))
    found = []
    for page in ImageSequence.Iterator(image):
        # A fresh image: a copy drags its file's tags along.
        fresh = Image.frombytes("1", page.size, page.convert("1").tobytes())
        fresh.info["dpi"] = page.info["dpi"]
        found.append(fresh)
    return found


__all__ = ["bind", "look", "packed", "unpacked"]
