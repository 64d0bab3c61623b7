"""Through a bus: the tap beside a consumer that only acknowledges, the relay beside a bare publisher."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import rabbit
from benchmarks.acks import load
from benchmarks.process import Running, module, together
from benchmarks.rabbit import EXCHANGE, Rabbit
from benchmarks.site import Site
from benchmarks.verdict import per_second, show
from demo.hospital import free_ports
from gateway.store import views

ROUNDS = 3
LOOK = (
    0.25  # seconds between two looks into the store: looking takes time from those who are measured
)
WINDOW = 64  # messages unconfirmed at once, as the platform's own


def run(folder: Path, seconds: float) -> Iterator[object]:
    """Rounds of A B A B on one broker; quorum queues, persistent messages, each on its disk."""
    if why := rabbit.missing():
        print(f"  not measured: {why}")
        return
    count = max(1000, int(seconds * 60))
    seen: dict[str, list[Seen]] = {"consumer": [], "tap": [], "publisher": [], "relay": []}
    room = folder / "busrate"
    with rabbit.running(room) as bus:
        for _ in range(ROUNDS):
            bus.prepare("plain")
            seen["tap"].append(_tap(bus, room / "tap", count))
            seen["consumer"].append(_plain(bus, "take", "plain", count))
            bus.prepare("plain")
            seen["publisher"].append(_plain(bus, "publish", EXCHANGE, count, WINDOW))
            seen["relay"].append(_relay(bus, room / "relay", seconds / (ROUNDS * 3)))
    words = {
        "consumer": "plain consumer, only acknowledges",
        "tap": "wardline, tap",
        "publisher": f"plain publisher, {WINDOW} at once",
        "relay": "wardline, relay, in to confirmed",
    }
    beside = {"tap": "consumer", "relay": "publisher"}
    show(
        f"Messages per second, 2.0 kB ORU^R01, medians of {ROUNDS} alternating rounds",
        heads=["", "rate", "of the other", "CPU a message"],
        rows=[
            [
                words[name],
                per_second(statistics.median(s.rate for s in each)),
                _part(each, seen[beside[name]]) if name in beside else "",
                f"{statistics.median(s.cost for s in each) * 1e6:,.0f} µs",
            ]
            for name, each in seen.items()
        ],
    )
    yield from ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one round: messages a second, and processor seconds a message."""

    rate: float
    cost: float


def _part(ours: list[Seen], theirs: list[Seen]) -> str:
    pairs = zip(ours, theirs, strict=True)
    return f"{statistics.median(a.rate / b.rate for a, b in pairs) * 100:.0f} %"


def _plain(bus: Rabbit, what: str, *words: object) -> Seen:
    """With the library alone; the last of `words` but the window is the count."""
    command = module("library", what, bus.broker.url, *words)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    took, spent = map(float, done.stdout.split())
    return Seen(int(str(words[1])) / took, spent / int(str(words[1])))


def _tap(bus: Rabbit, folder: Path, count: int) -> Seen:
    """Its queue is filled while it is away; then how fast it takes what waits there."""
    site = _site(bus, folder, tap=True)
    with together() as processes:
        processes.append(site.wardline())  # makes its queue
    _plain(bus, "publish", EXCHANGE, count, WINDOW)
    with together() as processes:
        wardline = site.wardline()
        processes.append(wardline)
        return _steady(lambda: _stored(site), count, of=wardline)


def _relay(bus: Rabbit, folder: Path, seconds: float) -> Seen:
    """From the first byte in until the bus has confirmed the last."""
    (port,) = free_ports(1)
    site = _site(bus, folder, intakes={"relay": port})
    with together() as processes:
        wardline = site.wardline()
        processes.append(wardline)
        began, spent = time.monotonic(), wardline.cpu
        found = load(port, "--connections", 100, "--seconds", seconds, "--wards", 1)
        while _counts(site).get("open"):
            time.sleep(LOOK)
        count = int(found["acknowledged"])
        return Seen(count / (time.monotonic() - began), (wardline.cpu - spent) / count)


def _site(
    bus: Rabbit, folder: Path, *, intakes: dict[str, int] | None = None, tap: bool = False
) -> Site:
    site = Site(
        folder=folder,
        intakes=intakes or {},
        printers=free_ports(1),
        bus=bus.broker.endpoint,
        tap=tap,
        patience="1h",
    )
    site.write()
    return site


def _steady(seen: Callable[[], int], count: int, *, of: Running) -> Seen:
    """Between the first twentieth and the last."""
    first: tuple[float, int, float] | None = None
    while True:
        now, known, spent = time.monotonic(), seen(), of.cpu
        if first is None and known >= count * 0.05:
            first = (now, known, spent)
        if first is not None and known >= count * 0.95:
            came = known - first[1]
            return Seen(came / (now - first[0]), (spent - first[2]) / came)
        time.sleep(LOOK)


def _stored(site: Site) -> int:
    return sum(_counts(site).values())


def _counts(site: Site) -> dict[str, int]:
    counts: dict[str, int] = views.status(site.folder / "wardline.db")["counts"]
    return counts
