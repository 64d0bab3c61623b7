"""The number under a slip that a person keys on a telephone to say "I have it": digits, the last a check.

Damm's scheme rather than Luhn's: over ten digits it catches every single wrong digit and every swap of
neighbours (Luhn lets 09/90 pass), and the phonetic slips of thirteen for thirty, with a table and no
eleventh symbol as a check modulo 11 would need. Verhoeff's catches the same with three tables.
H. M. Damm, Total anti-symmetrische Quasigruppen, Marburg 2004.
"""

from __future__ import annotations

import re

DIGITS = 6  # the shortest code: 100 000 slips, then codes grow by a digit


def make(serial: int) -> str:
    """The code of slip `serial` (0, 1, 2…) as printed: "4021-73". `ValueError` below 0."""
    if serial < 0:
        raise ValueError(f"slips are numbered from 0, not {serial}")
    return grouped(canonical(serial))


def canonical(serial: int) -> str:
    """The code of slip `serial` as keyed: "402173"."""
    body = str(serial).zfill(DIGITS - 1)
    return f"{body}{_damm(body)}"


def grouped(digits: str) -> str:
    """A code in groups of four for the eye: "402173" as "4021-73"."""
    return "-".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def check(text: str) -> int:
    """The serial of a code as somebody keyed or typed it; spaces, dots, hyphens and a final # are ignored.

    `ValueError` says what is wrong with it: not digits, too short, or mistyped.
    """
    digits = _SEPARATORS.sub("", text)
    if not re.fullmatch("[0-9]+", digits):
        raise ValueError("a slip code is made of digits")
    if len(digits) < DIGITS:
        raise ValueError(f"a slip code has at least {DIGITS} digits, this one {len(digits)}")
    if len(digits) > DIGITS and digits.startswith("0"):
        raise ValueError("a slip code this long does not begin with 0")
    if len(digits) > _LONGEST:
        raise ValueError(f"no slip code has {len(digits)} digits")
    if _damm(digits) != 0:
        raise ValueError("mistyped: the check digit is wrong")
    return int(digits[:-1])


_SEPARATORS = re.compile("[ \u00a0.-]|#$")
_LONGEST = 20  # more digits than slips will ever be printed; keeps a hostile caller's int() small

_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def _damm(digits: str) -> int:
    """The digit that brings the table's walk over `digits` back to 0; 0 for digits that end in it."""
    state = 0
    for digit in digits:
        state = _TABLE[state][int(digit)]
    return state
