"""JSON read without trust: bounded in depth and parts, no key twice, every number kept as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NoReturn

from gateway.fhir.refusal import Refused
from gateway.locale import N_

DEPTH = 64  # real resources stay below 20
PARTS = 200_000  # objects, arrays and commas: each costs a hundred bytes once read
DIGITS = 64  # of one number: FHIR's decimals have 18

_BOM = b"\xef\xbb\xbf"
# A string, also one that does not end: always matched from its quote, so time is linear.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKET = bytes(b for b in range(256) if b not in b"{}[]")
_STEP = [1 if b in b"{[" else -1 for b in range(256)]
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F])|.)",
    re.DOTALL,
)
_EXPONENT = re.compile(r"[eE][+-]?0*(\d*)\Z")


class Number(str):
    """A JSON number as it was written: "4.10" is not "4.1"."""

    __slots__ = ()


def parse(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`. Raises `Refused` (400; 413 for too many parts) for anything else."""
    raw = raw.removeprefix(_BOM)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad(N_("not UTF-8")) from None
    _measure(raw)
    if _HALF.search(raw) and any(found["half"] for found in _ESCAPE.finditer(raw)):
        raise _bad(N_("half a surrogate pair"))
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _bad(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _bad(N_("nested too deep")) from None
    if not isinstance(found, dict):
        raise _bad(N_("not a JSON object"))
    return found


def write(value: Any) -> bytes:
    """What `parse` read, as JSON again: numbers as they were written."""
    return "".join(_written(value)).encode()


def _measure(raw: bytes) -> None:
    bare = _STRING.sub(b"", raw)
    brackets = bare.translate(None, _NO_BRACKET)
    if bare.count(b",") + len(brackets) // 2 > PARTS:
        raise Refused(N_("more parts than a message may have"), issue="too-long", status=413)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > DEPTH:
        raise _bad(f"nested deeper than {DEPTH}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two keys of one name: two readers would see two different results."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad(N_("a key comes twice"))
    return found


def _number(text: str) -> Number:
    exponent = _EXPONENT.search(text)
    if len(text) > DIGITS or (exponent and len(exponent[1]) > 2):
        raise _bad("a number nobody can have meant")
    return Number(text)


def _constant(text: str) -> NoReturn:
    raise _bad(f"{text} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_number, parse_int=_number, parse_constant=_constant
)


def _bad(reason: str) -> Refused:
    return Refused(reason, issue="structure", status=400)


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        lead = "{"
        for key, inner in value.items():
            yield f"{lead}{json.dumps(key, ensure_ascii=False)}:"
            yield from _written(inner)
            lead = ","
        yield "}" if value else "{}"
    elif isinstance(value, list):
        lead = "["
        for inner in value:
            yield lead
            yield from _written(inner)
            lead = ","
        yield "]" if value else "[]"
    else:
        yield value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
