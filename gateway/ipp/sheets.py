"""A slip as the document a printer takes: its page set beside the reactor, as PDF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.threads import deferToThreadPool

from gateway.ipp.run import Document
from gateway.paper import Typesetter
from printers.ipp import Group
from printers.slip import Slip

PDF = "application/pdf"


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
        return PDF if PDF in formats else ""

    async def set(self, slip: Slip, formats: Sequence[str], about: Group) -> Document:
        if self._paper is not None:
            pdf = await self._paper.page(slip)
        else:
            pool = self._reactor.getThreadPool()
            pdf = await deferToThreadPool(self._reactor, pool, _page, slip)
        return Document(data=pdf, format=PDF, pages=pages(pdf))


def pages(pdf: bytes) -> int | None:
    """How many pages a PDF of our own has: typst writes its page tree first, and in the clear."""
    found = re.search(rb"/Type\s*/Pages\s*/Count ([0-9]{1,5})\b", pdf)
    return int(found[1]) if found else None


def _page(slip: Slip) -> bytes:
    from printers.pages import set_page

    return set_page(slip)
