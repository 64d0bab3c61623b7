"""Through a bus: the tap beside a consumer that only acknowledges, the relay beside a bare publisher."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import rabbit
from benchmarks.acks import load
from benchmarks.process import module, together
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
    rates: dict[str, list[float]] = {"consumer": [], "tap": [], "publisher": [], "relay": []}
    room = folder / "busrate"
    with rabbit.running(room) as bus:
        for _ in range(ROUNDS):
            bus.prepare("plain")
            rates["tap"].append(_tap(bus, room / "tap", count))
            rates["consumer"].append(_plain(bus, "take", "plain", count))
            bus.prepare("plain")
            rates["publisher"].append(_plain(bus, "publish", EXCHANGE, count, WINDOW))
            rates["relay"].append(_relay(bus, room / "relay", seconds / (ROUNDS * 3)))
    medians = {name: statistics.median(each) for name, each in rates.items()}
    show(
        f"Messages per second, 2.0 kB ORU^R01, medians of {ROUNDS} alternating rounds",
        heads=["", "rate", "of the other"],
        rows=[
            ["plain consumer, only acknowledges", per_second(medians["consumer"]), ""],
            ["wardline, tap", per_second(medians["tap"]), _part(rates["tap"], rates["consumer"])],
            [f"plain publisher, {WINDOW} at once", per_second(medians["publisher"]), ""],
            [
                "wardline, relay, in to confirmed",
                per_second(medians["relay"]),
                _part(rates["relay"], rates["publisher"]),
            ],
        ],
    )
    yield from ()


def _part(ours: list[float], theirs: list[float]) -> str:
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)) * 100:.0f} %"


def _plain(bus: Rabbit, what: str, *words: object) -> float:
    """Messages a second with the library alone; the last of `words` but the window is the count."""
    command = module("library", what, bus.broker.url, *words)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    return int(str(words[1])) / float(done.stdout)


def _tap(bus: Rabbit, folder: Path, count: int) -> float:
    """Its queue is filled while it is away; then how fast it takes what waits there."""
    site = _site(bus, folder, tap=True)
    with together() as processes:
        processes.append(site.wardline())  # makes its queue
    _plain(bus, "publish", EXCHANGE, count, WINDOW)
    with together() as processes:
        processes.append(site.wardline())
        return _steady(lambda: _stored(site), count)


def _relay(bus: Rabbit, folder: Path, seconds: float) -> float:
    """From the first byte in until the bus has confirmed the last."""
    (port,) = free_ports(1)
    site = _site(bus, folder, intakes={"relay": port})
    with together() as processes:
        processes.append(site.wardline())
        began = time.monotonic()
        found = load(port, "--connections", 100, "--seconds", seconds, "--wards", 1)
        while _counts(site).get("open"):
            time.sleep(LOOK)
        return int(found["acknowledged"]) / (time.monotonic() - began)


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


def _steady(seen: Callable[[], int], count: int) -> float:
    """Messages a second between the first twentieth and the last."""
    first: tuple[float, int] | None = None
    while True:
        now, known = time.monotonic(), seen()
        if first is None and known >= count * 0.05:
            first = (now, known)
        if first is not None and known >= count * 0.95:
            return (known - first[1]) / (now - first[0])
        time.sleep(LOOK)


def _stored(site: Site) -> int:
    return sum(_counts(site).values())


def _counts(site: Site) -> dict[str, int]:
    counts: dict[str, int] = views.status(site.folder / "wardline.db")["counts"]
    return counts
