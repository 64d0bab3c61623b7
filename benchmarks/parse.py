"""Reading one result into records, beside the two Python libraries that read HL7 v2."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from benchmarks import messages
from benchmarks.verdict import Aim, show
from gateway.hl7 import Limits, read

#: The length of one turn of one reader, seconds, as a part of the whole.
_TURN = 1 / 40
_ROUNDS = 5

Reader = Callable[[bytes], object]


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Readers take turns, so that a slow moment of the machine hits all alike; medians of the turns."""
    samples = {
        "1.3 kB, 20 OBX, ASCII": [messages.panel(n) for n in range(200)],
        "2.0 kB, 15 OBX, French": [messages.result(n) for n in range(200)],
    }
    readers = _readers()
    found = {name: _turns(readers, raws, seconds * _TURN) for name, raws in samples.items()}
    show(
        "Processor time to read one message (medians of alternating turns)",
        heads=["", *samples],
        rows=[
            [reader, *(f"{found[name][reader] * 1e6:,.0f} µs" for name in samples)]
            for reader in readers
        ],
    )
    for name in samples:
        ours = found[name]["gateway.hl7.read"]
        for reader in list(readers)[1:]:
            what = f"times as fast as {reader}, {name}"
            yield Aim(
                what=what, bound=5.0, measured=found[name][reader] / ours, unit="x", least=True
            )


def _readers() -> dict[str, Reader]:
    limits = Limits()
    readers: dict[str, Reader] = {"gateway.hl7.read": lambda raw: read(raw, limits=limits)}
    if find_spec("hl7"):
        import hl7

        readers["hl7.parse"] = lambda raw: hl7.parse(raw.decode())
    if find_spec("hl7apy"):
        from hl7apy.parser import parse_message

        readers["hl7apy.parse_message"] = lambda raw: parse_message(raw.decode(), find_groups=False)
    return readers


def _turns(readers: dict[str, Reader], raws: list[bytes], seconds: float) -> dict[str, float]:
    took: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(_ROUNDS):
        for name, reader in readers.items():
            took[name].append(_turn(reader, raws, seconds))
    return {name: statistics.median(each) for name, each in took.items()}


def _turn(reader: Reader, raws: list[bytes], seconds: float) -> float:
    """Processor seconds a message: the machine's other work does not count."""
    began, count = time.process_time(), 0
    while time.process_time() - began < seconds:
        reader(raws[count % len(raws)])
        count += 1
    return (time.process_time() - began) / count
