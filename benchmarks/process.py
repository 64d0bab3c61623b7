"""Processes under measurement: started, watched for what they take, and ended, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

_TICKS = os.sysconf("SC_CLK_TCK")


class DidNotStart(Exception):
    """A process ended, or said nothing, instead of saying that it was ready."""


@dataclass
class Memory:
    """Resident memory of a process, bytes, looked at five times a second."""

    samples: list[int] = field(default_factory=list)

    @property
    def most(self) -> int:
        return max(self.samples, default=0)

    def __str__(self) -> str:
        if not self.samples:
            return "not seen"
        first, last = self.samples[0] / 1e6, self.samples[-1] / 1e6
        return f"{first:.0f} MB at first, {last:.0f} MB at last, {self.most / 1e6:.0f} MB at most"


class Running:
    """A process that has said `ready`."""

    def __init__(self, name: str, process: subprocess.Popen[str], *, took: float) -> None:
        self.name = name
        self.process = process
        self.ready_after = took  # seconds from its start
        self.memory = Memory()
        self._ended = Event()
        self._watcher = Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def cpu(self) -> float:
        """Processor time it has used, seconds, all its threads."""
        try:
            fields = (
                Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
            )
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """As the power fails."""
        self._end()
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self._end()
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(8)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _end(self) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        statm = Path(f"/proc/{self.process.pid}/statm")
        while not self._ended.wait(0.2):
            try:
                self.memory.samples.append(int(statm.read_text("ascii").split()[1]) * page)
            except (OSError, IndexError):
                return


def start(name: str, command: Sequence[str], *, folder: Path) -> Running:
    """Start it and wait until it says `ready`. Its errors go to `<name>.log` in `folder`."""
    began = time.monotonic()
    with (folder / f"{name}.log").open("a") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "ready":
            return Running(name, process, took=time.monotonic() - began)
    process.wait()
    raise DidNotStart(f"{name} did not start: see {folder / (name + '.log')}")


def module(name: str, *words: object) -> tuple[str, ...]:
    """The command line of one of the benchmark's own programs."""
    return (sys.executable, "-m", f"benchmarks.{name}", *map(str, words))


@contextmanager
def together() -> Iterator[list[Running]]:
    """What is put into the list is stopped at the end, last first, also when something failed."""
    started: list[Running] = []
    try:
        yield started
    finally:
        for each in reversed(started):
            each.stop()
