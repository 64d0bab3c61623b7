"""What people read, in their language: English in the code, every other language in a `.po` file here.

Code asks for a `Translate` once and calls it `_`, as gettext does: `_("Printed {time}", time=…)`.
Words kept in tables are marked with `N_` where they stand and passed through `_` where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from babel.messages.catalog import Catalog

SOURCE = "en"
LANGUAGES = (SOURCE, "fr")


def N_(text: str) -> str:
    """`text` itself: marks a word of a table for translation."""
    return text


class Translate:
    """Says a source text in one language, with its `{fields}` filled in.

    A text without translation is said in English: on paper at night a foreign word is better than none.
    """

    __slots__ = ("_form", "_plurals", "_texts", "language")

    def __init__(
        self,
        language: str,
        *,
        texts: Mapping[str, str],
        plurals: Mapping[str, tuple[str, ...]],
        form: Callable[[int], int],
    ) -> None:
        self.language = language
        self._texts = texts
        self._plurals = plurals
        self._form = form

    def __call__(self, text: str, /, **fields: object) -> str:
        said = self._texts.get(text, text)
        return said.format_map(fields) if fields else said

    def plural(self, one: str, many: str, n: int, /, **fields: object) -> str:
        """The form that goes with `n`, which also fills the field `{n}`."""
        forms = self._plurals.get(one, (one, many))
        index = self._form(n) if one in self._plurals else int(n != 1)
        return forms[min(index, len(forms) - 1)].format_map({"n": n, **fields})


@cache
def translator(language: str) -> Translate:
    """The translator to `language` ("fr"; "fr-BE" is taken as "fr"); English for one we do not have."""
    base = language.replace("_", "-").partition("-")[0].lower()
    if base not in LANGUAGES or base == SOURCE:
        return Translate(SOURCE, texts={}, plurals={}, form=lambda n: int(n != 1))
    return _compiled(base, read(Path(__file__).with_name(f"{base}.po")))


def read(path: Path) -> Catalog:
    """The catalogue at `path`. Babel costs 60 ms to import: only who speaks French pays it, once."""
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def _compiled(language: str, catalog: Catalog) -> Translate:
    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, ...]] = {}
    for entry in catalog:
        if not entry.id or entry.fuzzy:
            continue
        if isinstance(entry.id, tuple | list):
            plurals[entry.id[0]] = tuple(entry.string or ())
        elif isinstance(entry.string, str) and entry.string:
            texts[entry.id] = entry.string
    return Translate(language, texts=texts, plurals=plurals, form=c2py(catalog.plural_expr))
