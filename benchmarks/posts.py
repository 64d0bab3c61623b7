"""POSTs answered a second, each on disk, beside a bare Klein handler; and what reading FHIR costs."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.machine import quantile
from benchmarks.process import module, start, together
from benchmarks.site import Site
from benchmarks.verdict import Aim, ms, per_second, show
from demo.hospital import free_ports
from gateway.fhir import read_all

TOKEN = "a-token-of-the-benchmark"  # noqa: S105 - guards nothing
CONNECTIONS = 20
ROUNDS = 3
_INTAKE = """
[[intakes]]
name = "web"
kind = "http"
mode = "tap"
listen = "tcp:{port}:interface=127.0.0.1:backlog=1024"
per_peer = 1000
connections = 1000
[[intakes.senders]]
name = "bench"
token_file = "token"
sends_as = ["SIL|LABO"]
"""


def report(number: int) -> bytes:
    """A report of 15 values, 7 kB, of a patient in a ward."""
    values = [
        {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": "final",
            "code": {
                "coding": [{"system": "http://loinc.org", "code": f"28{n}-3", "display": f"A {n}"}]
            },
            "valueQuantity": {"value": 4.1 + n, "unit": "mmol/L"},
            "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
        }
        for n in range(15)
    ]
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"type": {"coding": [{"code": "PI"}]}, "value": str(number % 5000)}],
        "name": [{"use": "official", "family": "Lefèvre", "given": ["Hélène"]}],
        "birthDate": "1972-07-01",
        "gender": "female",
    }
    found = {
        "resourceType": "DiagnosticReport",
        "id": f"r{number}",
        "status": "final",
        "code": {"text": "Ionogramme"},
        "subject": {"reference": "#p"},
        "contained": [patient, *values],
        "result": [{"reference": f"#o{n}"} for n in range(15)],
    }
    return json.dumps(found, ensure_ascii=False).encode()


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Rounds of A B A B, so that a busy moment of the machine hits all alike; medians of the rounds."""
    each = seconds / (ROUNDS * 2 + 1)
    intake, bare_port, printer = free_ports(3)
    site = Site(folder=folder / "posts", intakes={}, printers=[printer])
    site.write()
    with site.config.open("a") as config:
        config.write(_INTAKE.format(port=intake))
    (site.folder / "token").write_text(sha256(TOKEN.encode()).hexdigest())
    rates: dict[str, list[float]] = {"wardline": [], "bare klein": []}
    waits: dict[str, list[float]] = {"wardline": [], "bare klein": []}
    with together() as processes:
        processes.append(start("bare", module("bare_http", bare_port), folder=site.folder))
        processes.append(site.wardline())
        ours = processes[-1]
        number = 0
        for _ in range(ROUNDS):
            for name, port in (("bare klein", bare_port), ("wardline", intake)):
                found = asyncio.run(_load(port, number, each))
                number += len(found) + CONNECTIONS
                rates[name].append(len(found) / each)
                waits[name] += found
        memory = str(ours.memory)
    show(
        f"FHIR reports of {len(report(1)) / 1000:.1f} kB, {CONNECTIONS} connections: answered 201",
        heads=["", "a second", "median", "p99"],
        rows=[
            [
                n,
                per_second(statistics.median(rates[n])),
                ms(quantile(waits[n], 0.5)),
                ms(quantile(waits[n], 0.99)),
            ]
            for n in rates
        ],
    )
    print(f"memory of wardline: {memory}")
    ratio = statistics.median(rates["bare klein"]) / statistics.median(rates["wardline"])
    yield Aim(what="times the price of a bare Klein handler", bound=4.0, measured=ratio, unit="x")
    yield from _reading(each)


def _reading(seconds: float) -> Iterator[Aim]:
    raw = report(1)
    alone = _each(lambda: json.loads(raw), seconds / 2)
    read = _each(lambda: read_all(raw, sender="SIL|LABO"), seconds / 2)
    show(
        f"Reading one such report, {len(raw) / 1000:.1f} kB",
        heads=["", "each"],
        rows=[
            ["json.loads alone", f"{alone * 1e6:,.0f} µs"],
            ["gateway.fhir", f"{read * 1e6:,.0f} µs"],
        ],
    )
    yield Aim(what="times json.loads alone", bound=20.0, measured=read / alone, unit="x")


def _each(work: Callable[[], Any], seconds: float) -> float:
    """Processor seconds, the median of many times fifty."""
    times, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.process_time()
        for _ in range(50):
            work()
        times.append((time.process_time() - began) / 50)
    return statistics.median(times)


async def _load(port: int, first: int, seconds: float) -> list[float]:
    """How long each POST waited for its 201, seconds."""
    until = time.perf_counter() + seconds
    found = await asyncio.gather(
        *(
            _one(port, range(first + n, first + 10**6, CONNECTIONS), until)
            for n in range(CONNECTIONS)
        )
    )
    return [wait for waits in found for wait in waits]


async def _one(port: int, numbers: range, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits: list[float] = []
    for number in numbers:
        if time.perf_counter() > until:
            break
        body = report(number)
        began = time.perf_counter()
        writer.write(
            f"POST /fhir HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(head.decode("latin-1"))
        length = next(
            line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        await reader.readexactly(int(length.partition(b":")[2]))
        waits.append(time.perf_counter() - began)
    writer.close()
    return waits
