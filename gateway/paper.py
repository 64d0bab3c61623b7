"""Pages, fax pages and slips with the documents that came along: drawn in the box, set beside the reactor.

What cannot be drawn, or not all of it, is said in words where it should stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import structlog
from twisted.internet.threads import deferToThreadPool

from gateway.box import BoxFailed, Why
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.locale import N_, Translate, translator
from printers import layout, pages
from printers.line import Bitmap
from printers.pixels.packing import packed, unpacked
from printers.slip import Banner, Block, Enclosure, Slip, Text, Tone

log = structlog.get_logger()

#: Seconds the box may draw one document: thirty pages take three to eight; after 12 it stops by itself.
DRAWING = 25.0
#: The same for a whole paper of ours: dense pages in 8 bits take 0.7 s each where two cores are busy.
WHOLE = 60.0


class Box(Protocol):
    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The first pages of one document: the parts of each, and why one has none."""

    count: int = 0  # pages there are
    fault: str = ""
    pages: tuple[tuple[bytes, ...], ...] = ()
    faults: tuple[str, ...] = ()


class Typesetter:
    """What channels make of a slip for a medium of their own.

    Each raises TemporaryFailure while there is too much to draw: nothing is left out for that.
    """

    def __init__(self, reactor: Any, box: Box, *, templates: Path | None = None) -> None:
        self._reactor = reactor
        self._box = box
        self._templates = templates

    async def page(self, slip: Slip) -> bytes:
        """`slip` as a PDF, its enclosures as sheets behind it."""
        slip, found = await self._open(slip, "sheets")
        drawn = {
            one: [page[0] if page else b"" for page in its.pages] for one, its in found.items()
        }

        def work(templates: Path | None) -> bytes:
            return pages.set_page(slip, drawn=drawn, templates=templates)

        pool = self._reactor.getThreadPool()
        try:
            return await deferToThreadPool(self._reactor, pool, work, self._templates)
        except pages.Unset as fault:
            if self._templates is None:
                raise PermanentFailure(str(fault)) from fault
            # A result is not held up by somebody's typing: it comes out in the shipped look.
            log.exception("template at fault")
            return await deferToThreadPool(self._reactor, pool, work, None)

    async def sheets(self, slip: Slip) -> tuple[Slip, list[bytes]]:
        """`slip` with words for what of its enclosures cannot be shown, and their pages as PNG, in order."""
        slip, found = await self._open(slip, "sheets")
        return slip, [page[0] for its in found.values() for page in its.pages if page]

    async def strips(self, slip: Slip, *, dots: int) -> tuple[Slip, layout.Drawn]:
        """`slip` and the pictures of its enclosures, for `printers.layout.lay_out`."""
        slip, found = await self._open(slip, "slips", dots=dots)
        width = dots // 8
        return slip, {
            one: [[Bitmap(width, part) for part in page] for page in its.pages]
            for one, its in found.items()
        }

    async def fax(self, slip: Slip, *, resolution: str = "FINE") -> bytes:
        """`slip` and its enclosures as one TIFF for a fax machine (STANDARD, FINE, SUPERFINE).

        Raises PermanentFailure for what makes more pages than a fax may have.
        """
        pdf = await self.page(slip)
        try:
            head, blobs = await self._ask("fax", pdf, resolution=resolution)
        except BoxFailed as failed:
            raise _later(failed) or PermanentFailure(
                f"the fax could not be drawn: {failed}"
            ) from failed
        if head["fault"]:
            raise PermanentFailure(f"the fax could not be drawn: {head['fault']}")
        return blobs[0]

    async def raster(self, slip: Slip, *, dpi: int, bits: int) -> tuple[bytes, int]:
        """`slip` and its enclosures as PWG raster, and how many pages it has. Raises PermanentFailure."""
        pdf = await self.page(slip)
        try:
            head, blobs = await self._ask("raster", pdf, dpi=dpi, bits=bits)
        except BoxFailed as failed:
            raise _later(failed) or PermanentFailure(
                f"the page could not be drawn: {failed}"
            ) from failed
        if head["fault"]:
            raise PermanentFailure(f"the page could not be drawn: {head['fault']}")
        return blobs[0], head["pages"]

    async def _open(
        self, slip: Slip, form: str, **asked: Any
    ) -> tuple[Slip, dict[Enclosure, Drawn]]:
        """Every enclosure drawn, and the slip with words for what of them is not."""
        found: dict[Enclosure, Drawn] = {}
        for block in (*slip.header, *slip.body, *slip.footer):
            if isinstance(block, Enclosure) and block.media_type != "text/plain":
                found[block] = await self._draw(block, form, asked)
        if not found:
            return slip, found
        _ = translator(slip.language)
        header, body, footer = (
            tuple(said for block in part for said in _said(_, block, slip, found))
            for part in (slip.header, slip.body, slip.footer)
        )
        shown = {one: its for one, its in found.items() if any(its.pages)}
        return replace(slip, header=header, body=body, footer=footer), shown

    async def _draw(self, enclosure: Enclosure, form: str, asked: Mapping[str, Any]) -> Drawn:
        try:
            head, blobs = await self._ask(form, enclosure.data, **asked)
        except BoxFailed as failed:
            if later := _later(failed):
                raise later from failed
            return Drawn(fault=str(failed.why))
        parts = iter(blobs)
        return Drawn(
            count=head["count"],
            fault=head["fault"],
            pages=tuple(tuple(next(parts) for _ in range(many)) for many in head["parts"]),
            faults=tuple(head["faults"]),
        )

    async def _ask(
        self, form: str, data: bytes, **asked: Any
    ) -> tuple[dict[str, Any], list[bytes]]:
        payload = packed(asked, [data])
        within = WHOLE if form in ("fax", "raster") else DRAWING
        answer = await self._box.call(f"printers.pixels.boxed:{form}", payload, timeout=within)
        return unpacked(answer)


