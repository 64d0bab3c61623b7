"""From what the senders and the printers wrote down: how long each message was under way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path


def first_bytes(path: Path) -> dict[str, float]:
    """By order number, the moment the first byte of its first slip came (monotonic seconds)."""
    found: dict[str, float] = {}
    if not path.exists():
        return found
    for line in path.read_text("ascii").splitlines():
        moment, _, orders = line.split("\t")
        for order in orders.split():
            found.setdefault(order, float(moment))
    return found


def waited_for(path: Path, orders: Mapping[str, object], *, within: float) -> dict[str, float]:
    """`first_bytes` once all of `orders` are there, or `within` seconds have passed."""
    end = time.monotonic() + within
    while True:
        found = first_bytes(path)
        if orders.keys() <= found.keys() or time.monotonic() > end:
            return found
        time.sleep(0.1)


def under_way(sent: Mapping[str, float], found: Mapping[str, float]) -> list[float]:
    """Seconds from the last byte sent to the first byte on paper; endless for what never came."""
    return [found.get(order, float("inf")) - moment for order, moment in sent.items()]
