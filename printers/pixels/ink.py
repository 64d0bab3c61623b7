"""Grey as black and white: text by a threshold, so that it stays sharp; photographs by dots."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageFilter

LIGHTEST = 190  # what is darker becomes black: thin grey letters must not vanish
TILE = 15  # dots: a picture is found in tiles of this size
MIDDLE = (40, 215)  # greys that neither ink nor paper has


def bilevel(image: Image.Image, *, lightest: int = LIGHTEST) -> Image.Image:
    """`image` ("L") in mode "1", white 255: Floyd-Steinberg dots where it is a picture, else sharp."""
    sharp = image.point(_below(lightest), mode="1")
    sharp = Image.composite(image.point(_below(255 - lightest), mode="1"), sharp, _dark(image))
    shaded = pictures(image)
    return sharp if shaded is None else Image.composite(image.convert("1"), sharp, shaded)


def pictures(image: Image.Image) -> Image.Image | None:
    """Where greys fill whole tiles: a mask ("1") as large as `image`, or None for nowhere."""
    low, high = MIDDLE
    third = -(-image.width // 3), -(-image.height // 3)
    some = image.resize(third, Image.Resampling.NEAREST)  # every third dot tells
    middle = some.point([255 if low <= value <= high else 0 for value in range(256)])
    return _mask(middle.reduce(TILE // 3), lambda share: share > _FILLED, image.size)


def _mask(
    means: Image.Image, holds: Callable[[int], bool], size: tuple[int, int]
) -> Image.Image | None:
    """A mask of the tiles whose mean `holds`, and of their neighbours; None when none does."""
    found = means.point([255 if holds(value) else 0 for value in range(256)])
    if found.getbbox() is None:
        return None
    grown = found.filter(ImageFilter.MaxFilter(3))  # its edges are of it too
    return grown.resize(size, Image.Resampling.NEAREST).convert("1", dither=Image.Dither.NONE)


def _dark(image: Image.Image) -> Image.Image:
    """Where the surroundings of a dot, five dots each way, are mostly black: there letters are white."""
    around = image.reduce(2).filter(ImageFilter.BoxBlur(2))
    found = around.point([255 if value < _DARK else 0 for value in range(256)])
    wide = found.resize(image.size, Image.Resampling.NEAREST)
    return wide.convert("1", dither=Image.Dither.NONE)


def _below(lightest: int) -> list[int]:
    return [0 if value < lightest else 255 for value in range(256)]


_DARK = 100  # half the way to white letters filling it
_FILLED = 0.7 * 255  # small letters fill half a tile with the greys of their edges
