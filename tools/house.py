"""House rules that no linter knows: module size, and words that no tracked file may hold."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 400
ROOMS = ("gateway/", "printers/", "demo/")

# A lock that names a host cannot be used from a mirror, and a path that exists on one machine only
# is a fault on every other. Only the CI script may know what lies beside its checkout.
BANNED = {
    "names a package registry": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|crates\.io|index\.docker|ghcr\.io|quay\.io"
    ),
    "names a path outside the checkout": re.compile(r"shared/|/work/"),
}
EXEMPT = {".ci/run": {"names a path outside the checkout"}, "tools/house.py": set(BANNED)}


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)
    return [name for name in listing.stdout.split("\0") if name and Path(name).is_file()]


def faults(name: str) -> Iterator[str]:
    """What is wrong with one tracked file, as `name:line: fault`."""
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return  # pictures, sounds, samples in other encodings
    if name.endswith(".py") and name.startswith(ROOMS) and len(lines) > MODULE_LINES:
        yield f"{name}:{len(lines)}: past {MODULE_LINES} lines: probably two rooms in one"
    for number, line in enumerate(lines, start=1):
        for fault, pattern in BANNED.items():
            if fault not in EXEMPT.get(name, ()) and pattern.search(line):
                yield f"{name}:{number}: {fault}: {line.strip()[:80]}"


def main() -> int:
    found = [fault for name in tracked() for fault in faults(name)]
    for fault in found:
        print(fault)
    print(f"{len(found)} faults" if found else "house rules kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
