"""Whether the machine that answered is the one that was meant, by the identification it gives itself."""

from __future__ import annotations

import re

#: The digits of a French subscriber (and of most others) behind the trunk prefix or the country's code:
#: 01 23 45 67 89, +33 1 23 45 67 89 and 0033123456789 are one machine.
NATIONAL = 9


def same(answered: str, expected: str) -> bool:
    """Compare two identifications: numbers by what they dial, other names letter by letter.

    A machine that says nothing is the same only as one that is known to say nothing.
    """
    one, other = _number(answered), _number(expected)
    if one and other:
        return one == other
    return _plain(answered) == _plain(expected)


def _number(text: str) -> str:
    """The digits that tell machines apart; "" for what is not a number."""
    if not re.fullmatch(r"\+?[0-9 ().-]*[0-9][0-9 ().-]*", text.strip()):
        return ""
    digits = re.sub(r"[^0-9]", "", text)
    return digits[-NATIONAL:] if len(digits) > NATIONAL else digits


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
