"""A slip as the pages of a fax: set, drawn and made black and white, all before a number is rung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.box import BoxFailed, Why
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.fax import tiff
from gateway.service import Aside
from printers.pixels.packing import packed, unpacked
from printers.slip import Enclosure, Slip

#: Seconds that drawing may take; a page takes 0.1 on an idle machine.
DRAWING, BINDING = 30.0, 10.0


class Box(Protocol):
    """Untrusted work in a process of its own (`gateway.box`)."""

    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The pages of a slip, ready to be sent but for their cover."""

    file: bytes  # TIFF
    pages: int


class Setter(Protocol):
    """Makes the files of a fax."""

    async def bundle(self, slip: Slip) -> Bundle:
        """Every page of `slip`. Raises PermanentFailure, or TemporaryFailure where it is only too busy."""
        ...

    async def bind(self, cover: Slip, bundle: Bundle, *, first: int, last: int) -> bytes:
        """One call's file: `cover`, then pages `first` to `last` (1 is the first). Raises as `bundle`."""
        ...


class Sheets:
    """Fills the role `Setter`: typst sets, the box draws."""

    def __init__(self, box: Box, *, aside: Aside, resolution: str = "FINE") -> None:
        self._box = box
        self._aside = aside
        self._resolution = resolution

    async def bundle(self, slip: Slip) -> Bundle:
        file = await self._faxed(slip, drawn=await self._drawn(slip))
        return Bundle(file=file, pages=_count(file))

    async def bind(self, cover: Slip, bundle: Bundle, *, first: int, last: int) -> bytes:
        front = await self._faxed(cover, drawn={})
        head = {"first": first, "last": last}
        return await self._boxed(
            "gateway.fax.boxed:bind", packed(head, [front, bundle.file]), within=BINDING
        )

    async def _faxed(self, slip: Slip, *, drawn: Mapping[Enclosure, Sequence[bytes]]) -> bytes:
        from printers.pages import set_page  # typst costs 60 ms to import

        pdf = await self._aside(lambda: set_page(slip, drawn=drawn))
        asked = packed({"resolution": self._resolution}, [pdf])
        head, files = unpacked(
            await self._boxed("printers.pixels.boxed:fax", asked, within=DRAWING)
        )
        if head["fault"]:
            raise PermanentFailure(f"cannot be faxed: {head['fault']}")
        return files[0]

    async def _drawn(self, slip: Slip) -> Mapping[Enclosure, Sequence[bytes]]:
        """The pages of its enclosures; of one that cannot be drawn the sheet itself says so."""
        found: dict[Enclosure, Sequence[bytes]] = {}
        for enclosure in _enclosures(slip):
            try:
                answer = await self._boxed(
                    "printers.pixels.boxed:sheets", packed({}, [enclosure.data]), within=DRAWING
                )
            except PermanentFailure:
                continue
            head, pages = unpacked(answer)
            if (
                pages and len(pages) == head["count"]
            ):  # all of them, or it is said that it is missing
                found[enclosure] = pages
        return found

    async def _boxed(self, function: str, payload: bytes, *, within: float) -> bytes:
        try:
            return await self._box.call(function, payload, timeout=within)
        except BoxFailed as failed:
            if failed.why in (Why.BUSY, Why.STOPPED):
                raise TemporaryFailure(f"cannot be drawn now: {failed.why}") from failed
            raise PermanentFailure(f"cannot be faxed: {failed.why}") from failed


def _enclosures(slip: Slip) -> Iterable[Enclosure]:
    blocks = (*slip.header, *slip.body, *slip.footer)
    return (b for b in blocks if isinstance(b, Enclosure) and b.media_type != "text/plain")


def _count(file: bytes) -> int:
    try:
        return tiff.pages(file)
    except tiff.Unfit as unfit:
        raise PermanentFailure(f"cannot be faxed: {unfit}") from unfit
