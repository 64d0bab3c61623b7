"""People's names and other rows of letters: said, and spelled so that no two letters sound alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from gateway.asterisk.speech import number
from gateway.asterisk.speech.lexicon import Lexicon

LONG = 60  # letters of a name that are spelled
# Ł and ø, which Unicode does not take apart.
_STROKE = re.compile(r"LATIN (?:CAPITAL|SMALL) LETTER ([A-Z]) WITH (?:STROKE|DIAGONAL STROKE)$")


def said(name: str) -> str:
    """A name for the engine: "LEFÈBVRE" in capitals would be spelled by some."""
    return " ".join(_cased(part) for part in name.split())


def spelled(lexicon: Lexicon, name: str) -> str:
    """ "L comme Louis, E accent aigu comme…": letter by letter, accents, hyphens and blanks named."""
    return ", ".join(_each(lexicon, name[:LONG], lexicon.spelling))


def letters(lexicon: Lexicon, text: str) -> str:
    """A short form by the names of its letters: "cé erre pé"."""
    return " ".join(_each(lexicon, text, lexicon.letters))


def _cased(part: str) -> str:
    return "-".join(p.capitalize() if p.isupper() else p for p in part.split("-"))


def _each(lexicon: Lexicon, text: str, alphabet: Mapping[str, str]) -> Iterator[str]:
    unknown = lexicon.symbols["unknown"]
    said = ""
    for character in unicodedata.normalize("NFC", text.strip()):
        before, said = said, _one(lexicon, character, alphabet)
        if (before, said) != (unknown, unknown):  # a name in another script is said so once
            yield said


def readable(name: str) -> bool:
    """Whether an engine of ours can say it: no letter of another script."""
    return all("LATIN" in unicodedata.name(c, "") for c in name if c.isalpha())


def _one(lexicon: Lexicon, character: str, alphabet: Mapping[str, str]) -> str:
    base, *marks = list(unicodedata.normalize("NFKD", character))
    if base.casefold() in alphabet:
        said = [alphabet[base.casefold()], *(_accent(lexicon, m) for m in marks)]
        return " ".join(said)
    if base.isascii() and base.isdecimal():
        return number.digits(lexicon, base)
    if character in ("-", "‐", "‑"):
        return lexicon.symbols["hyphen"]
    folded = character.casefold()
    if len(folded) > 1 and all(c in alphabet for c in folded):  # ß
        return " ".join(alphabet[c] for c in folded)
    ligature = {"œ": "oe", "æ": "ae"}.get(folded, "")
    if ligature:
        return " ".join(alphabet[c] for c in ligature)
    stroke = _STROKE.match(unicodedata.name(character, ""))
    if stroke is not None:
        return f"{alphabet[stroke[1].casefold()]} {lexicon.accents.get('stroke', '')}".strip()
    if character == ".":
        return lexicon.symbols.get("dot", lexicon.symbols["."])
    return lexicon.symbols.get(" " if base.isspace() else character, lexicon.symbols["unknown"])


def _accent(lexicon: Lexicon, mark: str) -> str:
    return lexicon.accents.get(mark, lexicon.symbols["unknown"])
