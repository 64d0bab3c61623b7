"""What one message costs the store: statements and commits are counted, never timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import pytest

from gateway.delivery import State
from gateway.store.sqlite import SqliteStore
from tests.unit.store.samples import arrival, ended, tried

#: Around whatever a transaction holds, once another process has not written: begin, the head, commit.
AROUND = 3


@pytest.fixture
def store():
    """Its first transaction has been: nothing need be looked up any more."""
    kept = SqliteStore(":memory:", inline=True)
    kept.accept(arrival("A0", raw=b"0"))
    return kept


@contextmanager
def counting(store) -> Iterator[list[str]]:
    """The statements run, triggers left out."""
    connection = store._opened.writer._ledger.connection
    ran: list[str] = []

    def hear(event) -> None:
        if not event["trigger"] and not event["sql"].startswith("PRAGMA"):
            ran.append(" ".join(event["sql"].split()))

    connection.trace_v2(apsw.SQLITE_TRACE_STMT, hear)
    yield ran
    connection.trace_v2(0, None)


def test_accepting_takes_six_statements_and_one_commit(store):
    with counting(store) as ran:
        store.accept(arrival("A1", raw=b"1"))

    assert ran.count("COMMIT") == 1
    words = [" ".join(sql.split()[:3]) for sql in ran]
    assert words == [
        "BEGIN IMMEDIATE",
        "SELECT id, sha256",
        "INSERT INTO message",
        "INSERT INTO content",
        "INSERT OR IGNORE",
        "INSERT INTO delivery",
        "INSERT INTO journal",
        "UPDATE head SET",
        "COMMIT",
    ]


def test_a_slip_takes_three_transactions_and_seventeen_statements(store):
    with counting(store) as ran:
        (row,) = store.claim("CARD/slip", node="n", now=100.0, limit=1).result
    # lapsed claims, what is due, the patient's first, the claim; nothing for the journal
    assert len(ran) == 2 + 4

    with counting(store) as ran:
        attempt = store.begin(row, device="d", at=101.0, paper=True).result
    # its slip so far, the next number, the attempt, the claim renewed, the journal
    assert len(ran) == AROUND + 5

    with counting(store) as ran:
        after = store.settle(row, tried(row), at=102.0, attempt=ended(attempt)).result
    # the attempt's end, the move, the journal, how the message stands, its deliveries, its new state
    assert after.state is State.DELIVERED
    assert len(ran) == AROUND + 6


def test_a_claim_that_finds_nothing_asks_twice(store):
    with counting(store) as ran:
        assert store.claim("CHIR/slip", node="n", now=100.0, limit=1).result == []

    assert len(ran) == 2 + 2


def test_what_is_known_is_looked_up_again_once_another_process_has_written(tmp_path):
    kept, other = (SqliteStore(tmp_path / "store.db", inline=True) for _ in range(2))
    kept.accept(arrival("A0", raw=b"0"))
    elsewhere = other.accept(arrival("A1", raw=b"1")).result

    with counting(kept) as ran:
        here = kept.accept(arrival("A2", raw=b"2")).result

    assert len(ran) == AROUND + 6 + 4  # the head, the merges, the outage, the last delivery
    assert [d.id for d in (*elsewhere.deliveries, *here.deliveries)] == [2, 3]
    kept.close(), other.close()
