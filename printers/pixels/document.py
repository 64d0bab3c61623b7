"""PDF, PNG, JPEG and TIFF opened by their content, never by their name; anything else is refused.

Sizes are checked before anything is drawn: the pages of a PDF and the pixels of an image both may
ask for more memory than there is.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pypdfium2 as pdfium
from PIL import Image, ImageOps, UnidentifiedImageError

PAGES = 30  # of one document that are drawn at all
SHEETS = 60  # of one paper of ours, the documents that came along among them
PIXELS = 40_000_000  # of one picture, taken in or given out: A4 at 600 dpi is 35 million
FORMATS = ("PNG", "JPEG", "TIFF")  # each other decoder is a way in for nothing a ward needs
#: What Pillow's decoders raise over a file that is not what it says: all but a bomb's own errors.
STUMBLES = (OSError, ValueError, SyntaxError, EOFError, TypeError, ArithmeticError, LookupError)
DPI = 150  # of an image that does not say: what scanners of paper use


class Undrawable(Exception):
    """Why a document, or a page of it, cannot be drawn: one of the words below."""

    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    EMPTY = "empty"
    TOO_LARGE = "too large"
    UNKNOWN = "unknown kind"


class Document(Protocol):
    """Something with pages."""

    def __len__(self) -> int: ...

    def size(self, page: int) -> tuple[float, float]:
        """Width and height in points (1/72 inch). Raises Undrawable."""
        ...

    def draw(self, page: int, scale: float) -> Image.Image:
        """It in 256 greys ("L"), `scale` dots a point. Raises Undrawable."""
        ...


def open_document(data: bytes) -> Document:
    """The document in `data`. Raises Undrawable."""
    if not data:
        raise Undrawable(Undrawable.EMPTY)
    if b"%PDF-" in data[:1024]:
        return _Pdf(data)
    return _Image(data)


class _Pdf:
    """Drawn as it prints: with what was filled into its forms, without running anything in it."""

    def __init__(self, data: bytes) -> None:
        try:
            self._document = pdfium.PdfDocument(data)
            self._document.init_forms()
            self._count = len(self._document)
        except pdfium.PdfiumError as fault:
            locked = "password" in str(fault).lower() or "security" in str(fault).lower()
            raise Undrawable(Undrawable.ENCRYPTED if locked else Undrawable.DAMAGED) from fault
        if not self._count:
            raise Undrawable(Undrawable.EMPTY)

    def __len__(self) -> int:
        return self._count

    def size(self, page: int) -> tuple[float, float]:
        try:
            width, height = self._document.get_page_size(page)
        except pdfium.PdfiumError as fault:
            raise Undrawable(Undrawable.DAMAGED) from fault
        if not (math.isfinite(width) and math.isfinite(height) and width >= 1 and height >= 1):
            raise Undrawable(Undrawable.DAMAGED)
        return width, height

    def draw(self, page: int, scale: float) -> Image.Image:
        _check(self.size(page), scale)
        try:
            sheet = self._document[page]
            try:
                drawn: Image.Image = sheet.render(scale=scale, grayscale=True).to_pil()
            finally:
                sheet.close()
        except pdfium.PdfiumError as fault:
            raise Undrawable(Undrawable.DAMAGED) from fault
        return drawn


class _Image:
    """One picture, or the pages of a TIFF."""

    def __init__(self, data: bytes) -> None:
        with _strict():
            try:
                self._image = Image.open(io.BytesIO(data), formats=FORMATS)
            except UnidentifiedImageError as fault:
                raise Undrawable(Undrawable.UNKNOWN) from fault
            self._count = int(getattr(self._image, "n_frames", 1))

    def __len__(self) -> int:
        return self._count

    def size(self, page: int) -> tuple[float, float]:
        with _strict():
            image = self._at(page)
            across, down = _resolution(image)
            width, height = image.width * 72 / across, image.height * 72 / down
            turned = image.getexif().get(_ORIENTATION, 1) in _LYING
        return (height, width) if turned else (width, height)

    def draw(self, page: int, scale: float) -> Image.Image:
        width, height = (max(round(side * scale), 1) for side in self.size(page))
        _check((width, height), 1)
        with _strict():
            image = self._at(page)
            side = max(width, height)
            image.draft("L", (side, side))  # a JPEG gives a smaller picture five times as fast
            upright = ImageOps.exif_transpose(image)
            return _grey(upright).resize((width, height), Image.Resampling.LANCZOS)

    def _at(self, page: int) -> Image.Image:
        if page:
            self._image.seek(page)
        if self._image.width * self._image.height > PIXELS:
            raise Undrawable(Undrawable.TOO_LARGE)
        return self._image


_ORIENTATION = 0x0112
_LYING = (5, 6, 7, 8)  # turned by a quarter (Exif 2.32, 4.6.4)


@contextmanager
def _strict() -> Iterator[None]:
    """Whatever a decoder stumbles over is Undrawable; too many pixels are an error, not a warning."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise Undrawable(Undrawable.TOO_LARGE) from fault
    except STUMBLES as fault:
        raise Undrawable(Undrawable.DAMAGED) from fault
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _check(size: tuple[float, float], scale: float) -> None:
    if size[0] * scale * size[1] * scale > PIXELS:
        raise Undrawable(Undrawable.TOO_LARGE)


def _resolution(image: Image.Image) -> tuple[float, float]:
    """Dots an inch as the image says, where that can be true (a fax has 204 by 98)."""
    said = image.info.get("dpi", (0, 0))
    across, down = (float(each) for each in said[:2])
    if 36 <= across <= 1200 and 36 <= down <= 1200:
        return across, down
    return DPI, DPI


def _grey(image: Image.Image) -> Image.Image:
    """On white where it is transparent; 16 bits as the upper 8."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        paper = Image.new("RGBA", whole.size, "white")
        return Image.alpha_composite(paper, whole).convert("L")
    return image if image.mode == "L" else image.convert("RGB").convert("L")
