"""Three hundred printers: one slip on each, all at once and at a steady pace."""

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

PRINTERS = 300
PACE = 50
BURSTS = 3


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    (direct,) = free_ports(1)
    site = Site(folder=folder / "fanout", intakes={"direct": direct}, printers=free_ports(PRINTERS))
    site.write()
    words = ("--connections", 30, "--wards", PRINTERS, "--count", PRINTERS)
    bursts: list[float] = []
    with together() as processes:
        processes.append(site.fakes())
        wardline = site.wardline()
        processes.append(wardline)
        load(direct, *words, "--rate", PACE)  # the first slip of each costs more: not counted
        for _ in range(BURSTS):
            sent = load(direct, *words, "--rate", 100_000)["sent"]
            bursts += under_way(sent, waited_for(site.slips, sent, within=15))
        sent = load(direct, *words, "--rate", PACE)["sent"]
        paced = under_way(sent, waited_for(site.slips, sent, within=15))
        memory = wardline.memory
    show(
        f"Last byte in to first byte at the printer, {PRINTERS} printers, a slip on each",
        heads=["", "p50", "p99", "most"],
        rows=[
            [name, *(ms(quantile(each, part)) for part in (0.5, 0.99, 1.0))]
            for name, each in (
                (f"all at once, {BURSTS} times", bursts),
                (f"{PACE} a second", paced),
            )
        ],
    )
    print(f"  memory of wardline: {memory}")
    yield Aim(what="all at once, most", bound=3.0, measured=max(bursts), unit="s")
    yield Aim(what="paced, p99", bound=0.05, measured=quantile(paced, 0.99), unit="ms")
    yield Aim(what="memory at most", bound=300.0, measured=memory.most / 1e6, unit="MB")
