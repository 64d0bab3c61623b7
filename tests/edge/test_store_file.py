"""The store's file: who may read it, what is refused, what a newer program does to it."""

from __future__ import annotations

import os
import stat

import apsw
import pytest

from gateway.delivery import State
from gateway.store import migrate, views
from gateway.store.connection import NoStore, StoreRefused, readable, writable
from gateway.store.sqlite import SqliteStore
from gateway.store.verify import verify
from tests.unit.store.samples import arrival, tried

NEXT = "CREATE TABLE another (id INTEGER PRIMARY KEY) STRICT; INSERT INTO another VALUES (7);"
NEWEST = len(migrate.history())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "wardline.db"


@pytest.fixture
def used(path):
    """A store that has been used and closed."""
    store = SqliteStore(path, inline=True, reserve=0)
    store.accept(arrival())
    store.close()
    return path


# -- the file


def test_only_its_owner_can_read_it(path):
    before = os.umask(0)
    try:
        store = SqliteStore(path, inline=True, reserve=0)
        store.accept(arrival())
    finally:
        os.umask(before)

    assert mode(path.parent) == 0o700
    files = sorted(path.parent.iterdir())
    assert [f.name for f in files] == ["wardline.db", "wardline.db-shm", "wardline.db-wal"]
    assert {mode(f) for f in files} == {0o600}
    store.close()


def test_a_file_that_others_could_read_no_longer_can_be(used):
    used.chmod(0o664)
    SqliteStore(used, inline=True).close()

    assert mode(used) == 0o600


def test_every_commit_is_synced_and_nothing_is_mapped(path):
    connection = writable(path)
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2  # FULL
    assert connection.pragma("foreign_keys") == 1
    assert connection.pragma("mmap_size") == 0
    connection.close()


def test_a_clean_close_leaves_one_file_with_everything_in_it(used):
    assert [f.name for f in used.parent.iterdir()] == ["wardline.db"]
    assert views.messages(used)[0]["control_id"] == "A1"


def test_what_was_written_is_there_when_it_is_opened_again(used):
    store = SqliteStore(used, inline=True, reserve=0)

    assert store.accept(arrival()).result.duplicate
    assert store.accept(arrival("A2")).result.message_id == 2
    store.close()
    assert verify(used).ok


@pytest.mark.parametrize(
    "content", [b"not a database " * 99, b"SQLite format 3\0" + b"\xff" * 4080]
)
def test_what_is_not_a_store_is_refused_in_one_line(path, content):
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(StoreRefused) as refused:
        SqliteStore(path, inline=True)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == content


def test_a_place_that_cannot_hold_a_store_is_refused_in_one_line(tmp_path):
    (tmp_path / "var").write_text("a file where a folder should be")

    with pytest.raises(StoreRefused) as refused:
        SqliteStore(tmp_path / "var" / "wardline.db", inline=True)
    assert "\n" not in str(refused.value)


def test_a_reader_cannot_write(used):
    connection = readable(used)
    with pytest.raises(apsw.ReadOnlyError):
        connection.execute("DELETE FROM message")
    connection.close()


def test_reading_makes_no_store(path):
    with pytest.raises(NoStore):
        readable(path)
    assert not path.parent.exists()


# -- its versions


def test_every_version_can_be_brought_up_to_the_newest(path):
    path.parent.mkdir()
    steps = migrate.history()
    for start in range(len(steps) + 1):
        old = path.with_name(f"from-{start}.db")
        connection = writable(old)
        migrate.migrate(connection, steps=steps[:start])
        assert migrate.version(connection) == start
        connection.close()

        store = SqliteStore(old, inline=True, reserve=0)
        assert store.accept(arrival()).result.message_id == 1
        store.close()
        assert verify(old).ok


def test_all_ways_up_lead_to_one_schema(path):
    path.parent.mkdir()
    steps = (*migrate.history(), NEXT)
    schemas = set()
    for start in range(len(steps) + 1):
        connection = writable(path.with_name(f"from-{start}.db"))
        migrate.migrate(connection, steps=steps[:start])
        migrate.migrate(connection, steps=steps)
        found = connection.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()
        schemas.add(tuple(found))
        connection.close()

    assert len(schemas) == 1


def test_before_an_upgrade_the_file_is_copied_as_it_was(used):
    connection = writable(used)
    moment = 1_795_000_000.0  # 18 November 2026
    migrate.migrate(connection, moment=moment, steps=(*migrate.history(), NEXT))
    assert connection.execute("SELECT id FROM another").fetchall() == [(7,)]
    connection.close()

    copy = used.with_name(f"wardline.db.v{NEWEST}-20261118.bak")
    assert mode(copy) == 0o600
    assert verify(copy).ok
    assert views.messages(copy)[0]["control_id"] == "A1"


def test_a_second_copy_of_one_day_spares_the_first(used):
    for _ in range(2):
        connection = writable(used)
        migrate.migrate(connection, moment=0.0, steps=(*migrate.history(), NEXT))
        connection.execute(f"DROP TABLE another; PRAGMA user_version = {NEWEST}")
        connection.close()

    names = sorted(f.name for f in used.parent.iterdir() if f.name.endswith(".bak"))
    assert names == [f"wardline.db.v{NEWEST}-19700101{n}.bak" for n in ("-2", "")]