def _later(failed: BoxFailed) -> TemporaryFailure | None:
    """For what is no fault of the document: it is drawn another time, not left out."""
    if failed.why in (Why.BUSY, Why.STOPPED):
        return TemporaryFailure(f"documents cannot be drawn now: {failed.why}")
    return None


def _said(
    _: Translate, block: Block, slip: Slip, found: Mapping[Enclosure, Drawn]
) -> Iterator[Block]:
    """The block; before a document that is not whole, what is missing of it."""
    drawn = found.get(block) if isinstance(block, Enclosure) else None
    if drawn is None or not isinstance(block, Enclosure):
        yield block
        return
    title = " ".join(block.title.split())
    if not any(drawn.pages):
        why = _why(_, drawn.fault or next(filter(None, drawn.faults), "") or "empty")
        yield Text(text=f"{slip.undrawn.replace('{title}', title)} ({why})", tone=Tone.STRONG)
        return
    if len(drawn.pages) < drawn.count:
        yield Banner(text=_("CONTINUED — NOT ALL IS PRINTED HERE"))
        text = _(
            "{title}: {shown} of {total} pages printed. Ask its sender for the rest.",
            title=title,
            shown=len(drawn.pages),
            total=drawn.count,
        )
        yield Text(text=text, tone=Tone.STRONG)
    for page, fault in enumerate(drawn.faults, start=1):
        if fault:
            text = _(
                "{title}, page {page}: not printed ({why})",
                title=title,
                page=page,
                why=_why(_, fault),
            )
            yield Text(text=text, tone=Tone.STRONG)
    yield block


_WHY: Mapping[str, str] = {
    "encrypted": N_("it asks for a password"),
    "damaged": N_("it is damaged"),
    "empty": N_("it is empty"),
    "too large": N_("it is too large"),
    "unknown kind": N_("no PDF, PNG, JPEG or TIFF"),
    Why.TIME: N_("it takes too long to draw"),
    Why.MEMORY: N_("it takes too much memory to draw"),
    Why.ANSWER: N_("it is too large"),
}


def _why(_: Translate, fault: str) -> str:
    return _(_WHY[fault]) if fault in _WHY else _("it cannot be drawn")
