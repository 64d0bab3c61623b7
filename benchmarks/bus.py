"""A message bus fails in four ways: when the outage is called, when paper comes, what the library notices."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks import rabbit
from benchmarks.failover import RATE, begin_load, waits_since
from benchmarks.process import Running, module, start, together
from benchmarks.rabbit import Rabbit
from benchmarks.site import Site
from benchmarks.slips import waited_for
from benchmarks.verdict import Aim, show
from demo.hospital import free_ports

#: The library's heartbeats that are compared, seconds; 0 is its own.
BEATS = ("0", "5")
_GOES = 2.0  # the bus fails so long after the first message, seconds
_DOWN_AFTER = 3.0  # of the site that is measured, as in the contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`cap`: how long the library is waited for, seconds."""

    name: str
    fail: Callable[[Rabbit], object]
    mend: Callable[[Rabbit], object]
    cap: float
    within: float  # the aim for the first critical slip, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Seconds from the fault. `library`: by heartbeat; None: not while it was waited for."""

    fault: Fault
    called: float
    critical: list[float]
    routine: list[float]
    library: dict[str, float | None]
    why: str


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Each fault hits Wardline and plain connections of the library at the same moment."""
    if why := rabbit.missing():
        print(f"  not measured: {why}")
        return
    cap = max(10.0, seconds * 0.3)
    with rabbit.running(folder / "bus") as bus:
        found = [
            _round(bus, fault, folder / "bus" / fault.name.replace(" ", "-"))
            for fault in _faults(cap, black_hole=bus.network is not None)
        ]
    show(
        f"Seconds from the fault; {RATE} messages/s, down_after {_DOWN_AFTER:g} s",
        heads=[
            *("", "outage called", "critical slips p50", "most", "routine most"),
            *("library, own heartbeat", "library, heartbeat 5 s"),
        ],
        rows=[_row(each) for each in found],
    )
    for each in found:
        print(f"  {each.fault.name}: {each.why}")
    for each in found:
        yield Aim(
            what=f"{each.fault.name}, critical, most",
            bound=each.fault.within,
            measured=max(each.critical, default=float("nan")),
            unit="s",
        )


def _faults(cap: float, *, black_hole: bool) -> Iterator[Fault]:
    def restart(bus: Rabbit) -> None:
        bus.broker.launch()
        bus.broker.wait()

    frozen = _DOWN_AFTER + 0.5
    yield Fault(
        name="killed", fail=lambda b: b.broker.kill(), mend=restart, cap=5.0, within=1.0
    )  # fmt: skip
    yield Fault(
        name="frozen",
        fail=lambda b: b.broker.freeze(),
        mend=lambda b: b.broker.thaw(),
        cap=cap,
        within=frozen,
    )
    if black_hole:
        yield Fault(
            name="black-holed",
            fail=lambda b: b.network and b.network.drop(),
            mend=lambda b: b.network and b.network.restore(),
            cap=cap,
            within=frozen,
        )
    yield Fault(
        name="out of disk",
        fail=lambda b: b.broker.ctl("set_disk_free_limit", "900GB"),
        mend=lambda b: b.broker.ctl("set_disk_free_limit", "50MB"),
        cap=5.0,
        within=frozen,
    )


def _round(bus: Rabbit, fault: Fault, folder: Path) -> Found:
    (relay,) = free_ports(1)
    site = Site(
        folder=folder, intakes={"relay": relay}, printers=free_ports(10), bus=bus.broker.endpoint
    )
    site.write()
    bus.prepare("wards")
    with together() as processes:
        processes.append(site.fakes())
        processes.append(site.wardline())
        watching = {beat: _watch(bus, beat, folder) for beat in BEATS}
        processes.extend(watching.values())
        load = begin_load(relay, folder / "found.json")
        time.sleep(_GOES)
        gone, wall = _now(fault.fail, bus)
        try:
            load.wait(60)
            sent = json.loads((folder / "found.json").read_text("utf-8"))["sent"]
            after = {order: moment for order, moment in sent.items() if moment > gone}
            slips = waited_for(site.slips, after, within=10)
            library = _noticed(watching, gone=gone, cap=fault.cap)
        finally:
            fault.mend(bus)
    waits = waits_since(sent, slips, gone=gone)
    called, why = _called(folder / "wardline.log", wall)
    return Found(fault=fault, called=called, library=library, why=why, **waits)


def _now(fail: Callable[[Rabbit], object], bus: Rabbit) -> tuple[float, float]:
    """Let it fail; the moment, by both clocks. A command's is its end: its start-up takes a second."""
    begin = time.monotonic()
    fail(bus)
    end = time.monotonic()
    moment = end if end - begin > 0.5 else begin
    return moment, time.time() - (time.monotonic() - moment)


def _watch(bus: Rabbit, beat: str, folder: Path) -> Running:
    words = module("library", "notice", bus.broker.url, beat)
    return start(f"library-{beat}", words, folder=folder)


def _noticed(watching: dict[str, Running], *, gone: float, cap: float) -> dict[str, float | None]:
    """What the library has noticed `cap` seconds after the fault, or as soon as all have."""
    waiting = [w.process for w in watching.values()]
    while time.monotonic() < gone + cap and any(p.poll() is None for p in waiting):
        time.sleep(0.2)
    return {
        beat: float(w.process.stdout.read()) - gone
        if w.process.stdout and w.process.poll() is not None
        else None
        for beat, w in watching.items()
    }


def _called(log: Path, wall: float) -> tuple[float, str]:
    """When Wardline called the outage, in seconds from the fault, and why."""
    for line in log.read_text("utf-8").splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "platform.state" and event.get("state") == "down":
            at = datetime.fromisoformat(event["timestamp"]).timestamp()
            return max(0.0, at - wall), event["reason"]
    return float("nan"), "not called"


def _row(found: Found) -> list[str]:
    critical = sorted(found.critical)
    return [
        found.fault.name,
        f"{found.called:.2f} s",
        f"{critical[len(critical) // 2]:.2f} s" if critical else "",
        f"{max(critical, default=float('nan')):.2f} s",
        f"{max(found.routine, default=float('nan')):.2f} s",
        *(_library(found.library[beat], found.fault.cap) for beat in BEATS),
    ]


def _library(noticed: float | None, cap: float) -> str:
    return f"> {cap:.0f} s" if noticed is None else f"{max(noticed, 0.0):.2f} s"
