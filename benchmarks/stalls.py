"""How long the reactor is kept from its work, by what, while messages come, go on paper and are relayed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.acks import load
from benchmarks.machine import quantile
from benchmarks.observed import STALL
from benchmarks.process import Running, module, start, together
from benchmarks.site import Site
from benchmarks.verdict import Aim, ms, show
from demo.hospital import free_ports

PRINTERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of the reactor that was too long. Seconds."""

    began: float
    took: float
    had: float  # of it, with the processor
    collecting: float  # of it, in the garbage collector
    what: str


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Three loads one after the other on one site: relayed, on paper, acknowledged as fast as it goes."""
    relay, direct, platform = free_ports(3)
    site = Site(
        folder=folder / "stalls",
        intakes={"relay": relay, "direct": direct},
        printers=free_ports(PRINTERS),
        platform=platform,
    )
    site.write()
    words = ("--connections", 20, "--wards", PRINTERS, "--seconds", seconds / 5)
    loads = (
        ("100 messages/s relayed, platform up", (relay, *words, "--rate", 100)),
        ("30 messages/s on paper", (direct, *words, "--rate", 30)),
        ("as many relayed as it takes", (relay, *words)),
    )
    with together() as processes:
        processes.append(site.fakes())
        processes.append(site.stand_in())
        processes.append(_observed(site))
        load(direct, "--wards", PRINTERS, "--rate", 20, "--count", 100)
        found = {name: _during(site, options) for name, options in loads}
    show(
        f"Turns of the reactor longer than {ms(STALL)}",
        heads=["", "turns", "most", "most, with processor", "most, collecting"],
        rows=[_row(name, turns) for name, turns in found.items()],
    )
    every = [turn for turns in found.values() for turn in turns]
    for what, count in Counter(turn.what for turn in every).most_common(5):
        print(f"  {count:4} x {what}")
    own = [turn.had for turn in every]
    yield Aim(
        what="turns that used the processor longer than that",
        bound=0,
        measured=sum(had > STALL for had in own),
    )
    yield Aim(
        what="longest turn, p99 of the long ones",
        bound=0.1,
        measured=quantile([t.took for t in every], 0.99) if every else 0.0,
        unit="ms",
    )


def _observed(site: Site) -> Running:
    run = ("run", "--config", site.config, "--log-level", "WARNING")
    return start("wardline", module("observed", _turns(site), *run), folder=site.folder)


def _during(site: Site, options: tuple[object, ...]) -> list[Turn]:
    began = time.monotonic()
    load(*options)  # type: ignore[arg-type]
    return [turn for turn in read(_turns(site)) if turn.began >= began]


def _turns(site: Site) -> Path:
    return site.folder / "turns.tsv"


def read(path: Path) -> list[Turn]:
    return [
        Turn(
            began=float(began),
            took=float(took),
            had=float(had),
            collecting=float(collecting),
            what=what,
        )
        for line in path.read_text("utf-8").splitlines()
        for began, took, had, collecting, what in [line.split("\t")]
    ]


def _row(name: str, turns: list[Turn]) -> list[str]:
    def most(values: Iterator[float]) -> str:
        return ms(max(values, default=0.0))

    return [
        name,
        str(len(turns)),
        most(t.took for t in turns),
        most(t.had for t in turns),
        most(t.collecting for t in turns),
    ]
