"""Lines and codes as dots, for what a printer's own type and symbols cannot do.

A line drawn here looks like its neighbours in text mode: the same 12 by 24 cell, the same line
pitch, the same bold (struck twice, one dot apart), the same black cells where it is inverse.
Costs about 0.2 ms and 2 kB a line, so it is for the few lines that need it.
"""

from __future__ import annotations

import io
import unicodedata
from functools import cache

import segno
from PIL import Image, ImageDraw, ImageFont

from printers.columns import width
from printers.glyphs import font_file
from printers.line import PITCH, Bitmap, Line, Run

CELL = 12  # dots across a character of font A
FACE = 24  # dots down it
EM = 20  # pixels: the size at which DejaVu Sans Mono advances by one cell


def draw_line(line: Line, *, dots: int, columns: int) -> Bitmap:
    """A line over the whole width of the paper, as high as it stands in text mode."""
    image = Image.new("1", (dots, PITCH * line.height))
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    columns_taken = sum(_columns(run) for run in line.runs)
    left = (columns - columns_taken) * CELL // 2 if line.centred else 0
    for run in line.runs:
        _draw_run(draw, run, left=left, bottom=image.height)
        left += _columns(run) * CELL
    return Bitmap(dots // 8, image.tobytes())


def draw_qr(data: str, *, dots: int, module: int = 6) -> Bitmap:
    """A QR code in the middle of the paper, error correction M, four quiet modules around it."""
    code = segno.make_qr(data, error="m")
    modules = [bytes(255 if dark else 0 for dark in row) for row in code.matrix_iter(border=4)]
    side = len(modules)
    scaled = min(module, dots // side)
    image = Image.frombytes("L", (side, side), b"".join(modules))
    image = image.resize((side * scaled, side * scaled), Image.Resampling.NEAREST)
    paper = Image.new("1", (dots, image.height))
    paper.paste(image, ((dots - image.width) // 2, 0))
    return Bitmap(dots // 8, paper.tobytes())


def _columns(run: Run) -> int:
    return width(run.text) * (2 if run.style.large else 1)


def _draw_run(draw: ImageDraw.ImageDraw, run: Run, *, left: int, bottom: int) -> None:
    scale = 2 if run.style.large else 1
    top = bottom - (PITCH + FACE) // 2 * scale
    ink = 1
    if run.style.inverse:
        right = left + _columns(run) * CELL - 1
        draw.rectangle((left, top, right, top + FACE * scale - 1), fill=1)
        ink = 0
    at = left - CELL * scale
    raised = 0
    for char in run.text:
        if unicodedata.category(char)[0] == "M":
            spot = (at, top - raised)
            raised += _STACK * scale if unicodedata.combining(char) == _ABOVE else 0
        else:
            at += CELL * scale
            spot = (at, top)
            raised = _STACK * scale if _accented(char) else 0
        for strike in range(2 if run.style.bold else 1):
            draw.text((spot[0] + strike, spot[1]), char, font=_font(EM * scale), fill=ink)


_ABOVE = 230  # canonical combining class of the marks that sit on top
_STACK = 3  # dots by which a second mark (ê and a tilde: ễ) rises above the first


@cache
def _accented(char: str) -> bool:
    """Does it carry a mark on top already?"""
    return any(unicodedata.combining(part) == _ABOVE for part in unicodedata.normalize("NFD", char))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(font_file()), size, layout_engine=ImageFont.Layout.BASIC)
