"""`python -m benchmarks.observed OUTPUT run --config FILE`: Wardline, with its reactor's turns timed.

Every callback that keeps the reactor longer than `STALL` is written to OUTPUT: when it began, how long it
took by the wall, how much of that it had the processor, how much of it was Python's garbage collection,
and what it was. Time without the processor is the machine's or another thread's doing.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

#: What nothing may take, seconds.
STALL = 0.02


class Watcher:
    """Times each turn of asyncio's loop, and the garbage collections within it."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._collecting = 0.0
        self._collected = 0.0
        self._run: Callable[[asyncio.Handle], None] = asyncio.Handle._run

    def install(self) -> None:
        gc.callbacks.append(self._on_collection)
        watcher = self

        def timed(handle: asyncio.Handle) -> None:
            watcher.turn(handle)

        asyncio.Handle._run = timed  # type: ignore[assignment, method-assign]

    def turn(self, handle: asyncio.Handle) -> None:
        self._collected = 0.0
        callback, args = handle._callback, handle._args  # type: ignore[attr-defined]
        began, had = time.monotonic(), time.thread_time()
        self._run(handle)
        took = time.monotonic() - began
        if took > STALL:
            had = time.thread_time() - had
            times = f"{began:.4f}\t{took:.4f}\t{had:.4f}\t{self._collected:.4f}"
            self._output.write(f"{times}\t{_name(callback, args)}\n")

    def _on_collection(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._collecting = time.monotonic()
        else:
            self._collected += time.monotonic() - self._collecting


def _name(callback: Any, args: Any) -> str:
    """The function behind the partials and the reactor's own wrappers."""
    while isinstance(callback, partial):
        callback, args = callback.func, callback.args
    words = [getattr(callback, "__qualname__", type(callback).__name__)]
    words += [type(x).__name__ for x in args or ()]
    return " ".join(words)


if __name__ == "__main__":
    from gateway import cli

    with open(sys.argv[1], "a", buffering=1, encoding="utf-8") as file:  # noqa: PTH123
        Watcher(file).install()
        sys.exit(cli.main(sys.argv[2:]))
