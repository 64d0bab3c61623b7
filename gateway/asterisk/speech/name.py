"""People's names and other rows of letters: said, and spelled so that no two letters sound alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from gateway.asterisk.speech import number
from gateway.asterisk.speech.lexicon import Lexicon

LONG = 60  # letters of a name that are spelled


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
    for character in unicodedata.normalize("NFC", text.strip()):
        yield _one(lexicon, character, alphabet)


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
    return lexicon.symbols.get(" " if base.isspace() else character, lexicon.symbols["unknown"])


def _accent(lexicon: Lexicon, mark: str) -> str:
    return lexicon.accents.get(mark, lexicon.symbols["unknown"])
