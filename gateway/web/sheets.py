"""A message as it stands on paper, for the screen: its blocks, and the pages that came along as pictures.

Pictures are drawn in the box and kept for as long as somebody turns the pages; nothing of a sender's own
markup ever reaches a browser.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gateway.delivery import Delivery, Purpose
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.locale import N_
from gateway.web.house import House
from printers.slip import Block, Enclosure, Slip

#: Messages whose pictures are kept, and how long (seconds).
KEPT, LASTS = 4, 300.0
#: What a look at a message shows, the first that there is.
_SHOWN = (Purpose.WARD, Purpose.COPY, Purpose.NOTICE, Purpose.LABEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is to be seen of one message."""

    slip: Slip
    pictures: tuple[bytes, ...] = ()
    fault: str = ""  # why the pictures are not there

    @property
    def parts(self) -> tuple[tuple[str, tuple[Block, ...]], ...]:
        """Blocks of one kind that follow one another stand together."""
        blocks = (*self.slip.header, *self.slip.body, *self.slip.footer)
        return tuple(
            (kind, tuple(run)) for kind, run in groupby(blocks, lambda b: type(b).__name__)
        )

    @property
    def texts(self) -> Iterator[str]:
        """Of enclosures that are plain text."""
        for block in (*self.slip.header, *self.slip.body, *self.slip.footer):
            if isinstance(block, Enclosure) and block.media_type == "text/plain":
                yield block.data.decode("utf-8", "replace")


class Sheets:
    """Makes them, and keeps the last few."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._kept: OrderedDict[int, tuple[float, Sheet]] = OrderedDict()

    async def of(self, message_id: int) -> Sheet | None:
        """None for what has no paper: it went nowhere, or its content is forgotten."""
        fates = await self._house.store.fates(message_id)
        row = _shown([f.delivery for f in fates if f.delivery.message_id == message_id])
        stored = await self._house.store.content(message_id)
        if row is None or not stored.raw:
            return None
        slip = await self._house.composer.look(row)
        try:
            slip, pictures = await self._house.paper.sheets(slip)
            sheet = Sheet(slip=slip, pictures=tuple(pictures))
        except (TemporaryFailure, PermanentFailure):
            sheet = Sheet(
                slip=slip, fault=N_("The pages that came along cannot be drawn just now.")
            )
        self._keep(message_id, sheet)
        return sheet

    async def picture(self, message_id: int, number: int) -> bytes | None:
        """Page `number` (from 1) of what came along, as PNG; None when there is none."""
        kept = self._kept.get(message_id)
        fresh = kept is not None and kept[0] > self._house.clock.now() - LASTS
        sheet = kept[1] if kept is not None and fresh else await self.of(message_id)
        pictures = sheet.pictures if sheet is not None else ()
        return pictures[number - 1] if 1 <= number <= len(pictures) else None

    def _keep(self, message_id: int, sheet: Sheet) -> None:
        self._kept.pop(message_id, None)
        if sheet.pictures:
            self._kept[message_id] = (self._house.clock.now(), sheet)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _shown(deliveries: Sequence[Delivery]) -> Delivery | None:
    for purpose in _SHOWN:
        for delivery in deliveries:
            if delivery.purpose is purpose:
                return delivery
    return None
