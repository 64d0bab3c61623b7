"""A slip as the document a printer takes: PDF, or its pages drawn as PWG raster where it knows no PDF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.threads import deferToThreadPool

from gateway.ipp.run import Document
from gateway.paper import Typesetter
from printers.ipp import Group, Resolution
from printers.slip import Slip

PDF, RASTER = "application/pdf", "image/pwg-raster"
#: Dots an inch, the best first: 300 is what small print needs, more only makes it late.
_DPI = (300, 360, 400, 600, 200, 240, 203, 150)


class Setter(Protocol):
    """Makes documents for page printers."""

    def format_of(self, formats: Sequence[str]) -> str:
        """Which of the formats a printer takes it would be given; "" for none."""
        ...

    async def set(self, slip: Slip, formats: Sequence[str], about: Group) -> Document:
        """`about`: what the printer says of itself (resolutions, colours)."""
        ...


class Sheets:
    """Pages set by typst, with what came along drawn behind them where there is a `paper` to draw it."""

    def __init__(self, reactor: Any, *, paper: Typesetter | None = None) -> None:
        self._reactor = reactor
        self._paper = paper

    def format_of(self, formats: Sequence[str]) -> str:
        if PDF in formats:
            return PDF
        return RASTER if RASTER in formats and self._paper is not None else ""

    async def set(self, slip: Slip, formats: Sequence[str], about: Group) -> Document:
        if self._paper is not None and self.format_of(formats) == RASTER:
            dpi, bits = grain(about)
            raster, count = await self._paper.raster(slip, dpi=dpi, bits=bits)
            return Document(data=raster, format=RASTER, pages=count)
        if self._paper is not None:
            pdf = await self._paper.page(slip)
        else:
            pool = self._reactor.getThreadPool()
            pdf = await deferToThreadPool(self._reactor, pool, _page, slip)
        return Document(data=pdf, format=PDF, pages=pages(pdf))


def grain(about: Group) -> tuple[int, int]:
    """Dots an inch, and bits a dot, of the raster that a printer is sent (PWG 5102.4)."""
    said = (
        value.content
        for value in about.attributes.get("pwg-raster-document-resolution-supported", ())
    )
    known = {r.across for r in said if isinstance(r, Resolution) and r.across == r.feed}
    dpi = next((dpi for dpi in _DPI if dpi in known), _DPI[0])
    kinds = about.words("pwg-raster-document-type-supported")
    return dpi, 1 if "black_1" in kinds or not kinds else 8


def pages(pdf: bytes) -> int | None:
    """How many pages a PDF of our own has: typst writes its page tree first, and in the clear."""
    found = re.search(rb"/Type\s*/Pages\s*/Count ([0-9]{1,5})\b", pdf)
    return int(found[1]) if found else None


def _page(slip: Slip) -> bytes:
    from printers.pages import set_page

    return set_page(slip)
