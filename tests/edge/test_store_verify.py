"""Whatever is changed behind the service's back, `journal verify` says so and where."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import apsw
import pytest

from gateway.delivery import Outcome, Purpose, State, Step
from gateway.message import Kind, Location, Patient
from gateway.store import Whereabouts
from gateway.store.connection import NoStore, StoreRefused
from gateway.store.journal import Entry, canonical, chained
from gateway.store.sqlite import SqliteStore
from gateway.store.verify import _verdict, verify
from tests.unit.store.samples import HANDBACK, RELAYED, arrival, ended, new, tried

NODE = "main"
COLUMNS = ("seq", "at", "what", "message_id", "delivery_id", "detail", "prev", "hash")


ANOTHER_MESSAGE = """
INSERT INTO message SELECT 99, intake, peer, received_at, format, sha256, 'Z', sender, kind, type,
priority, ward, patient_key, test, refused, reused, warnings, outage_id, 'recorded', 1.0
FROM message WHERE id = 3
"""


def an_eventful_day(store):
    """Every kind of entry the journal knows."""
    for number in range(8):
        result(store.accept(arrival(f"A{number}", ipp=str(number), steps=RELAYED)))
    result(store.accept(arrival("A0", ipp="0")))  # a duplicate
    lab = new("LAB", purpose=Purpose.NOTICE, steps=(Step(by="courier"),))
    result(store.accept(arrival("B", refused="PID: missing", deliveries=(lab,))))
    where = Whereabouts(patient=Patient(ipp="5"), location=Location(unit="X"), ward="", at=1.0)
    merge = arrival(
        "M", ipp="6", kind=Kind.MOVEMENT, deliveries=(), merged="5", order="", whereabouts=where
    )
    result(store.accept(merge))
    outage = result(store.begin_outage(at=105.0, reason="no answer", by="watch"))
    assert outage.id == 1
    for row in result(store.claim("platform", node=NODE, now=106.0, limit=5)):
        attempt = result(store.begin(row, device="platform", at=106.0, paper=False))
        after = tried(row, State.OPEN, due=107.0, step=1, step_since=107.0)
        uncertain = ended(attempt, Outcome.UNCERTAIN, detail="no answer")
        settled = store.settle(row, after, at=107.0, attempt=uncertain, extra=(HANDBACK,))
        result(settled)
    rows = result(store.claim("CARD/slip", node=NODE, now=108.0, limit=3))
    for row in rows[:2]:
        attempt = result(store.begin(row, device="cardio-slip", at=108.0, paper=True))
        result(store.settle(row, tried(row), at=109.0, attempt=ended(attempt, detail="GS ( H")))
    result(store.begin(rows[2], device="cardio-slip", at=109.0, paper=True))
    result(store.recover(node=NODE, now=110.0))
    result(store.confirm(sender=None, control_id="A3", at=111.0, proof="MSA AA A3"))
    result(store.release(now=112.0, limit=2))
    waiting = [d.id for d in result(store.open_deliveries(to="CARD"))][-1:]
    result(store.accept(arrival("S", ipp="", kind=Kind.NOTICE, supersedes=tuple(waiting))))
    result(store.say(at=113.0, by="b", word="outage end", reason="", detail={}))
    result(store.end_outage(at=114.0))
    result(store.accept(arrival("R", ipp="", deliveries=())))
    result(store.purge(before=120.0, limit=99))
    result(store.note("stopped", at=121.0, detail={"node": NODE}))


def result(deferred):
    return deferred.result


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "wardline.db"
    store = SqliteStore(path, inline=True, reserve=0)
    an_eventful_day(store)
    store.close()
    return path


@pytest.fixture
def opened(path):
    """The file without its guards, in a transaction that is never committed."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA foreign_keys = OFF; BEGIN")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {trigger}")
    yield connection
    connection.execute("ROLLBACK")
    connection.close()


def test_a_day_as_it_was_written_is_found_so(path):
    verdict = verify(path)

    assert verdict.ok, verdict
    assert verdict.checked > 40
    assert verdict.entry is None
    assert len(bytes.fromhex(verdict.head)) == 32


def words(connection):
    return {what for (what,) in connection.execute("SELECT DISTINCT what FROM journal")}


def test_every_entry_is_canonical_json(opened):
    for (detail,) in opened.execute("SELECT detail FROM journal"):
        assert detail == canonical(json.loads(detail))


def test_a_reprint_is_no_second_delivery(tmp_path):
    path = tmp_path / "wardline.db"
    store = SqliteStore(path, inline=True, reserve=0)
    result(store.accept(arrival()))
    (row,) = result(store.claim("CARD/slip", node=NODE, now=200.0, limit=1))
    for _ in range(2):
        attempt = result(store.begin(row, device="d", at=200.0, paper=True))
        after = tried(row) if row.state is State.SENDING else row
        row = result(store.settle(row, after, at=201.0, attempt=ended(attempt)))
    store.close()

    connection = apsw.Connection(str(path))
    said = [what for (what,) in connection.execute("SELECT what FROM journal ORDER BY seq")]
    connection.close()
    assert said == ["accepted", "attempt", "delivered", "attempt", "attempt ended"]
    assert verify(path).ok