def test_an_upgrade_finds_again_which_summary_stands_for_what(used):
    store = SqliteStore(used, inline=True, reserve=0)
    (waiting,) = store.open_deliveries(to="CARD").result
    summary = store.accept(arrival("S1", supersedes=(waiting.id,))).result
    store.close()
    connection = writable(used)
    connection.execute(
        "DROP TABLE stand_in; DROP INDEX message_result; DROP INDEX whereabouts_ward;"
        "DROP TABLE acknowledgement; DROP TABLE memory; ALTER TABLE delivery DROP COLUMN beside;"
        "DROP INDEX delivery_quarantined; DROP INDEX message_critical; DROP TABLE keyed_number;"
        "DROP INDEX message_dictation;"
        "PRAGMA user_version = 1"
    )
    connection.close()

    store = SqliteStore(used, inline=True, reserve=0)
    (fate, stand_in) = store.fates(waiting.message_id).result
    store.close()

    assert fate.delivery.state is State.SUPERSEDED
    assert stand_in.delivery.message_id == summary.message_id


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(used):
    connection = writable(used)
    with pytest.raises(apsw.SQLError):
        migrate.migrate(connection, steps=(*migrate.history(), NEXT + "NONSENSE;"))
    assert migrate.version(connection) == NEWEST
    assert not connection.table_exists("main", "another")
    connection.close()


def test_a_file_of_a_newer_program_is_refused_in_one_line_and_left_alone(used):
    connection = writable(used)
    migrate.migrate(connection, steps=(*migrate.history(), NEXT))
    connection.close()

    for attempt in (lambda: SqliteStore(used, inline=True), lambda: views.status(used)):
        with pytest.raises(StoreRefused) as refused:
            attempt()
        assert "newer" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_reader_upgrades_nothing(path):
    writable(path).close()

    with pytest.raises(StoreRefused):
        views.status(path)
    assert migrate.version(readable(path)) == 0


# -- what the command line sees


def test_without_a_store_it_says_so_in_one_line(path):
    for view in (views.status, views.messages, views.report):
        with pytest.raises(NoStore) as missing:
            view(path)
        assert "\n" not in str(missing.value)


def test_a_store_that_was_never_used_has_a_status(path):
    SqliteStore(path, inline=True).close()

    status = views.status(path)
    assert status["platform"]["state"] == "suspect"
    assert status["counts"] == {
        "open": 0, "delivered": 0, "superseded": 0, "refused": 0, "recorded": 0,
    }  # fmt: skip
    assert status["journal"] == {"seq": 0, "hash": "00" * 32}
    assert status["outage"] is None


def test_status_tells_of_platform_devices_and_the_open_outage(path):
    from gateway.store import DeviceRow, PlatformRow

    store = SqliteStore(path, inline=True)
    store.save_platform(PlatformRow(state="down", since=5.0, reason="no answer", by="b"))
    store.save_device(
        DeviceRow(name="cardio-slip", state="trouble", reasons=("media-empty",), since=6.0)
    )
    store.begin_outage(at=7.0, reason="no answer", by="b")

    status = views.status(path)
    assert status["platform"] == {
        "state": "down", "since": "1970-01-01T00:00:05.000+00:00", "reason": "no answer", "by": "b",
    }  # fmt: skip
    assert status["devices"]["cardio-slip"]["state"] == "trouble"
    assert status["devices"]["cardio-slip"]["reasons"] == ["media-empty"]
    assert status["outage"]["id"] == 1
    assert status["journal"]["seq"] == 3
    store.close()


def test_a_report_says_who_received_what_and_what_nobody_did(path):
    store = SqliteStore(path, inline=True, reserve=0)
    store.accept(arrival("A0", ipp="0", deliveries=()))
    store.begin_outage(at=150.0, reason="no answer", by="watch")
    for number in (1, 2):
        store.accept(arrival(f"A{number}", ipp=str(number), at=160.0))
    row = store.claim("CARD/slip", node="n", now=200.0, limit=1).result[0]
    store.settle(row, tried(row, State.DELIVERED), at=201.0)
    store.accept(arrival("A3", ipp="3", deliveries=()))
    store.end_outage(at=300.0)

    report = views.report(path)
    assert report["outage"]["reason"] == "no answer"
    assert report["counts"]["delivered"] == 1
    assert report["nobody"] == [3]
    assert [m["control_id"] for m in report["messages"]] == ["A1", "A2", "A3"]
    assert report["messages"][0]["raw"] == arrival("A1").raw
    store.purge(before=1000.0, limit=9)
    assert views.report(path, 1)["messages"][0]["raw"] is None
    store.close()


def test_without_an_outage_there_is_no_report(used):
    with pytest.raises(LookupError) as missing:
        views.report(used)
    assert "\n" not in str(missing.value)
    with pytest.raises(LookupError):
        views.report(used, 5)


async def test_the_command_line_sees_what_the_running_service_has_committed(path):
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor, reserve=0)
    await store.accept(arrival())

    assert [m["control_id"] for m in views.messages(path)] == ["A1"]
    assert views.status(path)["counts"]["open"] == 1
    assert views.messages(path, "A2") == []
    await store.close()
