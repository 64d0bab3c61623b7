"""What the numbers were measured on: without this line beside them they say nothing."""

from __future__ import annotations

import os
import platform
import statistics
import time
from datetime import datetime
from pathlib import Path

import apsw


def described(folder: Path) -> str:
    """Date, cores, processor, versions, what a sync costs in `folder`, and how busy the machine is."""
    p50, p99 = sync_times(folder)
    load = os.getloadavg()[0]
    return (
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M}, {cores()} cores ({_processor()}), "
        f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, "
        f"fsync p50 {p50 * 1000:.2f} ms p99 {p99 * 1000:.2f} ms, load {load:.1f}"
    )


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def sync_times(folder: Path, *, count: int = 200) -> tuple[float, float]:
    """p50 and p99 of appending 4 KiB and syncing it, seconds: what a commit cannot be faster than."""
    path = folder / "sync.trial"
    took = []
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        for _ in range(count):
            began = time.perf_counter()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(took), quantile(took, 0.99)


def quantile(values: list[float], part: float) -> float:
    """The value that `part` (0 to 1) of `values` do not exceed; nan when there is none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
