"""The permanent record of acts: each entry carries the hash of the one before, so none can change unseen."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from gateway.store import queries
from gateway.store.queries import Execute

#: What stands before the first entry.
NOTHING = bytes(32)

# Fixed widths first, then the length of `what`: two different entries never give the same bytes.
_HEAD = struct.Struct(">32sQdBqqH")

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class Entry(NamedTuple):
    """One row of the journal, without its hashes. `at` is seconds since the epoch, UTC."""

    seq: int
    at: float
    what: str
    message_id: int | None
    delivery_id: int | None
    detail: str  # canonical JSON


class Journal:
    """The end of the chain: entries are appended, the head is written once a transaction."""

    __slots__ = ("_began", "_execute", "hash", "seq")

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self.seq, self.hash = chain_end(execute)
        self._began = self.seq

    def append(
        self,
        what: str,
        *,
        at: float,
        message_id: int | None = None,
        delivery_id: int | None = None,
        detail: Mapping[str, Any] | str,
    ) -> None:
        """Write one act down. `detail` holds no patient's text: the journal outlives what it speaks of.

        It is written as canonical JSON; a string must be that already.
        """
        text = detail if isinstance(detail, str) else canonical(detail)
        seq, prev = self.seq + 1, self.hash
        entry = Entry(seq, float(at), what, message_id, delivery_id, text)
        hashed = chained(prev, entry)
        self._execute(queries.JOURNAL_APPEND, (*entry, prev, hashed))
        self.seq, self.hash = seq, hashed

    def back_to(self, mark: tuple[int, bytes]) -> None:
        """A savepoint was rolled back: its entries were never written."""
        self.seq, self.hash = mark

    @property
    def mark(self) -> tuple[int, bytes]:
        return self.seq, self.hash

    def close(self) -> None:
        """Write the head, once, at the end of the transaction."""
        if self.seq != self._began:
            self._execute(queries.HEAD_MOVE, (self.seq, self.hash))
            self._began = self.seq


def chain_end(execute: Execute) -> tuple[int, bytes]:
    """The number and hash of the last entry, as the head has them."""
    ((seq, digest),) = execute(queries.HEAD).fetchall()
    return seq, digest


def chained(prev: bytes, entry: Entry) -> bytes:
    """The hash of an entry that follows `prev`.

    Raises TypeError, ValueError or struct.error when a field is not what the journal writes.
    """
    if len(prev) != len(NOTHING):
        raise ValueError("a hash of another length")
    seq, at, what, message_id, delivery_id, detail = entry
    word = what.encode()
    absent = (message_id is None) + 2 * (delivery_id is None)
    head = _HEAD.pack(prev, seq, at, absent, message_id or 0, delivery_id or 0, len(word))
    return sha256(head + word + detail.encode()).digest()
