"""Carries out ESC/POS operations one by one: marks on the roll, and effects for the machine."""

from __future__ import annotations

from collections.abc import Iterator

from printers.virtual.commands import ACTIONS, SETTERS
from printers.virtual.effect import Effect
from printers.virtual.head import Head
from printers.virtual.lexer import Op
from printers.virtual.pictures import PICTURE_SETTERS, PICTURES

_SETTERS = {**SETTERS, **PICTURE_SETTERS}
_ACTIONS = {**ACTIONS, **PICTURES}


def execute(op: Op, head: Head) -> Iterator[Effect]:
    """The effects of `op`, each yielded when it has happened: paper can run out between two.

    What no printer knows is written down in `head.unknown`, in hex, and otherwise ignored.
    """
    name = "GS ( H" if op.raw.startswith(b"\x1d(H") else op.name
    if op.name == "text":
        yield from head.text(op.raw)
    elif name in _SETTERS:
        _SETTERS[name](head, op.args)
    elif name in _ACTIONS:
        yield from _ACTIONS[name](head, op.args)
    else:
        head.unknown.append(op.raw[:32].hex(" "))
