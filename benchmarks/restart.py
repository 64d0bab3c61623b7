"""From the start of the process to the first acknowledgement, with a hundred thousand rows still open."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import messages
from benchmarks.acks import first_number, load
from benchmarks.machine import quantile
from benchmarks.process import Running, module, together
from benchmarks.site import Site
from benchmarks.slips import first_bytes
from benchmarks.verdict import Aim, ms, show
from demo.hospital import free_ports

ROWS = 100_000
EVERY = 100  # so many rows, one critical
PRINTERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Seconds from the start of the process, but `waits`: of each acknowledgement while it catches up."""

    ready: float
    acknowledged: float
    critical: float
    slips: int
    waits: list[float]
    memory: str
    most: int


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """On an empty store, on one that was closed, and after `kill -9` in the middle of catching up."""
    (direct,) = free_ports(1)
    site = Site(
        folder=folder / "restart", intakes={"direct": direct}, printers=free_ports(PRINTERS)
    )
    site.write()
    empty = _empty(site, direct)
    site.write()
    began = time.monotonic()
    subprocess.run(module("fill", site.config, ROWS, EVERY), check=True)
    size = (site.folder / "wardline.db").stat().st_size / 1e6
    filled = time.monotonic() - began
    print(f"  {ROWS:,} rows written in {filled:.0f} s, {size:.0f} MB")
    lasts = max(5.0, (seconds - filled) / 3)
    with together() as processes:
        processes.append(site.fakes())
        found = {
            "after a clean stop": _start(site, direct, processes, lasts=lasts),
            "after kill -9": _start(site, direct, processes, lasts=lasts),
        }
    show(
        f"Seconds from the start of the process, {ROWS:,} open rows, one in {EVERY} critical",
        heads=["", "ready", "first ack", "first critical slip", "acks p50", "p99", "slips/s"],
        rows=[
            [
                name,
                f"{f.ready:.2f} s",
                f"{f.acknowledged:.2f} s",
                f"{f.critical:.2f} s",
                ms(quantile(f.waits, 0.5)),
                ms(quantile(f.waits, 0.99)),
                f"{f.slips / lasts:.0f}",
            ]
            for name, f in found.items()
        ],
    )
    print(f"  with an empty store the first acknowledgement comes after {empty:.2f} s")
    for name, f in found.items():
        print(f"  memory of wardline, {name}: {f.memory}")
    for name, f in found.items():
        yield Aim(
            what=f"first acknowledgement {name}", bound=2.0, measured=f.acknowledged, unit="s"
        )
    most = max(f.most for f in found.values())
    yield Aim(what="memory at most", bound=300.0, measured=most / 1e6, unit="MB")


def _empty(site: Site, port: int) -> float:
    """What a start costs that has nothing to take up: Python, its libraries, the sockets."""
    began = time.monotonic()
    with together() as processes:
        processes.append(site.wardline())
        _first_acknowledgement(port)
        return time.monotonic() - began


def _start(site: Site, port: int, processes: list[Running], *, lasts: float) -> Found:
    """Start it, ask for the first acknowledgement, let it catch up for a while, and kill it."""
    site.slips.write_text("", "ascii")
    began = time.monotonic()
    wardline = site.wardline()
    processes.append(wardline)
    _first_acknowledgement(port)
    acknowledged = time.monotonic() - began
    found = load(port, "--connections", 5, "--rate", 20, "--seconds", lasts, "--wards", PRINTERS)
    wardline.kill()
    slips = first_bytes(site.slips)
    critical = (at for order, at in slips.items() if _is_critical(order))
    return Found(
        ready=wardline.ready_after,
        acknowledged=acknowledged,
        critical=min(critical, default=float("inf")) - began,
        slips=len(slips),
        waits=found["waits"],
        memory=str(wardline.memory),
        most=wardline.memory.most,
    )


def _is_critical(order: str) -> bool:
    number = int(order[2:])
    return number >= messages.FILLED and (number - messages.FILLED) % EVERY == 0


def _first_acknowledgement(port: int) -> None:
    raw = messages.result(first_number())
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.settimeout(60)
        peer.sendall(b"\x0b" + raw + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            answer += peer.recv(65536)
    if b"\rMSA|AA" not in answer:
        raise RuntimeError("the first message was refused")
