"""Choosing a ward by keys, from the directory and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.asterisk.ivr.talk import Talk
from gateway.asterisk.speech import name
from gateway.directory import Ward

#: Wards named at a time: keys 1 to 7, 8 for more; 9 and 0 mean what they mean everywhere.
PAGE = 7
MORE = "8"


async def choose_ward(talk: Talk, wards: Sequence[Ward]) -> Ward | None:
    """One of `wards`; the only one without asking, None where there is none."""
    _ = talk.translate
    if len(wards) < 2:
        return wards[0] if wards else None
    first = 0
    while True:
        page = wards[first : first + PAGE]
        told = [
            _("{ward}: {key}.", ward=name.said(ward.name), key=key)
            for key, ward in enumerate(page, 1)
        ]
        more = len(wards) > PAGE
        if more:
            told.append(_("Others: 8."))
        keys = "".join(str(n) for n in range(1, len(page) + 1)) + (MORE if more else "")
        key = await talk.choose(" ".join(told), keys=keys)
        if key != MORE:
            return page[int(key) - 1]
        first = first + PAGE if first + PAGE < len(wards) else 0
