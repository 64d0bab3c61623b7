"""What a unit is called: never left to an engine, which drops the milli of a millimole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.asterisk.speech.lexicon import Lexicon, folded, tidied
from gateway.asterisk.speech.name import letters
from gateway.asterisk.speech.number import number

_NOTED = re.compile(r"(?P<base>[^{}]*)\{(?P<note>[^{}]+)\}")
_EXPONENT = re.compile(r"(?P<base>[A-Za-z]+)(?:\^|\*\*)?(?P<power>-?\d)", re.ASCII)


def unit(lexicon: Lexicon, text: str) -> str:
    """A unit in words; "" for none, and for those the lexicon says need no word (a ratio).

    The parts of one that is not in the lexicon are put together; a part it lacks is spelled.
    """
    tidy = tidied(text)
    if not tidy:
        return ""
    whole = _whole(lexicon, tidy)
    if whole is not None:
        return whole
    first, _, rest = text.strip().partition(" ")
    if rest and known(lexicon, first):  # "mg/mmol creat", "log10 copies/mL"
        more = lexicon.names.get(folded(rest)) or unit(lexicon, rest)
        return f"{unit(lexicon, first)} {more}".strip()
    return " ".join(filter(None, _parts(lexicon, tidy)))


def known(lexicon: Lexicon, text: str) -> bool:
    """Whether the lexicon has the unit, or each of its parts."""
    tidy = tidied(text)
    return _whole(lexicon, tidy) is not None or _exact(lexicon, tidy)


def _exact(lexicon: Lexicon, tidy: str) -> bool:
    return all(part in lexicon.unit_parts for part in tidy.split("/") if part)


def _whole(lexicon: Lexicon, tidy: str) -> str | None:
    """What the lexicon says of the whole. Another case is taken only where the parts as written are none:
    g/L is grams, and G/L is giga."""
    if tidy in lexicon.units:
        return lexicon.units[tidy]
    if _exact(lexicon, tidy):
        return None
    folded = {said for key, said in lexicon.units.items() if key.casefold() == tidy.casefold()}
    return folded.pop() if len(folded) == 1 else None


def _parts(lexicon: Lexicon, tidy: str) -> Iterator[str]:
    first, *rest = tidy.split("/")
    if first:
        yield _part(lexicon, first, form=1)
    for part in rest:
        yield lexicon.grammar["per"]
        yield _part(lexicon, part, form=0)


def _part(lexicon: Lexicon, part: str, *, form: int) -> str:
    """One part; where case is all that differs (MMOL for mmol) both must mean the same."""
    exact = lexicon.unit_parts.get(part)
    if exact is not None:
        return exact[form]
    folded = {f[form] for key, f in lexicon.unit_parts.items() if key.casefold() == part.casefold()}
    if len(folded) == 1:
        return folded.pop()
    noted = _NOTED.fullmatch(part)
    if noted is not None:  # UCUM's annotation: g{creatinine}
        said = _part(lexicon, noted["base"], form=form) if noted["base"] else ""
        return f"{said} {noted['note'].replace('_', ' ')}".strip()
    return _unknown(lexicon, part)


def _unknown(lexicon: Lexicon, part: str) -> str:
    """Letters one by one, figures as numbers: strange, but nobody takes it for another unit."""
    raised = _EXPONENT.fullmatch(part)
    if raised is not None and raised["base"] in lexicon.unit_parts:
        power = number(lexicon, raised["power"])
        return f"{lexicon.unit_parts[raised['base']][0]} {lexicon.symbols['^']} {power}"
    pieces = re.findall(r"[^\W\d_]+|[0-9]+(?:[.,][0-9]+)?|[^\[\]{}()]", part)
    return " ".join(_piece(lexicon, piece) for piece in pieces)


def _piece(lexicon: Lexicon, piece: str) -> str:
    if piece.isalpha():
        return letters(lexicon, piece)
    if piece[0].isascii() and piece[0].isdecimal():
        return number(lexicon, piece)
    if piece == ".":  # UCUM's multiplication
        return lexicon.symbols.get("dot", lexicon.symbols["."])
    return lexicon.symbols.get(piece, lexicon.symbols["unknown"])
