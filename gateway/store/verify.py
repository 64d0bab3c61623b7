"""Whether the journal, and what it says of messages and deliveries, is still as it was written."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import apsw

from gateway.store import migrate
from gateway.store.connection import Path_, StoreRefused, readable
from gateway.store.journal import NOTHING, Entry, chain_end, chained
from gateway.store.proof import Altered, Proof

_ENTRIES = """
SELECT seq, at, what, message_id, delivery_id, detail, prev, hash FROM journal ORDER BY seq
"""
_UNREADABLE = (TypeError, ValueError, AttributeError, OverflowError, struct.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`entry` is the first that was altered, None when all is well; `reason` says how, in one line."""

    ok: bool
    checked: int  # entries found as they were written
    head: str  # hash of the last of them, in hex: to compare with one that was printed
    entry: int | None = None
    reason: str = ""


def verify(path: Path_) -> Verdict:
    """Read the whole journal once, beside a running service or without it.

    It finds an entry that was changed, removed, inserted or put elsewhere, a journal that was
    shortened, a message whose bytes are no longer those accepted, and a delivery, an attempt or a
    slip number that contradicts the last word on it. Who can write the file could also write the
    whole chain anew: against that only a head kept elsewhere (printed on paper) helps.

    Raises NoStore or StoreRefused when there is nothing that can be read.
    """
    connection = readable(path)
    try:
        migrate.check(connection)
        connection.execute("BEGIN")  # one moment of the store, whatever is written meanwhile
        return _verdict(connection)
    except apsw.Error as error:
        raise StoreRefused(f"{path}: cannot read the store: {error}") from error
    finally:
        connection.close()


def _verdict(connection: apsw.Connection) -> Verdict:
    seq, digest = 0, NOTHING
    proof = Proof(connection)
    try:
        for entry, following in _chain(connection):
            seq, digest = entry.seq, following
            proof.hear(entry)
        _at_head(connection, seq, digest)
        proof.compare()
    except Altered as altered:
        return Verdict(
            ok=False,
            checked=min(seq, altered.entry - 1),
            head=digest.hex(),
            entry=altered.entry,
            reason=altered.reason,
        )
    return Verdict(ok=True, checked=seq, head=digest.hex())


def _chain(connection: apsw.Connection) -> Iterator[tuple[Entry, bytes]]:
    """Each entry with its hash. Raises Altered at the first that is not what was written there."""
    last, end = 0, NOTHING
    for row in connection.execute(_ENTRIES):
        entry, prev, found = Entry(*row[:6]), row[6], row[7]
        if entry.seq > last + 1:
            raise Altered(last + 1, "it was removed")
        if entry.seq <= last:
            raise Altered(entry.seq, "it was inserted")
        if found != _expected(prev, entry):
            raise Altered(entry.seq, "it was changed")
        if prev != end:
            # It agrees with itself, so the one before it is not the one it was written after.
            raise Altered(max(last, 1), "it was replaced")
        last, end = entry.seq, found
        yield entry, found


def _expected(prev: bytes, entry: Entry) -> bytes | None:
    try:
        return chained(prev, entry)
    except _UNREADABLE:
        return None


def _at_head(connection: apsw.Connection, seq: int, digest: bytes) -> None:
    try:
        head, expected = chain_end(connection.execute)
    except ValueError:
        raise Altered(seq, "the journal has lost its head") from None
    if head > seq:
        raise Altered(seq + 1, "it was removed, and all after it")
    if head < seq:
        raise Altered(head + 1, "it was added")
    if expected != digest:
        raise Altered(seq, "the journal's head is not this entry's")
