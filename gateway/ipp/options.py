"""How a site wants its pages (paper, tray, sides, copies), in the attributes that a printer knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from gateway.ipp.printer import within
from printers.ipp import Group, Tag, Value

#: PWG 5101.1: "iso_a4_210x297mm", "na_letter_8.5x11in".
_SIZE = re.compile(r"[a-z0-9-]+_[a-z0-9.-]+_([0-9.]{1,6})x([0-9.]{1,6})(mm|in)")


def _paper(name: str) -> str:
    if not _SIZE.fullmatch(name):
        raise ValueError('paper is named as IPP does: "iso_a4_210x297mm"')
    return name


Paper = Annotated[str, AfterValidator(_paper)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishing:
    paper: str = "iso_a4_210x297mm"
    tray: str = ""
    sides: str = "one-sided"
    copies: int = 1

    def unknown_to(self, printer: Group) -> tuple[str, ...]:
        """What of it the printer says not to have; one that says nothing of a thing may have it."""
        wanted = {"media": self.paper, "media-source": self.tray, "sides": self.sides}
        missing = [
            f"{name} {word}"
            for name, word in wanted.items()
            if word and (known := printer.words(f"{name}-supported")) and word not in known
        ]
        if self.copies > 1 and not within(self.copies, printer, "copies-supported"):
            missing.append(f"copies {self.copies}")
        return tuple(missing)

    def attributes(self, printer: Group) -> dict[str, Value]:
        """For a job; what the printer does not have is left to its own choice."""
        missing = {each.split(" ")[0] for each in self.unknown_to(printer)}
        found: dict[str, Value] = {}
        if self.tray and "media-source" not in missing:
            found["media-col"] = Value(Tag.BEGIN_COLLECTION, self._from_tray())
        elif "media" not in missing:
            found["media"] = Value(Tag.KEYWORD, self.paper)
        if "sides" not in missing:
            found["sides"] = Value(Tag.KEYWORD, self.sides)
        if self.copies > 1 and "copies" not in missing:
            found["copies"] = Value(Tag.INTEGER, self.copies)
        return found

    def _from_tray(self) -> dict[str, tuple[Value, ...]]:
        """Size and tray together: `media` and `media-col` exclude each other (PWG 5100.7 6.3)."""
        size = _SIZE.fullmatch(self.paper)
        assert size is not None
        unit = 2540 if size[3] == "in" else 100  # hundredths of a millimetre
        across, along = (round(float(each) * unit) for each in size.group(1, 2))
        return {
            "media-size": (
                Value(
                    Tag.BEGIN_COLLECTION,
                    {
                        "x-dimension": (Value(Tag.INTEGER, across),),
                        "y-dimension": (Value(Tag.INTEGER, along),),
                    },
                ),
            ),
            "media-source": (Value(Tag.KEYWORD, self.tray),),
        }
