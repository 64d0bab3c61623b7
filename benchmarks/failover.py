"""From the platform's death, or its freezing, to the first byte of the slips, under a steady load."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.acks import first_number
from benchmarks.process import module, together
from benchmarks.site import Site
from benchmarks.slips import waited_for
from benchmarks.verdict import Aim, ms, show
from demo.hospital import free_ports

RATE = 20
EVERY = 4  # this many messages, one critical
ROUNDS = 3
#: When the platform goes, and how long messages come: seconds from the first.
_GOES, _LASTS = 2.0, 8.0
_DOWN_AFTER = 3.0  # of the site that is measured, as in the contract

Waits = dict[str, list[float]]


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Each round on a fresh site, since a platform that went once is watched more closely."""
    killed, frozen = _none(), _none()
    for number in range(ROUNDS):
        for name, how, waits in (
            ("killed", signal.SIGKILL, killed),
            ("frozen", signal.SIGSTOP, frozen),
        ):
            for kind, more in _round(folder / "failover" / f"{name}{number}", how).items():
                waits[kind] += more
    rows = [
        [
            f"{name}, {kind}, {len(each)} slips",
            ms(min(each)),
            ms(each[len(each) // 2]),
            ms(each[-1]),
        ]
        for name, waits in (("killed", killed), ("frozen", frozen))
        for kind in waits
        for each in [sorted(waits[kind])]
    ]
    show(
        f"The later of the message and the platform's end, to the slip's first byte; {RATE} messages/s",
        heads=["", "least", "p50", "most"],
        rows=rows,
    )
    for kind in killed:
        yield Aim(what=f"killed, {kind}, most", bound=1.0, measured=max(killed[kind]), unit="s")
    for kind in frozen:
        yield Aim(
            what=f"frozen, {kind}, most: down_after and a little",
            bound=_DOWN_AFTER + 0.5,
            measured=max(frozen[kind]),
            unit="s",
        )
    yield Aim(what="frozen, critical, most", bound=3.0, measured=max(frozen["critical"]), unit="s")


def _none() -> Waits:
    return {"routine": [], "critical": []}


def _round(folder: Path, how: signal.Signals) -> Waits:
    relay, platform = free_ports(2)
    site = Site(folder=folder, intakes={"relay": relay}, printers=free_ports(10), platform=platform)
    site.write()
    with together() as processes:
        processes.append(site.fakes())
        stand_in = site.stand_in()
        processes.append(stand_in)
        processes.append(site.wardline())
        load = begin_load(relay, folder / "found.json")
        time.sleep(_GOES)
        stand_in.signal(how)
        gone = time.monotonic()
        load.wait(60)
        sent = json.loads((folder / "found.json").read_text("utf-8"))["sent"]
        after = {order: moment for order, moment in sent.items() if moment > gone}
        found = waited_for(site.slips, after, within=10)
        if how is signal.SIGSTOP:
            stand_in.signal(signal.SIGCONT)  # or it could not be told to stop
    return waits_since(sent, found, gone=gone)


def begin_load(port: int, output: Path) -> subprocess.Popen[bytes]:
    first = first_number()
    return subprocess.Popen(
        module(
            *("load", port, "--connections", 5, "--wards", 10, "--first", first),
            *("--rate", RATE, "--seconds", _LASTS, "--critical-every", EVERY, "--output", output),
        )
    )


def waits_since(sent: dict[str, float], found: dict[str, float], *, gone: float) -> Waits:
    """What was sent before and came on paper was under way when the platform went."""
    waits = _none()
    for order, moment in sent.items():
        if order in found or moment > gone:
            kind = "critical" if int(order[2:]) % EVERY == 0 else "routine"
            waits[kind].append(found.get(order, float("inf")) - max(moment, gone))
    return waits
