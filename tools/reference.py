"""Holds docs/reference to the code: draws the states, and finds keys, verbs and options left unsaid.

Without arguments it reports what does not agree; with --write it draws the states anew.
"""

from __future__ import annotations

import argparse
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from gateway import cli, config, registry
from gateway.delivery import FINAL, MOVES

REFERENCE = Path("docs/reference")
BEGIN = "<!-- drawn by tools/reference.py from gateway/delivery.py -->\n"
END = "<!-- end of drawing -->\n"


#: What `gateway.config.read` sets, and no file.
_OURS = {("site's file", "base"), ("site's file", "file")}


def drawing() -> str:
    """The table of moves as a mermaid state diagram."""
    moves = [f"    {a} --> {b}" for a, after in MOVES.items() for b in sorted(after)]
    ends = [f"    {state} --> [*]" for state in MOVES if state in FINAL]
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> open", "    [*] --> held", *moves, *ends]
    return "\n".join([*lines, "```"]) + "\n"


def redrawn(page: str) -> str:
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + drawing() + END + rest.partition(END)[2]


def models() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table of the site's file with its model."""
    yield from _nested("", config.Site)
    for place, kinds in (
        ("intakes", registry.INTAKES),
        ("devices", registry.CHANNELS),
        ("platform", registry.PLATFORMS),
    ):
        for kind in kinds:
            yield f"{place} of kind {kind}", registry.load(kinds, kind).Settings


def _nested(table: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield table or "site's file", model
    for name, field in model.model_fields.items():
        for inner in _classes(field.annotation):
            yield from _nested(f"{table}.{name}" if table else name, inner)


def _classes(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _classes(inner)


def unsaid_keys(page: str) -> Iterator[str]:
    said = set(re.findall(r"`([a-z_.]+)`", page))
    for table, model in models():
        for key in model.model_fields:
            if key not in said and (table, key) not in _OURS:
                yield f"configuration.md: says nothing of `{key}` in {table}"


def unsaid_options(page: str) -> Iterator[str]:
    for verb, parser in _verbs(cli._parser()):
        if f"## {verb}\n" not in page:
            yield f"cli.md: says nothing of `{verb}`"
        for action in parser._actions:
            for option in action.option_strings[-1:]:
                if option not in ("-h", "--help") and f"`{option}" not in page:
                    yield f"cli.md: says nothing of `{option}` of `{verb}`"


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def main() -> int:
    states = REFERENCE / "states.md"
    page = states.read_text("utf-8")
    if "--write" in sys.argv[1:]:
        states.write_text(redrawn(page), "utf-8")
        return 0
    faults = [
        *unsaid_keys((REFERENCE / "configuration.md").read_text("utf-8")),
        *unsaid_options((REFERENCE / "cli.md").read_text("utf-8")),
    ]
    if redrawn(page) != page:
        faults.append("states.md: the moves have changed: run tools/reference.py --write")
    for fault in faults:
        print(f"docs/reference/{fault}")
    print(f"{len(faults)} faults" if faults else "docs/reference agrees with the code")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
