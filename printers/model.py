"""What a printer model can do, read from `printers/models/<name>.toml`: the file name is the name.

Only what its maker or a test on hardware says; where nothing is known a file holds the choice that
cannot harm: fewer columns, fewer code pages, the weaker proof.
"""

from __future__ import annotations

import codecs
import tomllib
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


class Fence(StrEnum):
    """How a printer says that everything before has been printed."""

    PROCESS_ID = "process-id"  # GS ( H fn 48: answers when it is on paper
    GS_R = "gs-r"  # GS r 1: answers when the command's turn comes
    NONE = "none"


class Cut(StrEnum):
    PARTIAL = "partial"
    FULL = "full"
    NONE = "none"  # no blade: fed past the tear bar


@dataclass(frozen=True, slots=True)
class CodePage:
    """A code page as the model numbers it (ESC t n) and as Python calls it."""

    slot: int
    codec: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One printer model."""

    name: str
    vendor: str
    dots: int  # printable dots across
    dpi: int
    columns: int  # characters of font A (12 dots) across
    pages: tuple[CodePage, ...]  # in the order they are tried
    fence: Fence
    cut: Cut
    qr: bool  # GS ( k
    code128: bool  # GS k 73
    prefers_qr: bool = False  # where both fit
    cancel_kanji: bool = False  # reads two bytes above 7F as one ideograph until told not to
    strip: int = 90  # most rows of one GS v 0
    buffer: int = 4096  # bytes it may take unread; 4 kB is the smallest known (TM-P20II)


def names() -> tuple[str, ...]:
    """The known models, in alphabetical order."""
    return tuple(sorted(_shelf()))


@cache
def load(name: str) -> Model:
    """The model called `name`, in any case; `ValueError` names the known ones, or the file's fault."""
    known = {each.casefold(): each for each in names()}
    if name.casefold() not in known:
        raise ValueError(f"no printer model {name!r}; there are: {', '.join(known.values())}")
    called = known[name.casefold()]
    return parse(called, _shelf()[called].read_text(encoding="utf-8"))


def parse(name: str, toml: str) -> Model:
    """A model file's text as `Model`; `ValueError` says which file and which key is wrong."""
    try:
        table = tomllib.loads(toml)
        _check_keys(table)
        model = Model(
            name=name,
            **{
                **table,
                "pages": tuple(CodePage(**page) for page in table["pages"]),
                "fence": Fence(table["fence"]),
                "cut": Cut(table["cut"]),
            },
        )
        _check(model)
    except (ValueError, TypeError, LookupError) as fault:
        raise ValueError(f"printer model {name}: {fault}") from fault
    return model


@cache
def _shelf() -> dict[str, Traversable]:
    folder = files("printers") / "models"
    return {
        entry.name.removesuffix(".toml"): entry
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }


def _check_keys(table: dict[str, object]) -> None:
    known = {field.name for field in fields(Model)} - {"name"}
    if unknown := sorted(table.keys() - known):
        raise ValueError(f"unknown key {unknown[0]!r}")
    required = {"vendor", "dots", "dpi", "columns", "pages", "fence", "cut", "qr", "code128"}
    if missing := sorted(required - table.keys()):
        raise ValueError(f"key {missing[0]!r} is missing")


def _check(model: Model) -> None:
    if model.columns < 24:
        raise ValueError(f"{model.columns} columns hold no slip: at least 24")
    if model.dots % 8 or model.columns * 12 > model.dots:
        raise ValueError(f"{model.columns} columns of 12 dots do not fit in {model.dots} dots")
    if not 1 <= model.strip <= 100:
        raise ValueError("strip: 1 to 100 rows, so that a flush ends a half-sent one")
    if not model.pages:
        raise ValueError("pages: at least one")
    for page in model.pages:
        codecs.lookup(page.codec)
        if not 0 <= page.slot <= 255:
            raise ValueError(f"pages: no slot {page.slot}")
