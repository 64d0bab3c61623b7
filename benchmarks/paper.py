"""From a message's last byte to its slip's first byte at the printer, while the platform is down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.acks import load
from benchmarks.machine import quantile
from benchmarks.process import together
from benchmarks.site import Site
from benchmarks.slips import under_way, waited_for
from benchmarks.verdict import Aim, ms, show
from demo.hospital import free_ports

RATE = 100
PRINTERS = 20
CONNECTIONS = 10


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """The platform was never there; a first trickle lets the watch say so, then the measured rate."""
    relay, platform = free_ports(2)
    site = Site(
        folder=folder / "paper",
        intakes={"relay": relay},
        printers=free_ports(PRINTERS),
        platform=platform,
    )
    site.write()
    words = ("--connections", CONNECTIONS, "--wards", PRINTERS)
    rows = []
    took: list[float] = []
    with together() as processes:
        processes.append(site.fakes())
        wardline = site.wardline()
        processes.append(wardline)
        load(relay, *words, "--rate", 10, "--seconds", 5)
        for rate in (10, 50, RATE):
            sent = load(relay, *words, "--rate", rate, "--seconds", seconds * 0.2)["sent"]
            took = under_way(sent, waited_for(site.slips, sent, within=10))
            cells = (quantile(took, part) for part in (0.5, 0.99, 1.0))
            rows.append([f"{rate} messages/s, {len(took)} slips", *map(ms, cells)])
        memory = wardline.memory
    show(
        f"Last byte in to first byte at the printer, platform down, {PRINTERS} printers",
        heads=["", "p50", "p99", "most"],
        rows=rows,
    )
    print(f"  memory of wardline: {memory}")
    p99 = quantile(took, 0.99)
    yield Aim(what=f"p99 at {RATE} messages/s", bound=0.05, measured=p99, unit="ms")
    yield Aim(what="memory at most", bound=300.0, measured=memory.most / 1e6, unit="MB")
