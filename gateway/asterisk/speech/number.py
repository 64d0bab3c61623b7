"""What a number sounds like: whole part as a word, decimals digit by digit, nothing rounded or left out."""

from __future__ import annotations

import re

from gateway.asterisk.speech.lexicon import Lexicon

#: A number as labs write it; its sign, whole part, decimals and power of ten.
NUMBER = re.compile(
    r"(?P<sign>[-+−])?(?P<whole>\d+)(?:(?P<mark>[.,])(?P<decimals>\d+))?(?:[eE](?P<power>[-+]?\d{1,3}))?",
    re.ASCII,
)
_LARGEST = 10**9  # beyond, nobody follows words: digits


def number(lexicon: Lexicon, text: str) -> str:
    """ "6.8" as "six virgule huit". ValueError for what is no number.

    Decimals are said one by one: "quatre virgule dix" would be heard as 4,10 by one and 4,1 by another.
    """
    found = NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a number: {text[:40]!r}")
    said = whole(lexicon, found["whole"])
    if found["decimals"]:
        decimals = digits(lexicon, found["decimals"])
        said = f"{said} {lexicon.symbols[found['mark']]} {decimals}"
    if found["sign"]:
        sign = lexicon.symbols["-" if found["sign"] == "−" else found["sign"]]
        said = f"{sign} {said}"
    if found["power"]:
        power = number(lexicon, found["power"])
        said = lexicon.grammar["times_power"].format(n=said, power=power)
    return said


def whole(lexicon: Lexicon, figures: str) -> str:
    """A row of figures as one number; digit by digit when it begins with 0 or is too long to follow."""
    if len(figures) > 1 and figures.startswith("0"):
        return digits(lexicon, figures)
    return integer(lexicon, int(figures)) if len(figures) < 10 else digits(lexicon, figures)


def digits(lexicon: Lexicon, figures: str) -> str:
    """ "142" as "un quatre deux": how a value is said a second time, and a code always."""
    return " ".join(_figure(lexicon, c) for c in figures if not c.isspace())


def worded(lexicon: Lexicon, text: str) -> str:
    """`text` with every row of figures that is left in it as a word: an engine never reads a figure."""
    return re.sub("[0-9]+", lambda found: whole(lexicon, found[0]), text)


def integer(lexicon: Lexicon, n: int) -> str:
    """0 to 999 999 999 in words."""
    if not 0 <= n < _LARGEST:
        raise ValueError(f"no word for {n}")
    if n < 100:
        return _below_hundred(lexicon, n)
    grammar = lexicon.grammar
    if n < 1000:
        count, rest = divmod(n, 100)
        key = ("hundred" if count == 1 else "hundreds") + ("_rest" if rest else "")
        return grammar[key].format(
            n=_below_hundred(lexicon, count), rest=_below_hundred(lexicon, rest) if rest else ""
        )
    size, name = (1_000_000, "million") if n >= 1_000_000 else (1000, "thousand")
    count, rest = divmod(n, size)
    high = grammar[name] if count == 1 else grammar[f"{name}s"].format(n=integer(lexicon, count))
    return grammar["rest"].format(high=high, rest=integer(lexicon, rest)) if rest else high


def _below_hundred(lexicon: Lexicon, n: int) -> str:
    if n in lexicon.numbers:
        return lexicon.numbers[n]
    tens, unit = n // 10 * 10, n % 10
    key = "tens_one" if unit == 1 else "tens"
    return lexicon.grammar[key].format(tens=lexicon.numbers[tens], unit=lexicon.numbers[unit])


def _figure(lexicon: Lexicon, character: str) -> str:
    if character.isascii() and character.isdecimal():
        return lexicon.numbers[int(character)]
    return lexicon.symbols.get(character, lexicon.symbols["unknown"])
