"""What of an outage no record has told yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecorded:
    """Messages of an outage that no record speaks of yet."""

    ready: tuple[int, ...]  # nothing about them can change any more
    waiting: tuple[int, ...]  # they will be, one day
    more: bool  # there may be others behind these


@dataclass(frozen=True, slots=True, kw_only=True)
class LateWords:
    """Acknowledgements that came after the record of their message."""

    messages: tuple[tuple[int, int], ...]  # each with how many records there are of it
    last: int  # what to ask from the next time
