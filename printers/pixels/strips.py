"""A page on slip paper: cut out of its margins, and turned in two or three parts when upright it
would be too small to read.

At 203 dpi a letter can be read when its type is 14 dots high (1.8 mm); an A4 page set in 10 points is
11 dots upright on 80 mm, 16 in halves lying on their side, 24 in thirds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from PIL import Image, ImageChops

from printers.line import Bitmap
from printers.pixels.document import Document
from printers.pixels.ink import bilevel

TYPE = 10.0  # points of an ordinary letter
LEGIBLE = 14.0  # dots of its type
PARTS = (2, 3)
_LOOK = 1.0  # dots a point at which margins and gaps are sought
_MARGIN = 6.0  # points kept around what is cut out
_LIGHT = 235  # darker than this is ink
_LONGEST = 4  # times as long as wide: a longer picture is made narrower


Box = tuple[float, float, float, float]  # left, top, right, bottom in points


def strips(document: Document, page: int, *, dots: int) -> tuple[Bitmap, ...]:
    """Page `page` for paper of `dots`: one picture upright, or its parts lying, in reading order.

    Empty for a page without ink. Raises Undrawable.
    """
    look = document.draw(page, _looking(document.size(page)))
    scale = look.width / document.size(page)[0]
    box = _ink(look, scale)
    if box is None:
        return ()
    parts = _parts(look, box, scale, dots=dots)
    lying = len(parts) > 1 or _wide(box)
    found = []
    for part in parts:
        across = part[3] - part[1] if lying else part[2] - part[0]
        along = part[2] - part[0] if lying else part[3] - part[1]
        fine = min(dots / across, dots * _LONGEST / along)
        drawn = document.draw(page, fine).crop(tuple(round(side * fine) for side in part))  # type: ignore[arg-type]
        turned = drawn.transpose(Image.Transpose.ROTATE_270) if lying else drawn
        found.append(_picture(turned, dots))
    return tuple(found)


def _looking(size: tuple[float, float]) -> float:
    """A scale at which the whole page is at most a million dots."""
    return min(_LOOK, 1000 / max(size))


def _ink(look: Image.Image, scale: float) -> Box | None:
    """The smallest box that holds all ink, with a small margin; None for an empty page."""
    box = look.point([255 if value < _LIGHT else 0 for value in range(256)]).getbbox()
    if box is None:
        return None
    left, top, right, bottom = (side / scale for side in box)
    width, height = look.width / scale, look.height / scale
    return (
        max(left - _MARGIN, 0),
        max(top - _MARGIN, 0),
        min(right + _MARGIN, width),
        min(bottom + _MARGIN, height),
    )


def _wide(box: Box) -> bool:
    """Something wider than high, and larger than a note, is read turned."""
    width, height = box[2] - box[0], box[3] - box[1]
    return width > height * 1.2 and width > 300


def _parts(look: Image.Image, box: Box, scale: float, *, dots: int) -> tuple[Box, ...]:
    """Whole when its letters are legible upright, else in as few parts as make them so when turned."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    needed = LEGIBLE / TYPE
    if _wide(box) or dots / width >= needed:
        return (box,)
    count = next((n for n in PARTS if dots / (height / n) >= needed), PARTS[-1])
    if height / count > width * 1.1:  # turned it would be no larger
        return (box,)
    cuts = [top, *_gaps(look, box, scale, count), bottom]
    return tuple((left, a, right, b) for a, b in pairwise(cuts))


def _gaps(look: Image.Image, box: Box, scale: float, count: int) -> Iterator[float]:
    """Where to cut: the emptiest row near each even part's end, so that no line of text is cut in two."""
    left, top, right, bottom = (round(side * scale) for side in box)
    rows = look.crop((left, top, right, bottom)).resize((1, bottom - top), Image.Resampling.BOX)
    light = rows.tobytes()
    reach = max(len(light) // count // 8, 1)
    for number in range(1, count):
        even = len(light) * number // count
        near = range(max(even - reach, 1), min(even + reach, len(light) - 1))
        best = max(near, key=lambda row: (light[row], -abs(row - even)), default=even)
        yield (top + best) / scale


def _picture(image: Image.Image, dots: int) -> Bitmap:
    """On the whole width of the paper, in its middle, in black and white."""
    fitted = image
    if image.width > dots:  # by a rounded dot
        fitted = image.crop((0, 0, dots, image.height))
    # White is 255: Pillow inverts the 1 that it takes for white elsewhere to 254, which is ink.
    paper = Image.new("1", (dots, fitted.height), 255)
    paper.paste(bilevel(fitted), ((dots - fitted.width) // 2, 0))
    return Bitmap(dots // 8, ImageChops.invert(paper).tobytes())