def test_the_day_was_eventful(opened):
    assert words(opened) >= {
        "accepted", "refused", "duplicate", "merged", "attempt", "moved", "owed", "delivered",
        "confirmed", "withdrawn", "superseded", "outage began", "outage ended", "said", "purged",
    }  # fmt: skip


def tampered(value, chance):
    """Another value of the same kind."""
    if isinstance(value, int):
        return chance.choice([value + 1, value - 1, value + 1000, -value - 1])
    if isinstance(value, float):
        return chance.choice([math.nextafter(value, 0), value + 1.0, -value - 1.0])
    if isinstance(value, str):
        place = chance.randrange(len(value) + 1)
        return value[:place] + chance.choice("x0 \x00é") + value[place:]
    if isinstance(value, bytes):
        place, bit = chance.randrange(len(value)), chance.randrange(8)
        flipped = bytes([value[place] ^ 1 << bit])
        return chance.choice([value[:place] + flipped + value[place + 1 :], value[:-1]])
    return 1  # of None


def change(connection, chance, last):
    """Change one column of one entry; the entry that must be named."""
    seq, column = chance.randint(1, last), chance.choice(COLUMNS)
    (value,) = connection.execute(f"SELECT {column} FROM journal WHERE seq = ?", (seq,)).fetchone()
    other = tampered(value, chance)
    if column == "seq" and 1 <= other <= last:
        return swap(connection, seq, other)
    connection.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", (other, seq))
    return min(seq, other) if column == "seq" else seq


def swap(connection, one, other):
    connection.execute("UPDATE journal SET seq = -1 WHERE seq = ?", (one,))
    connection.execute("UPDATE journal SET seq = ? WHERE seq = ?", (one, other))
    connection.execute("UPDATE journal SET seq = ? WHERE seq = -1", (other,))
    return min(one, other)


def remove(connection, chance, last):
    seq = chance.randint(1, last)
    connection.execute("DELETE FROM journal WHERE seq = ?", (seq,))
    return seq


def shorten(connection, chance, last):
    seq = chance.randint(1, last)
    connection.execute("DELETE FROM journal WHERE seq >= ?", (seq,))
    return seq


def reorder(connection, chance, last):
    one, other = chance.sample(range(1, last + 1), 2)
    return swap(connection, one, other)


def add(connection, chance, last):
    """A well-made entry after the last one."""
    (end,) = connection.execute("SELECT hash FROM journal WHERE seq = ?", (last,)).fetchone()
    entry = Entry(last + 1, 200.0, "note", None, None, "{}")
    row = (*entry, end, chained(end, entry))
    connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return last + 1


def rewrite(connection, chance, last):
    """An entry changed together with its own hash: the next one no longer follows it."""
    seq = chance.randint(1, last - 1)
    row = connection.execute("SELECT * FROM journal WHERE seq = ?", (seq,)).fetchone()
    entry = Entry(*row[:6])._replace(at=row[1] + 1.0)
    values = (entry.at, chained(row[6], entry), seq)
    connection.execute("UPDATE journal SET at = ?, hash = ? WHERE seq = ?", values)
    return seq


def test_a_thousand_tamperings_are_all_found_and_named(opened):
    chance = random.Random(17)
    last = opened.execute("SELECT max(seq) FROM journal").fetchone()[0]
    ways = [change] * 6 + [remove, shorten, reorder, add, rewrite]
    for _ in range(1000):
        way = chance.choice(ways)
        opened.execute("SAVEPOINT tampering")
        wanted = way(opened, chance, last)
        verdict = _verdict(opened)
        assert not verdict.ok, f"{way.__name__} at {wanted}"
        assert verdict.entry == wanted, f"{way.__name__}: {verdict}"
        opened.execute("ROLLBACK TO tampering; RELEASE tampering")
    assert _verdict(opened).ok


