"""Durable acknowledgements per second, beside the least that any durable receiver does, and beside a peer."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.machine import quantile
from benchmarks.process import Running, module, start, together
from benchmarks.site import Site
from benchmarks.verdict import Aim, ms, per_second, show
from demo.hospital import free_ports

LEVELS = (1, 10, 100, 1000)
ROUNDS = 3
SHORTEST = 1.5  # seconds of a round: with 1,000 connections the first answers come late
#: A stream that does not wait for its answers.
STEADY = ("--connections", 50, "--wards", 10, "--rate", 1000)
#: A message number is never used twice in one run: what is sent again is answered from memory.
_blocks = count(1)
_BLOCK = 200_000


@dataclass(slots=True, kw_only=True)
class Contestant:
    """A receiver, and what was found of it at each number of connections, round by round."""

    name: str
    port: int
    process: Running
    part: float = 1.0  # of the length of a round
    rates: dict[int, list[float]] = field(default_factory=dict)
    p99s: dict[int, list[float]] = field(default_factory=dict)
    costs: dict[int, list[float]] = field(default_factory=dict)  # processor seconds a message

    def measure(self, connections: int, *, seconds: float) -> None:
        before = self.process.cpu
        found = load(
            self.port,
            *("--connections", connections, "--seconds", seconds * self.part, "--wards", 10),
        )
        spent = self.process.cpu - before
        if found["refused"] or found["lost"] or not found["acknowledged"]:
            raise RuntimeError(
                f"{self.name} at {connections}: {found['refused']} refused, "
                f"{found['lost']} connections lost"
            )
        self.rates.setdefault(connections, []).append(found["acknowledged"] / found["took"])
        self.p99s.setdefault(connections, []).append(quantile(found["waits"], 0.99))
        self.costs.setdefault(connections, []).append(spent / found["acknowledged"])

    def rate(self, connections: int) -> float:
        return statistics.median(self.rates[connections])

    def p99(self, connections: int) -> float:
        return statistics.median(self.p99s[connections])

    def cost(self, connections: int) -> float:
        return statistics.median(self.costs[connections])


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Rounds of A B A B, so that a busy moment of the machine hits all alike; medians of the rounds."""
    each = max(seconds / (len(LEVELS) * ROUNDS * 2.5 + 17), SHORTEST)
    with together() as processes:
        bare, peer, tap, relay = _contestants(folder, processes)
        for level in LEVELS:
            for _ in range(ROUNDS):
                for contestant in (bare, tap, peer):
                    contestant.measure(level, seconds=each)
        steady = load(tap.port, *STEADY, "--seconds", each * 3)
        for level in (10, 100):  # last: the platform is still being given what was accepted
            for _ in range(2):
                relay.measure(level, seconds=each)
        memory = tap.process.memory
    _tell((bare, tap, peer, relay))
    print(f"  memory of wardline: {memory}")
    p99 = quantile(steady["waits"], 0.99)
    yield from _aims(bare, peer, tap)
    yield Aim(what="p99 at 1,000 messages/s, paced, tap", bound=0.1, measured=p99, unit="ms")
    yield Aim(what="memory at most", bound=300.0, measured=memory.most / 1e6, unit="MB")


def load(port: int, *words: object, timeout: float = 120) -> dict[str, Any]:
    """What the load generator found, from a process of its own."""
    done = subprocess.run(
        module("load", port, "--first", first_number(), *words),
        stdout=subprocess.PIPE,
        check=True,
        timeout=timeout,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def first_number() -> int:
    """Of a block of messages nobody has sent in this run."""
    return next(_blocks) * _BLOCK


def _contestants(folder: Path, processes: list[Running]) -> Sequence[Contestant]:
    ports = free_ports(5)
    site = Site(
        folder=folder / "acks",
        intakes={"tap": ports[2], "relay": ports[3]},
        printers=free_ports(10),
        platform=ports[4],
        patience="1h",
    )
    site.write()
    processes.append(site.fakes())
    processes.append(site.stand_in())
    bare = start("bare", module("bare", ports[0], site.folder / "bare.db"), folder=site.folder)
    processes.append(bare)
    peer = start("hl7", module("hl7_server", ports[1]), folder=site.folder)
    processes.append(peer)
    wardline = site.wardline()
    processes.append(wardline)
    return (
        Contestant(name="bare listener, group commit, reads nothing", port=ports[0], process=bare),
        Contestant(
            name="hl7 package's server, keeps nothing", port=ports[1], process=peer, part=0.5
        ),
        Contestant(name="wardline, tap", port=ports[2], process=wardline),
        Contestant(name="wardline, relay, platform up", port=ports[3], process=wardline),
    )


def _tell(contestants: Sequence[Contestant]) -> None:
    heads = ["", *(f"{n} conn." for n in LEVELS), "p99 at 100", "CPU a message at 100"]
    rows = [
        [
            c.name,
            *(per_second(c.rate(n)) if n in c.rates else "" for n in LEVELS),
            ms(c.p99(100)),
            f"{c.cost(100) * 1e6:,.0f} µs",
        ]
        for c in contestants
    ]
    show(
        "Acknowledgements per second, 2.0 kB ORU^R01 (medians of alternating rounds)",
        heads=heads,
        rows=rows,
    )


def _aims(bare: Contestant, peer: Contestant, tap: Contestant) -> Iterator[Aim]:
    for level in LEVELS[1:]:
        pairs = zip(tap.rates[level], bare.rates[level], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        yield Aim(
            what=f"of the bare listener at {level}", bound=0.6, measured=ratio, unit="%", least=True
        )
    yield Aim(what="p99 at 100 connections", bound=0.03, measured=tap.p99(100), unit="ms")
    for level in LEVELS:
        yield Aim(
            what=f"times the hl7 package's server at {level}",
            bound=1.0,
            measured=tap.rate(level) / peer.rate(level),
            unit="x",
            least=True,
        )
