"""The templates: the shipped ones, and before them those of the hospital."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path


def shelf(templates: Path | None = None) -> Mapping[str, bytes]:
    """Every template by its file name; read anew each time, so an edit shows on the next page."""
    if templates is None:
        return _shipped()
    own = {path.name: path.read_bytes() for path in sorted(templates.glob("*.typ"))}
    return {**_shipped(), **own}


@cache
def _shipped() -> Mapping[str, bytes]:
    folder = files("printers") / "pages" / "templates"
    return {
        entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".typ")
    }
