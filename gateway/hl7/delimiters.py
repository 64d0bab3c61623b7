"""The characters that part a message, from MSH-1 and MSH-2; every message brings its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from functools import lru_cache

from gateway.errors import Rejected

# Stands for a delimiter the sender does without: no decoded text holds a lone surrogate.
ABSENT = "\ud800"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """HL7 v2.5, 2.5.4. `ABSENT` where MSH-2 is shorter than four."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    letters: Mapping[str, str] = made(init=False, repr=False, compare=False)
    """What each one-letter escape sequence stands for, made once for all messages alike."""

    def __post_init__(self) -> None:
        letters = {
            "F": self.field,
            "S": self.component,
            "T": self.subcomponent,
            "R": self.repetition,
            "E": self.escape,
            "P": "#",  # the truncation character of v2.7
            "H": "",  # start of highlighting
            "N": "",  # end of highlighting
        }
        object.__setattr__(self, "letters", letters)


STANDARD = Delimiters()


def delimiters_of(message: str) -> Delimiters:
    """The delimiters of a message that begins with MSH, FHS or BHS.

    Raises `Rejected` (102, MSH-1 or MSH-2) where they cannot part anything safely: letters,
    digits, blanks, the framing bytes, or one character twice.
    """
    separator = message[3:4]
    if not _fit(separator):
        raise Rejected("no field separator after MSH", code=102, location="MSH-1")
    end = message.find(separator, 4, 12)
    return _parse(separator, message[4:end] if end > 0 else message[4:12])


@lru_cache(maxsize=64)
def _parse(separator: str, encoding: str) -> Delimiters:
    if not 1 <= len(encoding) <= 5:  # v2.7 added a fifth, for truncation
        raise Rejected("no encoding characters", code=102, location="MSH-2")
    every = separator + encoding
    if not all(_fit(c) for c in every):
        raise Rejected("encoding characters are letters or blanks", code=102, location="MSH-2")
    if len(set(every)) != len(every):
        raise Rejected("a delimiter stands for two things", code=102, location="MSH-2")
    encoding = encoding.ljust(4, ABSENT)
    return Delimiters(
        field=separator,
        component=encoding[0],
        repetition=encoding[1],
        escape=encoding[2],
        subcomponent=encoding[3],
    )


def _fit(character: str) -> bool:
    return (
        character.isascii()
        and not character.isalnum()
        and character not in ("", " ", "\t", "\r", "\n", "\x00", "\x0b", "\x1c", "\x7f", '"')
    )
