"""Slips as files: `slip-0001.png`, `.txt` and `.json`, complete or not there at all."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from printers.virtual.draw import png
from printers.virtual.paper import Slip

_NUMBER = re.compile(r"slip-(\d+)\.(?:png|txt|json)")


def write(slip: Slip, folder: Path, *, printer: str, model: str) -> None:
    """All three files of one slip; `OSError` when they cannot be written. Blocks: call it in a thread."""
    record = {
        "printer": printer,
        "model": model,
        "at": datetime.fromtimestamp(slip.at, UTC).isoformat(),
        **slip.record(),
    }
    files = {
        "png": png(slip),
        "json": json.dumps(record, ensure_ascii=False, indent=1).encode(),
        "txt": slip.text.encode(),
    }
    parts = {kind: folder / f".slip-{slip.number:04}.{kind}.part" for kind in files}
    for kind, content in files.items():
        parts[kind].write_bytes(content)
    for kind, part in parts.items():  # who sees one of the three finds the others
        part.replace(folder / f"slip-{slip.number:04}.{kind}")


def last_number(folder: Path) -> int:
    """The highest slip number in `folder`: a printer that starts again goes on from there."""
    found = (_NUMBER.fullmatch(entry.name) for entry in folder.iterdir())
    return max((int(match[1]) for match in found if match), default=0)
