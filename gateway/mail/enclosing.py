"""Attachments looked at before they are promised: that they open, how many pages they have, and no more."""

from __future__ import annotations

import io
from typing import Any

from gateway.locale import N_
from gateway.mail import sniff
from gateway.mail.letter import Enclosed, LeftOut

#: Pages of one attachment that are printed, and dots of a picture (a colour scan of an A3 at 400 dpi).
PAGES, DOTS = 30, 40_000_000

_FORMATS = {sniff.PNG: "PNG", sniff.JPEG: "JPEG", sniff.TIFF: "TIFF"}


def enclose(title: str, media_type: str, data: bytes) -> Enclosed | LeftOut:
    """The attachment, with no more than PAGES pages; or why it cannot be printed."""
    if media_type == sniff.TEXT:
        return Enclosed(title=title, media_type=media_type, data=data)
    look = _pdf if media_type == sniff.PDF else _picture
    try:
        return look(title, media_type, data)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the decoders raise whatever their C code felt like
        return LeftOut(title=title, what=media_type, reason=_why(error))


def _pdf(title: str, media_type: str, data: bytes) -> Enclosed | LeftOut:
    import pypdfium2

    pdf: Any = pypdfium2.PdfDocument(data)
    pages = len(pdf)
    if not pages:
        return LeftOut(title=title, what=media_type, reason=N_("It has no page."))
    pdf[0].get_size()  # some say how many pages they have, and have none
    if pages <= PAGES:
        return Enclosed(title=title, media_type=media_type, data=data, pages=pages)
    shorter: Any = pypdfium2.PdfDocument.new()
    shorter.import_pages(pdf, list(range(PAGES)))
    kept = io.BytesIO()
    shorter.save(kept)
    return Enclosed(
        title=title,
        media_type=media_type,
        data=kept.getvalue(),
        pages=PAGES,
        left_out=pages - PAGES,
    )


def _picture(title: str, media_type: str, data: bytes) -> Enclosed | LeftOut:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the check is ours, on what the header says
    with Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]]) as image:
        if image.width * image.height > DOTS:
            return LeftOut(title=title, what=media_type, reason=N_("The picture is too large."))
        frames = 1 if media_type == sniff.JPEG else _frames(image)
        image.seek(0)
        image.draft("L", (600, 600))  # a JPEG is decoded small: enough to see that it is whole
        image.load()
    return Enclosed(
        title=title,
        media_type=media_type,
        data=data,
        pages=min(frames, PAGES),
        left_out=max(0, frames - PAGES),
    )


def _frames(image: Any) -> int:
    """Pages of a TIFF, counted no further than matters."""
    for number in range(1, PAGES * 4):
        try:
            image.seek(number)
        except EOFError:
            return number
    return PAGES * 4


def _why(error: Exception) -> str:
    words = str(error).lower()
    if "password" in words:
        return N_("It is locked with a password.")
    if "truncated" in words or "broken" in words:
        return N_("It is damaged or incomplete.")
    return N_("It cannot be opened: damaged, or not what it seems.")
