"""Any text as it is said: numbers, comparators, ranges, dates and signs in words, short forms spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date

from gateway.asterisk.speech import number
from gateway.asterisk.speech.lexicon import Lexicon, folded, tidied
from gateway.asterisk.speech.name import letters
from gateway.asterisk.speech.unit import known, unit

LONG = 400  # characters of one text that are said; nobody follows more, and paper has it all

_N = r"[0-9]+(?:[.,][0-9]+)?"
_PAIR = re.compile(rf"([-+−]?{_N})\s?[-–—/:]\s?([-+−]?{_N})")
# The first that fits is taken: what is longest and says most stands first.
_TOKEN = re.compile(
    r"""(?P<date>(?<![\w/-])(?:[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2})(?![\w/-]))
    |(?P<clock>(?<![\w:,.])(?:[01]?[0-9]|2[0-3])(?:[hH]|(?<=[0-9]{2}):)[0-5][0-9](?![\w:]))
    |(?P<power>(?<![\w.,])10\s?[\^*]\s?-?[0-9]{1,2}(?!\w))
    |(?P<grouped>(?<![\w.,])[0-9]{1,3}(?:B[0-9]{3})+(?:[.,][0-9]+)?(?!(?:[\w.,]|B)?[0-9]))
    |(?P<dotted>[0-9]+(?:[.,][0-9]+){2,})
    |(?P<range>(?<![\w.,/:-])S?N\s?[-–—]\s?S?N(?![:/-]?[0-9]|[.,][0-9]))
    |(?P<titre>(?<![\w.,/:])N\s?[/:]\s?N(?![:/]?[0-9]|[.,][0-9]))
    |(?P<number>(?<![\w.,])[-+−]?N(?:[eE][-+]?[0-9]{1,3}(?!\w))?)
    |(?P<compare>\+/-|<=|>=)
    |(?P<figures>[0-9]+)
    |(?P<unit>[A-Za-zµμ]+/[A-Za-zµμ]+[0-9]?(?!\w))
    |(?P<per>(?<=[0-9\s])/\s?[A-Za-zµμ]+[0-9]?(?!\w))
    |(?P<degree>°\s?[CF](?!\w))
    |(?P<times>(?<=[0-9]\s)[xX](?=\s?[0-9]))
    |(?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*)
    |(?P<hyphen>(?<=[^\W\d_])-(?=\w)|(?<=[0-9])-(?=[^\W\d_]))
    |(?P<space>\s+)
    |(?P<mark>.)""".replace("S?", "[-+−]?")
    .replace("N", _N)
    .replace("B", "[\\ \u00a0\u202f]"),
    re.VERBOSE | re.DOTALL,
)
_PAUSES = {";": ",", "(": ",", ")": ",", "[": ",", "]": ",", "{": ",", "}": ",", ":": ",",
           '"': ",", "«": ",", "»": ",", "!": ".", "?": ".", "…": ".", "–": ",", "—": ",",
           "·": ","}  # fmt: skip
_VOWELS = frozenset("aeiouyœæ")


def prose(lexicon: Lexicon, text: str) -> str:
    """`text` in words. Nothing of it is left out, and no figure is left to an engine to read."""
    return _joined(_said(lexicon, _plain(text)))


def date_of(lexicon: Lexicon, day: date, *, precision: int = 3) -> str:
    """A date in words; `precision` is how many of year, month and day are known."""
    year, grammar = _year(lexicon, day.year), lexicon.grammar
    if precision < 2:
        return year
    month = lexicon.months[day.month]
    if precision < 3:
        return grammar["month"].format(month=month, year=year)
    of = grammar["first"] if day.day == 1 else number.integer(lexicon, day.day)
    return grammar["date"].format(day=of, month=month, year=year)


def clock(lexicon: Lexicon, hour: int, minute: int) -> str:
    """A time of day: "onze heures vingt"."""
    said = number.integer(lexicon, hour)
    if minute == 0:
        return lexicon.grammar["clock_sharp"].format(hour=said)
    # English has no word between the two: "eleven oh five".
    minutes = number.integer(lexicon, minute)
    if minute < 10 and lexicon.grammar["year_pairs"]:
        minutes = f"{lexicon.letters['o']} {minutes}"
    return lexicon.grammar["clock"].format(hour=said, minute=minutes)


def word(lexicon: Lexicon, text: str) -> str:
    """One word: by the lexicon, else spelled when it is a short form, else in small letters."""
    known = lexicon.words.get(folded(text))
    if known is not None:
        return known
    part = lexicon.unit_parts.get(tidied(text))
    if part is not None and len(text) > 1 and part[0] != text:
        return part[1]
    if not text.isascii() and not all(map(_latin, text)):
        apart = "".join(c if _latin(c) else f" {sign(lexicon, c)} " for c in text)
        return " ".join(word(lexicon, part) for part in apart.split())
    if _short_form(text):
        return letters(lexicon, text)
    return text.lower() if text.isupper() else text


def _latin(character: str) -> bool:
    return not character.isalpha() or "LATIN" in unicodedata.name(character, "")


def _short_form(text: str) -> bool:
    """CRP, TSH, VGM, and what has no vowel: an engine would make a word of it, or a noise."""
    plain = folded(text)
    if len(plain) < 2:
        return text.isupper()
    return (text.isupper() and len(plain) <= 3) or not _VOWELS.intersection(plain)


def _plain(text: str) -> str:
    """Figures of other scripts, raised or in fractions, as plain ones: "10⁹" as 10^9, "½" as 1/2."""
    text = unicodedata.normalize("NFC", text)
    if text.isascii():
        return text
    raised = re.sub("[⁻⁰¹²³⁴-⁹]+", lambda m: "^" + unicodedata.normalize("NFKC", m[0]), text)
    return "".join(_figure(c) for c in raised.replace("^−", "^-"))


def _figure(character: str) -> str:
    if character.isascii() or not character.isnumeric() or character.isalpha():
        return character
    plain = unicodedata.normalize("NFKC", character).replace("⁄", "/")
    if plain.isdecimal():
        return "".join(str(unicodedata.digit(c)) for c in plain)
    return f" {plain} " if plain.isascii() else character


def _said(lexicon: Lexicon, text: str) -> Iterator[str]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        assert kind is not None, "the last branch takes anything"
        yield _SAID[kind](lexicon, found[0])


def _date(lexicon: Lexicon, text: str) -> str:
    parts = [int(p) for p in re.split("[-/.]", text)]
    year, month, day = parts if len(text.split("-", maxsplit=1)[0]) == 4 else reversed(parts)
    try:
        return date_of(lexicon, date(year, month, day))
    except ValueError:
        return " ".join(_pieces(lexicon, text))


def _clock(lexicon: Lexicon, text: str) -> str:
    hour, minute = re.split("[:hH]", text)
    return clock(lexicon, int(hour), int(minute))


def _power(lexicon: Lexicon, text: str) -> str:
    power = re.split(r"[\^*]", text)[1]
    return lexicon.grammar["power"].format(n=number.number(lexicon, power))


def _grouped(lexicon: Lexicon, text: str) -> str:
    return number.number(lexicon, "".join(text.split()))


def _two(key: str) -> Callable[[Lexicon, str], str]:
    def say(lexicon: Lexicon, text: str) -> str:
        found = _PAIR.fullmatch(text)
        assert found is not None, "the token is a pair of numbers"
        low, high = found.groups()
        if key == "range" and _value(low) >= _value(high):  # "CA 19-9" is a name
            return f"{number.number(lexicon, low)}, {number.number(lexicon, high)}"
        form = "ratio" if key == "titre" and "/" in text else key
        return lexicon.grammar[form].format(
            low=number.number(lexicon, low), high=number.number(lexicon, high)
        )

    return say


def _value(text: str) -> float:
    return float(text.replace(",", ".").replace("−", "-"))


def _per(lexicon: Lexicon, text: str) -> str:
    if known(lexicon, text):
        return unit(lexicon, text)
    return f"{lexicon.symbols['/']} {prose(lexicon, text.lstrip('/ '))}"


def _unit(lexicon: Lexicon, text: str) -> str:
    if known(lexicon, text):
        return unit(lexicon, text)
    between = f" {lexicon.symbols['/']} "
    return between.join(word(lexicon, part) for part in text.split("/"))


def _mark(lexicon: Lexicon, text: str) -> str:
    if text in _PAUSES:
        return _PAUSES[text]
    # In running text these are pauses; inside numbers they were taken with them.
    return text if text in ".," else sign(lexicon, text)


def sign(lexicon: Lexicon, character: str) -> str:
    """What a sign is called; that it is unknown, where the lexicon has no word for it."""
    if character in lexicon.symbols:
        return lexicon.symbols[character]
    if unicodedata.category(character) in ("Mn", "Cf", "Cc"):
        return ""  # a mark without its letter, a sign that nobody sees
    plain = unicodedata.normalize("NFKC", character)
    known = (c for c in plain if c in lexicon.symbols)
    return " ".join(lexicon.symbols[c] for c in known) or lexicon.symbols["unknown"]


def _pieces(lexicon: Lexicon, text: str) -> Iterator[str]:
    """Every character of `text` for itself."""
    for character in text:
        yield lexicon.symbols.get(character) or number.digits(lexicon, character)


_SAID: Mapping[str, Callable[[Lexicon, str], str]] = {
    "date": _date,
    "clock": _clock,
    "power": _power,
    "grouped": _grouped,
    "dotted": number.digits,
    "range": _two("range"),
    "titre": _two("titre"),
    "number": number.number,
    "compare": lambda lexicon, text: lexicon.symbols[text],
    "figures": number.digits,
    "unit": _unit,
    "per": _per,
    "degree": unit,
    "times": lambda lexicon, text: lexicon.symbols["×"],
    "word": word,
    "hyphen": lambda lexicon, text: " ",
    "mark": _mark,
    "space": lambda lexicon, text: "." if "\n" in text else " ",
}


def _joined(pieces: Iterator[str]) -> str:
    """Pieces in one line, pauses close to the word before them, never two together."""
    text = " ".join(" ".join(pieces).split())
    text = re.sub(r"\s*([.,])(?:\s*[.,])*", lambda m: "." if "." in m[0] else ",", text)
    return re.sub(r"([.,])(?=\w)", r"\1 ", text).strip(" ,.")


def _year(lexicon: Lexicon, year: int) -> str:
    """1950: "mille neuf cent cinquante", "nineteen fifty"; 1905: "nineteen oh five"."""
    century, rest = divmod(year, 100)
    pairs = lexicon.grammar["year_pairs"]
    if not pairs or not 10 < century < 100 or (century % 10 == 0 and rest < 10):
        return number.integer(lexicon, year)
    if rest == 0:
        return number.integer(lexicon, year // 100) + " hundred"
    low = number.integer(lexicon, rest)
    oh = f"{lexicon.letters['o']} " if rest < 10 else ""
    return pairs.format(high=number.integer(lexicon, century), low=oh + low)
