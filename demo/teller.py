"""How the demo speaks: scenes, what was done, what was waited for, and slips as they came out."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.hospital import DidNotHappen, Hospital

_SPIN = itertools.cycle("|/-\\")


class Teller:
    """Tells what happens in one hospital. What should happen and does not is DidNotHappen."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital

    def scene(self, title: str) -> None:
        print(f"\n* {title}", flush=True)

    def say(self, words: str) -> None:
        if sys.stdout.isatty():
            print("\r\033[K", end="")
        print(f"    {words}", flush=True)

    def check(self, what: str, held: Any) -> None:
        if not held:
            raise DidNotHappen(what)
        self.say(what)

    def until(self, what: str, happened: Callable[[], Any], *, within: float = 20.0) -> Any:
        found = self._hospital.until(what, happened, within=within)
        self.say(what)
        return found

    def show(self, slip: Path) -> None:
        print("\n".join("        | " + line for line in slip.read_text("utf-8").splitlines()))
        print(f"    {slip.with_suffix('.png')}", flush=True)


def waiting(what: str, happened: object, end: float) -> None:
    """Something turns while it is waited for."""
    if sys.stdout.isatty():
        left = max(end - time.monotonic(), 0)
        print(f"\r    {next(_SPIN)} waiting: {what} ({left:.0f} s)", end="", flush=True)
