"""How a fax went, by its pages and its station, never by an error's text: one table, pure.

What separates the causes was measured with Asterisk 22.10: a call that ends on silence, on a voice and on
a cut line gives the same words, but only a fax machine leaves its name or the resolution both agreed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.asterisk.role import Ending
from gateway.fax import station
from gateway.fax.words import Sent


class Cause(StrEnum):
    """Why a fax did not arrive: words of `printer-state-reasons`' kind, for attempts and slips."""

    BUSY = "line-busy"
    NO_ANSWER = "no-answer"
    REJECTED = "call-rejected"
    CONGESTION = "network-congestion"
    UNREACHABLE = "line-unreachable"
    VOICE = "voice-answered"  # or silence: no fax machine spoke
    NEGOTIATION = "fax-negotiation"  # a machine spoke, and the two did not come to terms
    CUT = "line-cut"  # in the first page: its beginning may lie in the tray
    PARTIAL = "partial-fax"  # some pages confirmed, not all
    STATION = "wrong-station"  # another machine than the directory's has it


#: Causes after which paper may lie in somebody's tray: nobody can say that nothing arrived.
ON_PAPER = frozenset({Cause.CUT, Cause.PARTIAL, Cause.STATION})

_UNANSWERED: Mapping[Ending, Cause] = {
    Ending.BUSY: Cause.BUSY,
    Ending.NO_ANSWER: Cause.NO_ANSWER,
    Ending.REJECTED: Cause.REJECTED,
    Ending.CONGESTION: Cause.CONGESTION,
    Ending.UNREACHABLE: Cause.UNREACHABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`cause` None: every page confirmed, by the right machine."""

    cause: Cause | None
    pages: int = 0  # confirmed
    station: str = ""

    @property
    def arrived(self) -> bool:
        return self.cause is None


def unanswered(ending: Ending) -> Verdict:
    """Of a call that nobody took."""
    return Verdict(cause=_UNANSWERED.get(ending, Cause.UNREACHABLE))


def judge(sent: Sent, *, pages: int, expected: str | None) -> Verdict:
    """Of a call that was answered. `pages` were in the file; `expected` None: any station will do."""
    return Verdict(
        cause=_cause(sent, pages=pages, expected=expected),
        pages=min(sent.pages, pages),
        station=sent.station,
    )


def _cause(sent: Sent, *, pages: int, expected: str | None) -> Cause | None:
    named = sent.station or sent.pages  # whoever took a page and gave no name is no less a stranger
    if named and expected is not None and not station.same(sent.station, expected):
        return Cause.STATION
    if sent.success and sent.pages == pages:
        return None
    if sent.pages:  # success with other pages than were sent is none
        return Cause.PARTIAL
    if sent.began:
        return Cause.CUT
    return Cause.NEGOTIATION if sent.spoke else Cause.VOICE
