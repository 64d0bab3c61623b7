"""printer-state-reasons as a printer sends them, in the few words Wardline says of any (RFC 8011 5.4.12)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from printers.ipp.names import PrinterState
from printers.ipp.packet import Group

#: Several words of the standard for what is one trouble to whoever walks to the printer.
_SAME = {
    "media-needed": "media-empty",
    "input-tray-missing": "media-empty",
    "door-open": "cover-open",
    "interlock-open": "cover-open",
    "toner-empty": "marker-supply-empty",
    "toner-low": "marker-supply-low",
    "moving-to-paused": "paused",
    "shutdown": "offline",
    "output-area-full": "output-full",
    "connecting-to-device": "offline",
}
#: What stops paper, whatever weight the printer gives it, when it stands still.
_STOPS = frozenset(
    """media-empty media-jam cover-open marker-supply-empty paused offline output-full timed-out
    other-error""".split()
)
_KEPT = _STOPS | {"media-low", "marker-supply-low"}
_LOW = {"media-empty": "media-low", "marker-supply-empty": "marker-supply-low"}
_SUFFIX = re.compile("^(.*?)(?:-(error|warning|report))?$", re.DOTALL)


def reasons(printer: Group, *, tray: str = "") -> tuple[str, ...]:
    """The words of a Get-Printer-Attributes answer, gravest first; () when nothing is wrong.

    `tray`: the one that is printed from; "" for whichever the printer takes. One tray of several that
    is empty is no reason not to print: it is `media-low`. So is a "-warning" or "-report" of a printer
    that says nothing of its trays: by the standard it goes on printing.
    """
    stopped = printer.number("printer-state") == PrinterState.STOPPED
    found = [_word(each, stopped) for each in printer.words("printer-state-reasons")]
    words = dict.fromkeys(word for word in found if word)
    empty = _no_paper(printer.octets("printer-input-tray"), tray)
    if empty:
        words.pop("media-low", None)
        words["media-empty"] = None
    elif empty is False and not stopped and words.pop("media-empty", "") is None:
        words["media-low"] = None
    if stopped and not any(word in _STOPS for word in words):
        words["other-error"] = None
    return tuple(sorted(words, key=_stops_last))


def stops(words: Iterable[str]) -> tuple[str, ...]:
    """Those that keep paper from coming out."""
    return tuple(word for word in words if word in _STOPS)


def hints(printer: Group) -> tuple[str, ...]:
    """The words that would stop paper, whatever weight they are given.

    Some printers say "media-empty-warning" while a job waits for paper: what was not said before the
    job and is said while it does not go on, is why.
    """
    found = (_word(each, True) for each in printer.words("printer-state-reasons"))
    return stops(dict.fromkeys(found))


def _stops_last(word: str) -> bool:
    return word not in _STOPS


def _word(sent: str, stopped: bool) -> str:
    match = _SUFFIX.match(sent)
    assert match is not None
    base, weight = match[1], match[2] or "error"
    word = _SAME.get(base, base)
    if word not in _KEPT:
        # "none", a maker's own words, a fuser that is warming up: only an error is worth a word.
        return "other-error" if match[2] == "error" else ""
    if weight != "error" and not stopped:
        return _LOW.get(word, "" if word != "paused" and word in _STOPS else word)
    return word


def _no_paper(trays: Iterable[bytes], wanted: str) -> bool | None:
    """Is there no sheet to print on? None when the printer does not say (PWG 5100.13 6.6.7)."""
    levels: list[int] = []
    for sent in trays:
        pairs = (pair.split("=", 1) for pair in sent.decode("ascii", "replace").split(";"))
        said = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
        level = _level(said.get("level", ""))
        if level is not None and wanted in ("", said.get("name")):
            levels.append(level)
    return all(level == 0 for level in levels) if levels else None


def _level(text: str) -> int | None:
    """Sheets; -3 is "some", -2 "unknown" (RFC 3805 prtInputCurrentLevel), which is None here."""
    try:
        level = int(text)
    except ValueError:
        return None
    return level if level >= 0 or level == -3 else None
