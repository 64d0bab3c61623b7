"""Fax: ten wards at once over ten lines, from accepted to confirmed, beside what the modems could do.

Both ends are real (Asterisk's modems, T.38 at 14,400 bit/s); the machines' end runs on this machine too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.verdict import Aim, show

WARDS = 10
RATE = 14_400.0  # bits a second, V.17
#: What T.30 costs besides the pages: answering and agreeing (T.38 begins 3 s after the answer), and the word
#: after each page, seconds, as measured between two machines with nothing to send.
AGREEING, BETWEEN = 9.0, 2.0


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    from tests.system.fax_machines import MANY
    from tests.system.fax_site import FaxSite

    wards = {f"W{n}": MANY.format(n) for n in range(WARDS)}
    site = FaxSite(folder / "fax" / "site")
    try:
        site.prepare(wards).open()
        site.patiently("lines", lambda: _ready(site), within=60)
        began, used = time.monotonic(), _cpu(site)
        with site.sender() as sender:
            for ward in wards:
                sender.send(site.results(ward))
        site.patiently("all faxes", lambda: _all(site), within=max(seconds, 120))
        took, used = time.monotonic() - began, _cpu(site) - used
        calls = sorted(_calls(site))
        files = [path.stat().st_size for path in site.kept.glob("*.tif")]
        pages = sum(_count(path) for path in site.kept.glob("*.tif"))
    finally:
        site.close()
    size = sum(files) / pages
    limit = AGREEING + 2 * (size * 8 / RATE + BETWEEN)
    show(
        f"{WARDS} wards, one result each: a cover and a sheet of {size / 1000:.1f} kB",
        heads=("", "measured", "the modems alone"),
        rows=[
            ("accepted to confirmed, median", f"{calls[len(calls) // 2]:.1f} s", f"{limit:.1f} s"),
            ("accepted to confirmed, slowest", f"{calls[-1]:.1f} s", ""),
            ("pages a minute, ten lines", f"{pages / took * 60:.0f}", f"{WARDS * 120 / limit:.0f}"),
            ("processor, of one core, both Asterisks", f"{used / took * 100:.0f} %", ""),
        ],
    )
    yield Aim(what="ten faxes at once, slowest against one alone by the modems' limit",
              bound=1.6, measured=calls[-1] / limit)  # fmt: skip


def _ready(site: Any) -> bool:
    devices = site.status()["devices"]
    return all(d["state"] == "ok" for name, d in devices.items() if name.startswith("fax-"))


def _all(site: Any) -> bool:
    return all(message["state"] == "delivered" for message in site.messages())


def _calls(site: Any) -> Iterator[float]:
    """Seconds from accepted to confirmed of each."""
    for message in site.messages():
        attempts = [a for d in message["deliveries"] for a in d["attempts"]]
        ended = datetime.fromisoformat(attempts[-1]["ended_at"])
        yield (ended - datetime.fromisoformat(message["received_at"])).total_seconds()


def _cpu(site: Any) -> float:
    """Processor seconds that both Asterisks have used."""
    found = 0.0
    for process in (site.asterisk.process, site.exchange.process):
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        found += (int(fields[11]) + int(fields[12])) / 100.0
    return found


def _count(path: Path) -> int:
    with Image.open(path) as image:
        return int(getattr(image, "n_frames", 1))
