"""After a long outage: how fast all that fallback delivered goes back over a message bus."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import rabbit
from benchmarks.process import module, together
from benchmarks.site import Site
from benchmarks.verdict import Aim, per_second, show
from demo.hospital import free_ports
from gateway.store.connection import readable

SIZE = 20_000
RATE = 1000  # messages a second the site allows: the most there is
_OWED = "SELECT count(*) FROM delivery WHERE state IN ('held', 'open', 'sending')"


def run(folder: Path, seconds: float, *, size: int = SIZE) -> Iterator[Aim]:
    """The store is filled with messages that are held for the platform; then Wardline finds the bus up."""
    del seconds  # its size decides
    if why := rabbit.missing():
        print(f"  not measured: {why}")
        return
    with rabbit.running(folder / "handback") as bus, together() as processes:
        bus.prepare("wards")
        site = Site(
            folder=folder / "handback" / "site",
            intakes={},
            printers=free_ports(1),
            bus=bus.broker.endpoint,
            handback_rate=RATE,
        )
        site.write()
        subprocess.run(module("fill", site.config, size, 100, "held"), check=True)
        began = time.monotonic()
        wardline = site.wardline()
        processes.append(wardline)
        database, marks = site.folder / "wardline.db", []
        while not marks or marks[-1][1] < size:
            done = size - _owed(database)
            marks.append((time.monotonic() - began, done))
            time.sleep(0.2)
        took = next(at for at, done in marks if done >= size)
        first = next(at for at, done in marks if done)
        received = _settled(bus, size)
        memory = wardline.memory
    show(
        f"{size:,} messages handed back, {RATE:,}/s allowed",
        heads=["", "seconds", "rate"],
        rows=[
            ["start to first", f"{first:.1f}", ""],
            ["first to last", f"{took - first:.1f}", per_second(size / (took - first))],
        ],
    )
    print(f"  in the wards' queue: {received:,}; memory of wardline: {memory}")
    yield Aim(
        what="in the queue, of those handed back",
        bound=1.0,
        measured=received / size,
        unit="%",
        least=True,
    )
    yield Aim(what="memory at most", bound=300.0, measured=memory.most / 1e6, unit="MB")


def _owed(database: Path) -> int:
    connection = readable(database)
    try:
        (found,) = connection.execute(_OWED).fetchall()
        return int(found[0])
    finally:
        connection.close()


def _settled(bus: rabbit.Rabbit, size: int) -> int:
    """How many are in the queue, once that has stopped to change."""
    before = -1
    while (now := bus.waiting("wards")) != before and now < size:
        before = now
        time.sleep(1.0)
    return now
