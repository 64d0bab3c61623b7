"""The corpora, and what must stand on paper of each message: read by splitting strings, no more."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.edge.decoder import CODE_PAGES

_LETTERS = {
    bytes((code,)).decode(codec, "ignore")
    for codec in CODE_PAGES.values()
    for code in range(0x20, 0x100)
}


def folder() -> Path:
    where = os.environ.get("WARDLINE_CORPORA")
    if not where:
        pytest.skip("WARDLINE_CORPORA names no folder: the corpora are not part of the project")
    return Path(where)


def manifest(prefix: str) -> list[tuple[str, bytes, str]]:
    """(file, content, what is expected of it) for each file of the corpora under `prefix`."""
    root = folder()
    with (root / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            (row["file"], (root / row["file"]).read_bytes(), row["expect"] or "")
            for row in rows
            if row["file"].startswith(prefix)
        ]


@dataclass(frozen=True)
class Told:
    """One HL7 message as plain strings."""

    control_id: str
    type: str
    ward: str
    family: str
    given: str
    values: tuple[tuple[str, str], ...]  # OBX-5 and OBX-6

    @property
    def strings(self) -> Iterator[str]:
        yield from (self.family, self.given)
        for pair in self.values:
            yield from pair


def told(raw: bytes, codec: str = "utf-8") -> Told | None:
    """What a message with ordinary delimiters says; None for anything that is not one."""
    text = raw.decode(codec, "replace").lstrip("\ufeff")
    rows = [line.split("|") for line in re.split(r"\r\n?|\n", text) if line.strip()]
    if not rows or rows[0][:2] != ["MSH", "^~\\&"] or len(rows[0]) < 10:
        return None
    by_name = {row[0]: row + [""] * 20 for row in reversed(rows)}
    pid, pv1 = by_name.get("PID"), by_name.get("PV1")
    name = _components(pid[5]) if pid else ["", ""]
    return Told(
        control_id=rows[0][9],
        type="^".join(_components(rows[0][8])[:2]),
        ward=_components(pv1[3])[0] if pv1 else "",
        family=_plain(name[0].split("&")[0]),  # FN: the surname, then its parts
        given=_plain(name[1]),
        values=tuple(_values([row + [""] * 12 for row in rows if row[0] == "OBX"])),
    )


def _values(rows: list[list[str]]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if row[2] in ("NM", "ST", "TX", "DT") and "~" not in row[5] and "^" not in row[5]:
            yield _plain(row[5]), _plain(_components(row[6])[0])


def _components(field: str) -> list[str]:
    return (field.split("~", maxsplit=1)[0] + "^").split("^")


_LETTER = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}


def _plain(text: str) -> str:
    """Its escapes resolved; a text with escapes that lay it out is not judged ("")."""
    if text == '""' or re.search(r"\\(\.|[HNCMZ])", text):
        return ""
    return re.sub(r"\\(?:([FSTRE])|X([0-9A-Fa-f]+))\\", _resolved, text)


def _resolved(escape: re.Match[str]) -> str:
    return _LETTER[escape[1]] if escape[1] else bytes.fromhex(escape[2]).decode("latin-1")


def drawn(text: str) -> bool:
    """Whether it holds a character that no code page has, so that its line is a picture."""
    return any(c not in _LETTERS and _shows(c) for c in unicodedata.normalize("NFC", text))


def bare(text: str) -> str:
    """What can be compared: no spaces (lines are broken at them), no controls and no stand-ins for them."""
    plain = unicodedata.normalize("NFKC", text.replace("·", ""))
    return "".join(c for c in plain if _shows(c))


def _shows(char: str) -> bool:
    return unicodedata.category(char)[0] not in "CZ"
