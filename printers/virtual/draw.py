"""A slip as a picture: every dot where the print head would burn it."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont, ImageOps, PngImagePlugin

from printers.glyphs import font_file
from printers.virtual.head import CAPTION
from printers.virtual.paper import Image, Line, Run, Slip, Style, Symbol

MARGIN = 32  # dots of white paper either side: 80 mm of paper around 72 mm of print
_EM = {"A": 20, "B": 15}  # pixels at which DejaVu Sans Mono advances by 12 and by 9 dots
_CELL = {"A": (12, 24), "B": (9, 17)}
_PAPER, _INK = (252, 251, 247), (24, 22, 26)
_BLACK = 1


def png(slip: Slip) -> bytes:
    """`slip` as a PNG of two colours, one pixel a dot. About 10 ms for a slip of 40 lines."""
    dots = Pillow.new("1", (slip.width + 2 * MARGIN, max(1, slip.height)))
    for line in slip.lines:
        _line(dots, line)
    dots = dots.convert("P")
    dots.putpalette([*_PAPER, *_INK])
    file = io.BytesIO()
    about = PngImagePlugin.PngInfo()
    about.add_text("Title", f"slip {slip.number}")
    dots.point(lambda value: 1 if value else 0).save(
        file, "PNG", bits=1, dpi=(slip.dpi, slip.dpi), pnginfo=about
    )
    return file.getvalue()


def _line(paper: Pillow.Image, line: Line) -> None:
    bottom = line.y + line.height
    for run in line.runs:
        _run(paper, run, bottom)
    for x, image in line.images:
        _paste(paper, image, (x, bottom - image.size[1]))
    match line.picture:
        case Image():
            _paste(paper, line.picture, (line.x, line.y))
        case Symbol(image=image, caption=caption):
            _paste(paper, image, (line.x, line.y))
            x = line.x + (image.size[0] - 12 * len(caption)) // 2
            _run(paper, Run(caption, Style(), max(0, x)), line.y + image.size[1] + CAPTION)


def _paste(paper: Pillow.Image, image: Image, at: tuple[int, int]) -> None:
    picture = Pillow.frombytes("1", ((image.width + 7) // 8 * 8, image.height), image.bits)
    picture = picture.crop((0, 0, image.width, image.height)).resize(image.size)
    printable = paper.width - 2 * MARGIN
    if at[0] + picture.width > printable:  # the head has no more dots there
        picture = picture.crop((0, 0, max(0, printable - at[0]), picture.height))
    paper.paste(_BLACK, (at[0] + MARGIN, at[1]), picture)


def _run(paper: Pillow.Image, run: Run, bottom: int) -> None:
    style = run.style
    top = bottom - style.rise
    for at, char in enumerate(run.text):
        x = MARGIN + run.x + at * style.advance
        if style.inverse:
            paper.paste(_BLACK, (x, top, x + style.advance, bottom))
        paper.paste(0 if style.inverse else _BLACK, (x, top), _glyph(char, style))
    if style.underline and not style.inverse:
        left, right = MARGIN + run.x, MARGIN + run.x + run.width
        paper.paste(_BLACK, (left, bottom - style.underline, right, bottom))


@lru_cache(maxsize=4096)
def _glyph(char: str, style: Style) -> Pillow.Image:
    """One character as its cell of dots; larger sizes repeat dots, bold strikes twice, as a head does."""
    cell = Pillow.new("1", _CELL[style.font])
    draw = ImageDraw.Draw(cell)
    draw.fontmode = "1"
    for strike in range(2 if style.bold else 1):
        draw.text((strike, 0), char, font=_font(_EM[style.font]), fill=_BLACK)
    if style.upside_down:
        cell = ImageOps.flip(ImageOps.mirror(cell))
    size = (cell.width * style.width, cell.height * style.height)
    return cell.resize(size, Pillow.Resampling.NEAREST)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(font_file()), size, layout_engine=ImageFont.Layout.BASIC)
