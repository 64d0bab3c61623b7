"""What OBX-5 says, as a person reads it, by the data type OBX-2 claims for it.

Whatever the type, nothing is reckoned or rounded: "6.80" stays "6.80". Where the claim and the
content disagree the content is shown as it came.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.hl7.syntax import Syntax

# One piece of text: a `^` in it is a character the sender forgot to escape.
PLAIN = frozenset("NM ST TX FT DT TM SI ID IS GTS".split()) | {""}
# Lines of one text may be spread over consecutive OBX of these types.
TEXT = frozenset(("TX", "FT", "ST"))


def value_of(kind: str, raw: str, syntax: Syntax) -> str:
    """OBX-5 (`raw`, all its repetitions) as text; repetitions one below the other."""
    if kind in PLAIN:
        return syntax.lines(raw)
    read = _COMPOSITE.get(kind, _any)
    return "\n".join(read(repetition, syntax) for repetition in syntax.repetitions(raw))


def coded(raw: str, syntax: Syntax) -> str:
    """CE, CWE, CNE: the text, else the alternate or original text, else the code."""
    parts = raw.split(syntax.component)
    return next((t for n in (2, 5, 9, 1, 4) if (t := syntax.part(parts, n))), "")


def person(raw: str, syntax: Syntax) -> str:
    """XPN: family name first."""
    return _named(raw.split(syntax.component), syntax, 1)


def provider(raw: str, syntax: Syntax) -> str:
    """XCN, PPN as "Dr Guérin Édouard"; the number of a person who came without a name."""
    parts = raw.split(syntax.component)
    number = syntax.part(parts, 1)
    if number and not syntax.part(parts, 3) and not any(c.isdigit() for c in number):
        return _named(parts, syntax, 1)  # v2.1 senders leave the number out
    return _named(parts, syntax, 2) or number


def _named(parts: list[str], syntax: Syntax, family: int) -> str:
    names = (
        syntax.part(parts, family + 4),  # prefix
        syntax.head(parts, family),
        syntax.part(parts, family + 1),
    )
    return " ".join(filter(None, names))


def phone(raw: str, syntax: Syntax) -> str:
    """XTN: the number as dialled, from whichever component this version of HL7 puts it in."""
    parts = raw.split(syntax.component)
    if number := syntax.part(parts, 1) or syntax.part(parts, 12):
        return number
    return " ".join(filter(None, (syntax.part(parts, n) for n in (5, 6, 7))))


def _structured(raw: str, syntax: Syntax) -> str:
    """SN: comparator, first number, separator or suffix, second number: "1:128", ">= 32"."""
    parts = raw.split(syntax.component)
    if len(parts) == 1 or len(parts) > 4:
        return syntax.text(raw)
    comparator, first, separator, second = (syntax.part(parts, n) for n in (1, 2, 3, 4))
    numbers = first + separator + second
    return f"{comparator} {numbers}" if comparator and numbers else comparator + numbers


def _moment(raw: str, syntax: Syntax) -> str:
    return syntax.part(raw.split(syntax.component), 1)


def _span(raw: str, syntax: Syntax) -> str:
    """DR, NR: from, to."""
    return " - ".join(t for c in raw.split(syntax.component) if (t := syntax.value(c)))


def _pointer(raw: str, syntax: Syntax) -> str:
    """RP: where the thing is kept. Shown, never fetched."""
    return syntax.part(raw.split(syntax.component), 1) or syntax.joined(raw)


def _identifier(raw: str, syntax: Syntax) -> str:
    return syntax.part(raw.split(syntax.component), 1)


def _any(raw: str, syntax: Syntax) -> str:
    return syntax.joined(raw)


_COMPOSITE: dict[str, Callable[[str, Syntax], str]] = {
    "SN": _structured,
    "CE": coded,
    "CWE": coded,
    "CNE": coded,
    "CF": coded,
    "TS": _moment,
    "DTM": _moment,
    "DR": _span,
    "NR": _span,
    "RP": _pointer,
    "CX": _identifier,
    "EI": _identifier,
    "XPN": person,
    "XCN": provider,
    "PPN": provider,
    "PN": person,
    "CN": provider,
    "XTN": phone,
    "TN": phone,
}
