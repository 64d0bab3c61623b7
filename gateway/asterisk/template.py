"""Fills in the files of `dialplans/`: `@name@`, `;@ each things` … `;@ end`, `;@ if thing` … `;@ end`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

Value = str | Sequence[Mapping[str, str]]

_NAME = re.compile(r"@([a-z_]+)@")
_WORD = re.compile(r"^;@ (each|if) ([a-z_]+)$|^;@ end$")


class Unfit(Exception):
    """A template or a value that cannot be used; says where."""


def fill(text: str, values: Mapping[str, Value]) -> str:
    """`text` with everything filled in. Raises Unfit.

    A value may hold no control character: a line break would begin a setting of its own. A semicolon is
    written so that Asterisk does not take the rest for a comment.
    """
    return "".join(_filled(list(text.splitlines(keepends=True)), values))


def _filled(lines: list[str], values: Mapping[str, Value]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        word = _WORD.match(lines[at].rstrip("\n"))
        if word is None:
            yield _NAME.sub(lambda m: _said(values, m[1]), lines[at])
            at += 1
            continue
        if word[1] is None:
            raise Unfit(f"line {at + 1}: `;@ end` without a beginning")
        end = _end(lines, at)
        inner = lines[at + 1 : end]
        for more in _rounds(values, word[1], word[2]):
            yield from _filled(inner, {**values, **more})
        at = end + 1


def _end(lines: Sequence[str], begin: int) -> int:
    depth = 0
    for at in range(begin, len(lines)):
        if word := _WORD.match(lines[at].rstrip("\n")):
            depth += 1 if word[1] else -1
        if depth == 0:
            return at
    raise Unfit(f"line {begin + 1}: `{lines[begin].strip()}` has no `;@ end`")


def _rounds(values: Mapping[str, Value], word: str, name: str) -> Sequence[Mapping[str, str]]:
    try:
        value = values[name]
    except KeyError:
        raise Unfit(f"`;@ {word} {name}`: there is no {name}") from None
    if word == "if":
        return ({},) if value else ()
    if isinstance(value, str):
        raise Unfit(f"`;@ each {name}`: {name} is one value")
    return value


def _said(values: Mapping[str, Value], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise Unfit(f"@{name}@: there is no such value")
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise Unfit(f"@{name}@: a control character in it")
    return value.replace(";", "\\;")
