"""No question the service asks while it works grows with the years a store has been in use."""

from __future__ import annotations

import re

import pytest

from gateway.store import migrate, queries, reads
from gateway.store.connection import writable

#: Tables that only ever grow, or that hold a row per patient.
LARGE = {"message", "content", "message_order", "delivery", "attempt", "journal", "whereabouts"}
#: Indexes of what is open now: as small as the work that is left.
SMALL = {
    "delivery_due",
    "delivery_claimed",
    "delivery_held",
    "delivery_patient",
    "delivery_quarantined",
    "attempt_under_way",
}
#: Read from one end and left after a few rows.
FROM_ONE_END = {"PURGEABLE", "LAST_AT"}

STATEMENTS = {
    name: sql
    for module in (queries, reads)
    for name, sql in vars(module).items()
    if name.isupper()
    and not name.startswith("_")
    and isinstance(sql, str)
    and sql.split()[0] in {"SELECT", "UPDATE", "DELETE", "WITH"}
}


@pytest.fixture(scope="module")
def connection():
    connection = writable(":memory:")
    migrate.migrate(connection)
    yield connection
    connection.close()


def values(sql):
    numbered = [int(n) for n in re.findall(r"\?(\d+)", sql)]
    return (None,) * (max(numbered) if numbered else sql.count("?"))


@pytest.mark.parametrize("name", STATEMENTS)
def test_it_walks_no_table_that_grows(connection, name):
    sql = STATEMENTS[name]
    aliases = dict(re.findall(r"(?:FROM|JOIN|UPDATE) (\w+) (?:INDEXED BY \w+ )?(\w)\b", sql))
    aliases = {short: table for table, short in aliases.items()}
    for _, _, _, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values(sql)):
        found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if found is None or name in FROM_ONE_END:
            continue
        table = aliases.get(found[1], found[1])
        assert table not in LARGE or found[2] in SMALL, step


def test_it_looks_at_them_all():
    assert len(STATEMENTS) > 40
