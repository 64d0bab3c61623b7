"""The words of one language, from a file that a lab can edit."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gateway.errors import Unusable

HOME = Path(__file__).parents[3] / "dialplans" / "lexicon"

_TABLES = (
    "grammar numbers symbols accents letters spelling months units unit_parts analytes names words flags"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """How a language is said. Keys of `names` and `words` are folded (`folded`), those of `units` tidied."""

    language: str
    grammar: Mapping[str, str]
    numbers: Mapping[int, str]  # below a hundred, those the grammar does not make
    symbols: Mapping[str, str]
    accents: Mapping[str, str]  # by combining character
    letters: Mapping[str, str]
    spelling: Mapping[str, str]
    months: Mapping[int, str]
    units: Mapping[str, str]
    unit_parts: Mapping[str, tuple[str, str]]  # singular, plural
    analytes: Mapping[str, str]  # by LOINC
    names: Mapping[str, str]
    words: Mapping[str, str]
    flags: Mapping[str, str]  # by `Flag`'s value


def folded(text: str) -> str:
    """Without case, accents or outer blanks: how a name is looked up."""
    plain = unicodedata.normalize("NFKD", text.strip()).casefold()
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_POWER = re.compile(r"^[x×*]?10(?:\^|\*\*|[*Ee])([0-9]{1,2})(?![0-9])")


def tidied(unit: str) -> str:
    """A unit as it is looked up: no blanks, no point at its end, its micro sign (U+00B5, U+03BC) written u,
    raised figures plain, and powers of ten in the one way of UCUM: "x 10⁹/L" is "10*9/L"."""
    plain = "".join(unit.split()).replace("\u00b5", "u").replace("\u03bc", "u").rstrip(".")
    raised = re.sub("(?<=[0-9])(?=[⁻⁰¹²³⁴-⁹])", "^", plain).translate(_RAISED)
    return _POWER.sub(r"10*\1", raised)


@cache
def built_in(language: str) -> Lexicon:
    """The lexicon that comes with Wardline; English for a language it has none of."""
    path = HOME / f"{language}.toml"
    return read(path if language.isalpha() and path.exists() else HOME / "en.toml")


def read(path: Path) -> Lexicon:
    """The lexicon in `path`. Raises Unusable with one line that says where the fault is."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: {error}") from error
    return _checked(found, path)


def _checked(found: Mapping[str, Any], path: Path) -> Lexicon:
    missing = [name for name in ("language", *_TABLES) if name not in found]
    if missing:
        raise Unusable(f"{path}: says nothing of {', '.join(missing)}")
    try:
        lexicon = _filled(found)
    except (ValueError, TypeError) as error:
        raise Unusable(f"{path}: {error}") from error
    needed = (*range(10), *range(10, 100, 10))
    unsaid = [str(n) for n in needed if not lexicon.numbers.get(n, "").strip()]
    if unsaid:
        raise Unusable(f"{path}: numbers says nothing of {', '.join(unsaid)}")
    return lexicon


def _filled(found: Mapping[str, Any]) -> Lexicon:
    return Lexicon(
        language=str(found["language"]),
        grammar=_texts(found, "grammar"),
        numbers={int(k): v for k, v in _texts(found, "numbers").items()},
        symbols=_texts(found, "symbols"),
        accents={
            k if k == "stroke" else chr(int(k, 16)): v for k, v in _texts(found, "accents").items()
        },
        letters=_texts(found, "letters"),
        spelling=_texts(found, "spelling"),
        months={int(k): v for k, v in _texts(found, "months").items()},
        units={tidied(k): v for k, v in _texts(found, "units").items()},
        unit_parts={tidied(k): _forms(k, v) for k, v in found["unit_parts"].items()},
        analytes=_texts(found, "analytes"),
        names={folded(k): v for k, v in _texts(found, "names").items()},
        words={folded(k): v for k, v in _texts(found, "words").items()},
        flags=_texts(found, "flags"),
    )


def _texts(found: Mapping[str, Any], table: str) -> dict[str, str]:
    wrong = [key for key, value in found[table].items() if not isinstance(value, str)]
    if wrong:
        raise ValueError(f"{table}: {wrong[0]} is not a text")
    return dict(found[table])


def _forms(key: str, value: object) -> tuple[str, str]:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value):
        return (value[0], value[1])
    raise ValueError(f'unit_parts: {key} is not ["singular", "plural"]')
