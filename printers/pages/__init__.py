"""A slip as A4 pages: set by typst from templates that a hospital can edit; pure, about 20 ms a page.

Nothing a sender wrote is ever markup: a template gets data, and shows strings as strings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import typst

from printers.pages.content import content
from printers.pages.shelf import shelf
from printers.slip import Enclosure, Slip

__all__ = ["Unset", "compile_page", "set_page"]

Drawn = Mapping[Enclosure, Sequence[bytes]]
"""The pages of each enclosure as PNG."""


class Unset(Exception):
    """A template could not be set; the message says which line of which file, in typst's own words."""


def set_page(slip: Slip, *, drawn: Drawn | None = None, templates: Path | None = None) -> bytes:
    """`slip` as a PDF: every sheet with its page number and who it is about.

    `drawn`: the pages of its enclosures, which follow as sheets of their own; one that is missing is
    said. `templates`: a directory whose files stand before the shipped ones of the same name.
    Releases the GIL while it sets. Raises Unset for a template at fault; no content of a slip does.
    """
    found, pictures = content(slip, drawn=drawn or {})
    return compile_page(f"{slip.form}.typ", found, files=pictures, templates=templates)


def compile_page(
    name: str,
    data: Mapping[str, object],
    *,
    files: Mapping[str, bytes] | None = None,
    templates: Path | None = None,
) -> bytes:
    """The template `name` with `data` as `sys.inputs.data` (JSON) and `files` beside it."""
    sheets = dict(shelf(templates))
    sources = {**sheets, **(files or {}), "main": sheets[name]}
    compiler = typst.Compiler(
        font_paths=_fonts(), sys_inputs={"data": json.dumps(data, ensure_ascii=False)}
    )
    try:
        made = compiler.compile(input=sources, pdf_tags=False)  # type: ignore[type-var]  # its stub forgets dicts
    except typst.TypstError as fault:
        raise Unset(f"{name}: {fault.diagnostic or fault.message}") from fault
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    with as_file(files("printers") / "fonts") as folder:
        return typst.Fonts(include_system_fonts=False, font_paths=[str(folder)])
