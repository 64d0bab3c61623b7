"""The one door between outside text and paper: what passes it can be printed, and nothing else passes.

Everything a sender wrote (a name, a value, a comment, the subject of a mail) goes through `clean` or
`lines` before layout. The encoder takes only `Printable`, so text and printer commands never mix.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import NewType

Printable = NewType("Printable", str)
"""Text of printable characters and single-cell spaces only: no control, no format character, no newline."""

PLACEHOLDER = "·"  # stands for what cannot be printed: seen, so that somebody asks


def clean(text: str) -> Printable:
    """One line of outside text made printable; never raises, never shortens a word or a number in silence.

    An allow-list: letters, marks, numbers, punctuation and symbols (Unicode categories L M N P S) and
    the space. The rest (C0, C1, DEL, bidi and zero-width controls, surrogates, private and unassigned
    code points, newlines) shows as "·", a run of it as "··", and as "···" between two digits, where a
    single dot would make another number. Composed by NFC, because code pages know é but not e + U+0301.
    """
    if _EVERYDAY.fullmatch(text):
        return Printable(text)
    text = _ARROW.sub(_ascii_arrow, _raise_and_lower(text.translate(_TYPOGRAPHY)))
    return Printable(unicodedata.normalize("NFC", _shown(text)))


def visible(text: str) -> Printable:
    """Like `clean`, for paper that is set in a font: 10⁹, → and CO₂ stay, and spaces that do not break."""
    if _EVERYDAY.fullmatch(text):
        return Printable(text)
    parts = re.split("[\u00a0\u202f]", text)
    shown = (_shown(part.translate(_SPACES)) for part in parts)
    return Printable(unicodedata.normalize("NFC", "\u00a0".join(shown)))


def lines(text: str) -> tuple[Printable, ...]:
    """Outside text of several lines, each made printable by `clean`; at least one line.

    Lines end at LF, CR LF, CR, U+2028 and U+2029. Form feeds, vertical tabs, NEL (0x85 is an ellipsis
    in a mislabelled Windows text) and the FS GS RS that `str.splitlines` also obeys are not line ends.
    """
    return tuple(clean(line) for line in _LINE_END.split(text))


_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")

# What French results are made of: already composed, already printable. 30 times faster than the rest.
_EVERYDAY = re.compile("[ -~¡-¬®-²´-¸º-ſΑ-ΡΣ-Ωα-ω‘’“”–—…€‰≤≥]*")

_MARKS_IN_A_PILE = 4  # ᾧ and ệ need three; a pile of a hundred paints over the lines above

_SPACES = {
    **dict.fromkeys((0x1680, *range(0x2000, 0x200B), 0x205F, 0x3000), " "),
    0x09: " ",
    0xFE0E: None,  # choose between two drawings of the symbol before them; draw nothing
    0xFE0F: None,
}

# Same meaning, another code point: what no code page has is written with what every one has.
_TYPOGRAPHY = str.maketrans(
    {
        **_SPACES,
        "\u202f": " ",  # narrow no-break space: in every well-set French number
        "\u00a0": " ",
        **dict.fromkeys("‐‑‒−⁃﹣", "-"),
        "―": "—",
        "‛": "'",
        "ʼ": "’",
        "′": "'",
        "″": '"',
        "‟": '"',
        "⁄": "/",
        "∕": "/",
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "ﬅ": "st",
        "ﬆ": "st",
        **{chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)},  # full-width ASCII
    }
)

# Raised and lowered figures: 10⁹/L must not become 109/L, and ⁹ is on no code page (² ³ ¹ are).
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True))
_RAISED_RUN = re.compile(f"[{''.join(_RAISED)}]+")
_LOWERED_RUN = re.compile(f"(?<=([0-9]))?[{''.join(_LOWERED)}]+")
_ON_CODE_PAGES = frozenset("¹²³")


def _raise_and_lower(text: str) -> str:
    text = _RAISED_RUN.sub(_raised, text)
    return _LOWERED_RUN.sub(_lowered, text)


def _raised(run: re.Match[str]) -> str:
    """10⁹ as 10^9, 10⁻⁶ as 10^-6, m² and 10¹² as they are, Na⁺ as Na+."""
    if _ON_CODE_PAGES.issuperset(run[0]):
        return run[0]
    plain = "".join(_RAISED[char] for char in run[0])
    return plain if plain in "+-" else "^" + plain


def _lowered(run: re.Match[str]) -> str:
    """CO₂ as CO2, but 5₂ as 5_2: figures never join into another number."""
    plain = "".join(_LOWERED[char] for char in run[0])
    return "_" + plain if run[1] else plain


_ARROW = re.compile(" ?([→←]) ?")  # spaced, or "4,1->6,8" would read as "more than 6,8"


def _ascii_arrow(arrow: re.Match[str]) -> str:
    return " -> " if arrow[1] == "→" else " <- "


_INVISIBLE = frozenset(  # letters and marks by category, but nothing to see (Default_Ignorable)
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x2800),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def _kind(char: str) -> str:
    """ "shown" for what can be seen, "mark" for what sits on the character before, "hidden" for the rest."""
    if char == " ":
        return "shown"
    if char in _INVISIBLE or not char.isprintable():
        return "hidden"
    return "mark" if unicodedata.category(char)[0] == "M" else "shown"


def _shown(text: str) -> str:
    """`text` with its hidden runs made visible and its piles of combining marks bounded."""
    parts: list[str] = []
    for kind, run in groupby(text, _kind):
        here = "".join(run)
        if kind == "hidden":
            parts.append(_HIDDEN_ONE if len(here) == 1 else _HIDDEN_RUN)
        elif kind == "mark":
            alone = not parts or parts[-1].endswith(" ")
            base = PLACEHOLDER if alone else ""  # a mark needs something to sit on
            pile = here[:_MARKS_IN_A_PILE]
            parts.append(base + pile + (_HIDDEN_RUN if pile != here else ""))
        else:
            parts.append(here)
    return _HIDDEN.sub(_placeholder, "".join(parts))


_HIDDEN_ONE, _HIDDEN_RUN = "\x00", "\x00\x00"  # cannot be confused with a "·" the sender wrote
_HIDDEN = re.compile("(?<=([0-9]))?\x00+(?=([0-9]))?")


def _placeholder(run: re.Match[str]) -> str:
    return PLACEHOLDER * 3 if run[1] and run[2] else PLACEHOLDER * min(len(run[0]), 2)
