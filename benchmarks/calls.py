"""Callers at once, each hearing and keying: whether all were heard, how long to answer, at what cost."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import quantile
from benchmarks.process import Running, module, start, together
from benchmarks.verdict import Aim, ms, show
from demo.telephone.exchange import Exchange, Missing, unpacked

SIZES = (20, 50, 100)
TALK = 10.0  # seconds each call lasts


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """`seconds` for all sizes: fewer, where there is no time for three."""
    try:
        tree = unpacked()
    except Missing as missing:
        print(f"  not measured: {missing}")
        return
    sizes = SIZES[-max(1, min(len(SIZES), int(seconds / (TALK + 10)))) :]
    room = folder / "calls"
    room.mkdir(parents=True, exist_ok=True)
    exchange = Exchange(room / "asterisk", tree=tree, phones=("201",)).start()
    try:
        with together() as running:
            site = room / "telephony.json"
            site.write_text(json.dumps(exchange.table), "utf-8")
            server = start("call_server", module("call_server", site), folder=room)
            running.append(server)
            time.sleep(1.0)  # the first heartbeat
            found = {size: _round(size, exchange, server, room) for size in sizes}
    finally:
        exchange.stop()
    show(
        f"{TALK:.0f} s calls at once, A-law both ways, a code keyed by each",
        heads=(
            "calls",
            "codes right",
            "lost packets",
            "answer p99",
            "voice p99",
            "Asterisk",
            "Wardline",
        ),
        rows=[
            (
                str(size),
                f"{one['right']}/{size}",
                f"{one['lost']}/{one['packets']}",
                ms(one["answer"]),
                ms(one["voice"]),
                f"{one['asterisk']:.0%}",
                f"{one['wardline']:.0%}",
            )
            for size, one in found.items()
        ],
    )
    most = max(sizes)
    worst = found[most]
    right, lost = worst["right"] / most, worst["lost"] / max(1, worst["packets"])
    yield Aim(what=f"{most} at once: codes right", bound=1.0, measured=right, unit="%", least=True)
    yield Aim(what=f"{most} at once: packets lost", bound=0.001, measured=lost, unit="%")
    yield Aim(what="time to answer, p99", bound=1.0, measured=worst["answer"], unit="ms")
    yield Aim(
        what="from the last key to a word, p99", bound=0.5, measured=worst["voice"], unit="ms"
    )


def _round(size: int, exchange: Exchange, server: Running, room: Path) -> dict[str, float]:
    """Both processors' shares are of one core, while the calls last."""
    assert exchange.process is not None
    asterisk = Running("asterisk", exchange.process, took=0.0)  # type: ignore[arg-type] # only looked at
    before, began = (asterisk.cpu, server.cpu), time.monotonic()
    done = subprocess.run(
        module("call_phones", exchange.sip_port, size, TALK),
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.monotonic() - began
    after = (asterisk.cpu, server.cpu)
    asterisk._end()
    told = json.loads(done.stdout)
    keyed = (room / "keyed").read_text("ascii").split() if (room / "keyed").exists() else []
    (room / "keyed").write_text("")
    return {
        "right": sum(code in keyed for code in told["codes"]),
        "lost": told["lost"],
        "packets": told["packets"],
        "answer": quantile(told["answer"], 0.99),
        "voice": quantile(told["voice"], 0.99),
        "asterisk": (after[0] - before[0]) / took,
        "wardline": (after[1] - before[1]) / took,
    }
