"""FHIR's data types as a person reads them: nothing is reckoned or rounded, nothing is looked up."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from gateway.fhir.view import View
from gateway.locale import N_

_COMPARATORS = ("", "<", "<=", ">=", ">")
_BREAK = re.compile(r"<(?:/?(?:p|div|tr|li|h\d|table)|br)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_MOMENT = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?"
)


def dtm(moment: str) -> str:
    """A FHIR date, dateTime or instant as HL7 DTM, which the rest of the house speaks; what is none, as
    it came."""
    found = _MOMENT.fullmatch(moment.strip())
    if found is None:
        return moment
    *digits, zone = found.groups()
    offset = "+0000" if zone == "Z" else (zone or "").replace(":", "")
    return "".join(d for d in digits if d) + offset


def moment_of(view: View, name: str) -> str:
    """`nameDateTime`, `nameInstant`, else the start of `namePeriod`, as DTM."""
    found = view.text(f"{name}DateTime") or view.text(f"{name}Instant")
    return dtm(found or view.at(f"{name}Period").text("start"))


def concept(view: View) -> str:
    """A CodeableConcept as text: its text, else a display, else a code."""
    if text := view.text("text").strip():
        return text
    codings = view.all("coding")
    for name in ("display", "code"):
        for coding in codings:
            if found := coding.text(name).strip():
                return found
    return ""


def codes(view: View) -> list[str]:
    return [c for coding in view.all("coding") if (c := coding.text("code").strip())]


def code_and_name(view: View) -> tuple[str, str]:
    """The first code of a CodeableConcept and its text; each stands in for the other."""
    found = next(iter(codes(view)), "")
    name = concept(view)
    return found or name, name or found


def quantity(view: View) -> tuple[str, str]:
    """Value with its comparator ("< 0.5"), and unit. Raises `Refused` for a comparator that is none: it
    may turn what is said into its opposite."""
    number = view.text("value")
    comparator = view.text("comparator")
    if comparator not in _COMPARATORS:
        raise view.refuse(
            f'no such comparator: "{comparator[:20]}"', "comparator", issue="code-invalid"
        )
    value = f"{comparator} {number}" if comparator and number else number
    return value, view.text("unit") or view.text("code")


def narrative(view: View) -> str:
    """What a resource says of itself as XHTML, as words."""
    div = _BREAK.sub("\n", view.at("text").text("div"))
    lines = (" ".join(line.split()) for line in unescape(_TAG.sub(" ", div)).split("\n"))
    return "\n".join(filter(None, lines))


def absent(view: View, name: str) -> str:
    """Why there is no value: `dataAbsentReason`, else the extension that stands in its place."""
    if found := concept(view.at("dataAbsentReason")):
        return found
    for place in (view.data.get(name), view.data.get(f"_{name}")):
        if isinstance(place, dict):
            inner = View(place, view, name)
            for extension in (*inner.all("extension"), *inner.at("_value").all("extension")):
                if extension.text("url").endswith("/data-absent-reason"):
                    return extension.text("valueCode")
    return ""


def range_of(view: View) -> str:
    """Low to high; an open end is said, because FHIR's ends belong to the range."""
    low, high = (view.at(end).text("value") for end in ("low", "high"))
    if low and high:
        return f"{low} - {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def shown(view: View, name: str) -> tuple[str, str]:
    """The text and the unit of the value[x] called `name`. Raises `Refused` for a kind that is none."""
    read = _KINDS.get(name.removeprefix("value"))
    if read is None:
        raise view.refuse(N_("not a kind of value"), name, issue="structure")
    return read(view, name)


def _quantity(view: View, name: str) -> tuple[str, str]:
    return quantity(view.at(name))


def _concept(view: View, name: str) -> tuple[str, str]:
    return concept(view.at(name)), ""


def _text(view: View, name: str) -> tuple[str, str]:
    return view.text(name), ""


def _moment(view: View, name: str) -> tuple[str, str]:
    return view.text(name).replace("T", " "), ""


def _boolean(view: View, name: str) -> tuple[str, str]:
    return ("true" if view.flag(name) else "false"), ""


def _range(view: View, name: str) -> tuple[str, str]:
    inner = view.at(name)
    return range_of(inner), quantity(inner.at("low"))[1] or quantity(inner.at("high"))[1]


def _ratio(view: View, name: str) -> tuple[str, str]:
    """ "1:128"; with units, "5 mg / 2 mL"."""
    parts = [quantity(view.at(name).at(part)) for part in ("numerator", "denominator")]
    if not any(unit for _, unit in parts):
        return ":".join(number for number, _ in parts if number), ""
    return " / ".join(f"{number} {unit}".strip() for number, unit in parts if number), ""


def _period(view: View, name: str) -> tuple[str, str]:
    inner = view.at(name)
    ends = (inner.text(end).replace("T", " ") for end in ("start", "end"))
    return " - ".join(end for end in ends if end), ""


def _sampled(view: View, name: str) -> tuple[str, str]:
    """As it came; what its numbers must be multiplied by and moved by is said, never reckoned."""
    inner = view.at(name)
    data, factor = inner.text("data"), inner.text("factor")
    origin, unit = quantity(inner.at("origin"))
    moved = origin.strip("0.") != ""
    if not data or (factor in ("", "1") and not moved):
        return data, unit
    told = f"× {factor or 1}" + (f" + {origin}" if moved else "")
    return f"{data} ({told})", unit


_KINDS: dict[str, Callable[[View, str], tuple[str, str]]] = {
    "Quantity": _quantity,
    "CodeableConcept": _concept,
    "String": _text,
    "Integer": _text,
    "Boolean": _boolean,
    "Range": _range,
    "Ratio": _ratio,
    "Time": _text,
    "DateTime": _moment,
    "Period": _period,
    "SampledData": _sampled,
}
