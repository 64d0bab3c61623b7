"""A slip as the pages of a fax: set, drawn and made black and white, all before a number is rung."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.box import BoxFailed, Why
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.fax import tiff
from printers.pixels.packing import packed
from printers.slip import Slip

#: Seconds that binding a call's pages may take.
BINDING = 10.0


class Box(Protocol):
    """Untrusted work in a process of its own (`gateway.box`)."""

    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes: ...


class Paper(Protocol):
    """Who sets pages (`gateway.paper.Typesetter`)."""

    async def fax(self, slip: Slip, *, resolution: str = "FINE") -> bytes:
        """`slip` and its enclosures as one TIFF. Raises PermanentFailure."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The pages of a slip, ready to be sent but for their cover."""

    file: bytes  # TIFF
    pages: int


class Setter(Protocol):
    """Makes the files of a fax."""

    async def bundle(self, slip: Slip) -> Bundle:
        """Every page of `slip`. Raises PermanentFailure."""
        ...

    async def bind(self, cover: Slip, bundle: Bundle, *, first: int, last: int) -> bytes:
        """One call's file: `cover`, then pages `first` to `last` (1 is the first).

        Raises PermanentFailure, or TemporaryFailure where it is only too busy.
        """
        ...


class Sheets:
    """Fills the role `Setter`."""

    def __init__(self, paper: Paper, box: Box, *, resolution: str = "FINE") -> None:
        self._paper = paper
        self._box = box
        self._resolution = resolution

    async def bundle(self, slip: Slip) -> Bundle:
        file = await self._paper.fax(slip, resolution=self._resolution)
        try:
            return Bundle(file=file, pages=tiff.pages(file))
        except tiff.Unfit as unfit:
            raise PermanentFailure(f"cannot be faxed: {unfit}") from unfit

    async def bind(self, cover: Slip, bundle: Bundle, *, first: int, last: int) -> bytes:
        front = await self._paper.fax(cover, resolution=self._resolution)
        work = packed({"first": first, "last": last}, [front, bundle.file])
        try:
            return await self._box.call("gateway.fax.boxed:bind", work, timeout=BINDING)
        except BoxFailed as failed:
            if failed.why in (Why.BUSY, Why.STOPPED):
                raise TemporaryFailure(f"cannot be drawn now: {failed.why}") from failed
            raise PermanentFailure(f"cannot be faxed: {failed.why}") from failed
