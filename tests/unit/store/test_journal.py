from __future__ import annotations

import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store import queries
from gateway.store.journal import NOTHING, Entry, Journal, chained

ENTRY = Entry(7, 1.5, "accepted", 3, None, '{"a":1}')
NUMBERS = st.one_of(st.none(), st.integers(0, 2**40))
ENTRIES = st.builds(
    Entry,
    st.integers(1, 2**40),
    st.floats(0, 4e9),
    st.text("abé", max_size=4),
    NUMBERS,
    NUMBERS,
    st.text('{"a":1}é', max_size=8),
)


@dataclass
class Table:
    """Stands for the database: a head and the rows appended."""

    head: tuple[int, bytes] = (0, NOTHING)
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def execute(self, sql, values=()):
        if sql == queries.JOURNAL_APPEND:
            self.rows.append(values)
        elif sql == queries.HEAD_MOVE:
            self.head = values
        return self

    def fetchall(self):
        return [self.head]


@given(ENTRIES, ENTRIES)
def test_two_different_entries_never_have_one_hash(one, other):
    assert (chained(NOTHING, one) == chained(NOTHING, other)) == (one == other)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 8},
        {"at": 1.5000001},
        {"what": "refused"},
        {"message_id": None},
        {"message_id": 0},
        {"delivery_id": 0},
        {"what": "accepted{", "detail": '"a":1}'},
        {"message_id": None, "delivery_id": 3},
        {"detail": '{"a": 1}'},
    ],
)
def test_every_field_counts_and_nothing_slips_from_one_into_the_next(change):
    assert chained(NOTHING, ENTRY._replace(**change)) != chained(NOTHING, ENTRY)


def test_the_entry_before_counts():
    assert chained(bytes(31) + b"\1", ENTRY) != chained(NOTHING, ENTRY)


@pytest.mark.parametrize(
    ("prev", "change"),
    [(b"", {}), (NOTHING, {"seq": "7"}), (NOTHING, {"at": "x"}), (NOTHING, {"what": b"x"})],
)
def test_what_the_journal_never_writes_has_no_hash(prev, change):
    with pytest.raises((TypeError, ValueError, AttributeError, struct.error)):
        chained(prev, ENTRY._replace(**change))


def test_entries_follow_one_another_and_the_head_moves_once():
    table = Table()
    journal = Journal(table.execute)
    for number in range(3):
        journal.append("note", at=float(number), detail={"n": number})
    assert table.head == (0, NOTHING)
    journal.close()

    assert [row[0] for row in table.rows] == [1, 2, 3]
    assert table.rows[0][-2] == NOTHING
    assert [row[-2] for row in table.rows[1:]] == [row[-1] for row in table.rows[:-1]]
    assert table.head == (3, table.rows[-1][-1])


def test_a_transaction_without_acts_leaves_the_head_alone():
    table = Table(head=(4, b"x" * 32))
    Journal(table.execute).close()

    assert table.head == (4, b"x" * 32)


def test_detail_is_written_one_way_only():
    table = Table()
    journal = Journal(table.execute)
    journal.append("note", at=1, detail={"b": "é", "a": [1, None]})

    assert table.rows[0][5] == '{"a":[1,null],"b":"\\u00e9"}'
    assert table.rows[0][1] == 1.0


def test_what_was_rolled_back_was_never_written():
    journal = Journal(Table().execute)
    journal.append("note", at=1.0, detail={})
    mark = journal.mark
    journal.append("note", at=2.0, detail={})
    journal.back_to(mark)

    assert journal.seq == 1
