"""A page from hand to its last side: straight over IPP with its proof, and by `lp` through CUPS.

The printer is ippeveprinter, which prints in no time: what is measured is the way to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import quantile
from benchmarks.verdict import Aim, ms, show


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    import pytest

    from tests.system.cupsd import Cups
    from tests.system.eve import Eve, shim

    home = folder / "ipp"
    home.mkdir(parents=True, exist_ok=True)
    try:
        eve = Eve(home / "eve", shim(home)).start()
        cups = Cups(home / "cups", eve.uri)
    except pytest.skip.Exception as missing:
        print(f"  not measured: {missing}")
        return
    try:
        direct = _direct(eve, seconds / 2)
        through = _through(eve, cups, seconds / 2)
    finally:
        cups.close()
        eve.close()
    show(
        "One page of 20 kB to a printer that prints in no time",
        heads=["", "p50", "p99", "most"],
        rows=[
            [f"{name}, {len(took)} pages", *(ms(quantile(took, q)) for q in (0.5, 0.99, 1.0))]
            for name, took in (("Wardline, proved", direct), ("lp through CUPS, printed", through))
        ],
    )
    half, whole = quantile(direct, 0.5), quantile(through, 0.5)
    yield Aim(what="straight to the printer, p50", bound=0.2, measured=half, unit="ms")
    yield Aim(what="of the time by way of CUPS", bound=0.5, measured=half / whole, unit="%")


def _direct(eve: Any, seconds: float) -> list[float]:
    """In a process of its own: it needs a reactor."""
    words = [sys.executable, "-m", "benchmarks.ipp", eve.uri, str(seconds)]
    took: list[float] = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return took


def _through(eve: Any, cups: Any, seconds: float) -> list[float]:
    sheet = eve.folder / "sheet.pdf"
    sheet.write_bytes(_page())
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before, began = len(eve.printed), time.monotonic()
        words = ["lp", "-h", cups.server, "-d", "eve", str(sheet)]
        subprocess.run(words, check=True, capture_output=True)
        while len(eve.printed) == before:
            time.sleep(0.002)
        took.append(time.monotonic() - began)
    return took


def _page() -> bytes:
    from printers.pages import set_page
    from printers.slip import Row, Slip

    rows = tuple(Row(name=f"Analyte {n}", value=f"{n},4", unit="mmol/L") for n in range(20))
    return set_page(Slip(header=(), body=rows))


async def _deliver(uri: str, seconds: float) -> list[float]:
    from twisted.internet import reactor

    from gateway.channels import Job
    from gateway.channels.ipp import IppChannel, Settings
    from gateway.clock import ReactorClock
    from gateway.ipp.address import address
    from gateway.ipp.run import Document
    from printers.slip import Slip

    page = _page()

    class Sheets:
        def format_of(self, formats: object) -> str:
            return "application/pdf"

        async def set(self, slip: object, formats: object, about: object) -> Document:
            return Document(data=page, format="application/pdf", pages=1)

    async def begin() -> Slip:
        return Slip(header=(), body=())

    channel = IppChannel(
        Settings(name="page", kind="ipp", connect=uri),
        place=address(uri),
        sheets=Sheets(),
        reactor=reactor,
        clock=ReactorClock(reactor),  # type: ignore[arg-type]
    )
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        await channel.deliver(Job(begin=begin, until=None))
        took.append(time.monotonic() - began)
    return took


def main(uri: str, seconds: float) -> None:
    from twisted.internet import asyncioreactor

    asyncioreactor.install()
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    def work(_: object) -> Deferred[None]:
        done = Deferred.fromCoroutine(_deliver(uri, seconds))
        return done.addCallback(lambda took: print(json.dumps(took)))

    react(work)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