@pytest.mark.parametrize(
    ("tampering", "reason"),
    [
        ("UPDATE content SET raw = CAST(raw || 'x' AS BLOB)", "the bytes of its message 1"),
        ("DELETE FROM content WHERE message_id = 3", "the bytes of its message 3 are gone"),
        ("UPDATE message SET sha256 = zeroblob(32) WHERE id = 3", "its message 3 was changed"),
        ("UPDATE message SET control_id = 'Z' WHERE id = 3", "its message 3 was changed"),
        ("UPDATE message SET sender = 'Z' WHERE id = 3", "its message 3 was changed"),
        ("UPDATE message SET ward = 'Z' WHERE id = 3", "its message 3 was changed"),
        ("DELETE FROM message WHERE id = 3", "its message 3 is gone"),
        ("UPDATE message SET state = 'delivered' WHERE state = 'open'", "the state of message"),
        (ANOTHER_MESSAGE, "message 99 was never accepted"),
        ("UPDATE delivery SET state = 'delivered' WHERE state = 'open'", "its delivery"),
        ("UPDATE delivery SET state = 'open' WHERE id = 1", "its delivery 1 was changed"),
        ("UPDATE delivery SET state = 'nonsense' WHERE id = 1", "its delivery 1 was changed"),
        ("UPDATE delivery SET recipient = 'NEURO' WHERE id = 4", "its delivery 4"),
        ("UPDATE delivery SET purpose = 'nonsense' WHERE id = 4", "the state of message 4"),
        ("DELETE FROM delivery WHERE id = 4", "its delivery 4 is gone"),
        ("UPDATE delivery SET slip = 77 WHERE slip = 2", "its delivery"),
        ("UPDATE attempt SET outcome = 'delivered' WHERE id = 1", "its attempt 1 was changed"),
        ("UPDATE attempt SET outcome = NULL WHERE id = 1", "its attempt 1 was changed"),
        ("UPDATE attempt SET device = 'neuro-slip' WHERE id = 1", "its attempt 1 is gone or"),
        ("UPDATE attempt SET slip = 9 WHERE slip = 1", "is gone or was changed"),
        ("DELETE FROM attempt WHERE id = 1", "its attempt 1 is gone"),
        ("INSERT INTO attempt VALUES (99, 1, 'slip', 'd', 1.0, 2.0, 'delivered', '', NULL, 0)",
         "attempt 99 stands in no entry"),
        ("UPDATE head SET hash = zeroblob(32)", "head is not this entry's"),
        ("UPDATE head SET seq = seq + 1", "it was removed"),
        ("UPDATE head SET seq = seq - 1", "it was added"),
        ("DELETE FROM head", "lost its head"),
    ],
)  # fmt: skip
def test_what_the_entries_speak_of_is_held_against_them(opened, tampering, reason):
    opened.execute(tampering)
    assert opened.changes() >= 1, "this tampering tampers with nothing"

    verdict = _verdict(opened)

    assert not verdict.ok
    assert reason in verdict.reason
    assert verdict.entry is not None


def test_the_journal_itself_lets_nobody_change_or_shorten_it(path):
    connection = apsw.Connection(str(path))
    for forbidden in ("UPDATE journal SET at = 0", "DELETE FROM journal WHERE seq > 5"):
        with pytest.raises(apsw.ConstraintError):
            connection.execute(forbidden)
    connection.close()
    assert verify(path).ok


async def test_it_can_be_checked_while_the_service_writes(tmp_path):
    from twisted.internet import reactor
    from twisted.internet.defer import gatherResults
    from twisted.internet.threads import deferToThread

    path = tmp_path / "wardline.db"
    store = SqliteStore(path, reactor=reactor, reserve=0)
    await store.accept(arrival())
    verdicts = []
    for turn in range(3):
        writes = [store.accept(arrival(f"{turn}-{n}", ipp=str(n))) for n in range(200)]
        verdicts.append(await deferToThread(verify, path))
        await gatherResults(writes)
    await store.close()

    assert all(v.ok for v in verdicts), verdicts
    assert verify(path).checked == 601


def test_no_patients_text_is_in_the_journal(tmp_path):
    store = SqliteStore(tmp_path / "wardline.db", inline=True, reserve=0)
    an_eventful_day(store)
    store.close()
    connection = apsw.Connection(str(tmp_path / "wardline.db"))
    for row in connection.execute("SELECT * FROM journal"):
        assert "LEF" not in str(row)
        assert "69102274" not in str(row)
        assert "OBX" not in str(row)
    connection.close()


def test_without_a_store_it_says_so_in_one_line(tmp_path):
    with pytest.raises(NoStore) as missing:
        verify(tmp_path / "nothing.db")
    assert "\n" not in str(missing.value)


def test_a_damaged_file_is_said_to_be_damaged(path, tmp_path):
    damaged = tmp_path / "damaged.db"
    raw = bytearray(path.read_bytes())
    for place in range(4096, len(raw), 4096):
        raw[place : place + 64] = b"\xff" * 64
    damaged.write_bytes(raw)

    with pytest.raises(StoreRefused) as refused:
        verify(damaged)
    assert "\n" not in str(refused.value)


def test_the_first_of_several_is_named(opened):
    opened.execute("UPDATE journal SET at = at + 1 WHERE seq IN (5, 9)")
    opened.execute("UPDATE delivery SET state = 'refused' WHERE id = 1")

    verdict = _verdict(opened)
    assert (verdict.entry, verdict.checked) == (5, 4)
    assert replace(verdict, ok=True) != verdict
