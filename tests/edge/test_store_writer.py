"""The writer's thread: what shares a commit, what a full or failing disk does, what two processes see."""

from __future__ import annotations

from threading import Event

import apsw
import pytest
from twisted.internet.defer import Deferred, gatherResults

from gateway.errors import StoreBroken, StoreFull
from gateway.message import Kind
from gateway.store import arrivals, site
from gateway.store.connection import writable
from gateway.store.sqlite import SqliteStore
from gateway.store.verify import verify
from gateway.store.writer import MOST
from tests.unit.store.samples import arrival, tried


@pytest.fixture
def path(tmp_path):
    return tmp_path / "wardline.db"


@pytest.fixture(params=["threads", "inline"])
def store(request, path):
    from twisted.internet import reactor

    told = []
    inline = request.param == "inline"
    opened = SqliteStore(path, reactor=reactor, inline=inline, reserve=0, on_broken=told.append)
    opened.told = told
    yield opened
    closed(opened)


def closed(store):
    from twisted.internet import reactor

    loop = reactor._asyncioEventloop
    loop.run_until_complete(store.close().asFuture(loop))


@pytest.fixture
def threaded(path):
    from twisted.internet import reactor

    opened = SqliteStore(path, reactor=reactor, reserve=0)
    yield opened
    closed(opened)


def ledger(store):
    return store._opened._ledger


def watch(store, action):
    """Runs `action(sql)` before each statement of the writer."""
    execute = ledger(store)._execute

    def watched(sql, *values):
        action(sql)
        return execute(sql, *values)

    ledger(store)._execute = watched


# -- sharing a commit


async def test_those_who_wait_share_one_commit(threaded):
    commits = []
    watch(threaded, lambda sql: commits.append(sql) if sql == "COMMIT" else None)

    await gatherResults([threaded.accept(arrival(f"A{n}", ipp=str(n))) for n in range(200)])

    assert len(commits) < 20


async def test_one_alone_does_not_wait_for_company(threaded):
    commits = []
    watch(threaded, lambda sql: commits.append(sql) if sql == "COMMIT" else None)

    await threaded.accept(arrival("A1"))
    assert len(commits) == 1
    await threaded.accept(arrival("A2"))
    assert len(commits) == 2


async def test_a_commit_is_never_larger_than_the_reactor_can_answer_at_once(threaded):
    sizes = []
    run = ledger(threaded).run
    ledger(threaded).run = lambda jobs, **how: sizes.append(len(jobs)) or run(jobs, **how)

    await gatherResults([threaded.note("n", at=1.0, detail={}) for _ in range(3 * MOST)])

    assert sum(sizes) == 3 * MOST
    assert max(sizes) <= MOST


async def test_a_claim_alone_needs_no_sync_but_spares_nobody_else_theirs(threaded):
    seen, run, held, hold = [], ledger(threaded).run, Event(), Event()
    ledger(threaded).run = lambda jobs, synced: (
        seen.append((len(jobs), synced)) or run(jobs, synced=synced)
    )
    claim = {"node": "n", "now": 100.0, "limit": 1}

    holding = threaded._writer.submit(lambda work: held.set() or hold.wait(5))
    assert held.wait(5)
    together = [threaded.claim("CARD/slip", **claim), threaded.accept(arrival())]
    hold.set()
    await gatherResults([holding, *together])
    await threaded.claim("CARD/slip", **claim)

    assert seen == [(1, True), (2, True), (1, False)]


async def test_answers_come_in_the_order_they_were_asked_for(threaded):
    order = []
    asked = [
        threaded.accept(arrival(f"A{n}", ipp=str(n))).addCallback(
            lambda accepted: order.append(accepted.message_id)
        )
        for n in range(50)
    ]
    await gatherResults(asked)

    assert order == list(range(1, 51))


async def test_whoever_hung_up_does_not_undo_what_was_sent(threaded):
    cancelled = threaded.accept(arrival())
    cancelled.addErrback(lambda failure: None)
    cancelled.cancel()
    await threaded.note("after", at=1.0, detail={})

    assert (await threaded.counts())["open"] == 1


async def test_one_job_that_fails_fails_alone(store, path):
    def broken_job(work):
        work.execute("INSERT INTO word VALUES (NULL, 1.0, 'x', 'x', 'x', '{}')")
        work.journal.append("x", at=1.0, detail={})
        raise ZeroDivisionError

    before = store.accept(arrival("A1"))
    failing = store._writer.submit(broken_job)
    nonsense = store._writer.submit(lambda work: work.execute("NONSENSE"))
    after = store.accept(arrival("A2"))

    with pytest.raises(ZeroDivisionError):
        await failing
    with pytest.raises(apsw.SQLError):
        await nonsense
    assert [(await before).message_id, (await after).message_id] == [1, 2]
    assert await store.words(after=0) == []
    assert store.told == []
    assert verify(path).ok, "what was undone left no hole in the chain"


def test_a_job_undone_within_its_batch_leaves_nothing_to_the_next(path):
    def begin_and_fail(work):
        site.begin_outage(work, at=1.0, reason="r", by="b")
        assert work.outage is not None
        raise ZeroDivisionError

    store = SqliteStore(path, inline=True, reserve=0)
    failed, accepted = ledger(store).run(
        [begin_and_fail, lambda work: arrivals.accept(work, arrival())]
    )

    assert failed.check(ZeroDivisionError)
    assert store.content(accepted.message_id).result.outage_id is None
    store.close()
    assert verify(path).ok


def test_a_merge_counts_for_the_next_in_its_batch(path):
    store = SqliteStore(path, inline=True, reserve=0)
    merge = arrival("M", ipp="NEW", kind=Kind.MOVEMENT, deliveries=(), merged="OLD")
    arriving = [arrival("A1", ipp="OLD"), merge, arrival("A2", ipp="OLD")]
    ledger(store).run([lambda work, a=a: arrivals.accept(work, a) for a in arriving])

    assert [d.patient_key for d in store.open_deliveries().result] == ["NEW", "NEW"]
    store.close()


async def test_after_closing_nothing_is_taken(path):
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor, reserve=0)
    last = store.accept(arrival())
    await store.close()

    assert (await last).message_id == 1, "what was asked for before is still done"
    with pytest.raises(StoreBroken):
        await store.accept(arrival("A2"))
    with pytest.raises(StoreBroken):
        await store.counts()


# -- a disk that is full


async def test_a_full_disk_refuses_and_takes_again_when_there_is_room(store):
    await store.accept(arrival("A1"))
    connection = ledger(store).connection
    pages = connection.pragma("page_count")
    connection.pragma("max_page_count", pages)

    large = arrival("A2", raw=b"x" * 100_000)
    with pytest.raises(StoreFull):
        await store.accept(large)
    assert await refused_together(store) == 3
    assert store.told == []

    connection.pragma("max_page_count", pages + 1000)
    assert not (await store.accept(large)).duplicate
    assert not store.changed(), "what was not written was written by nobody else"
    assert (await store.counts())["open"] == 2


async def test_a_commit_that_found_no_room_was_nobodys(store, path):
    failures = [apsw.FullError("full")]

    def no_room_once(sql):
        if sql == "COMMIT" and failures:
            raise failures.pop()

    watch(store, no_room_once)
    with pytest.raises(StoreFull):
        await store.accept(arrival("A1"))
    assert (await store.accept(arrival("A2"))).message_id == 1

    assert not store.changed()
    assert verify(path).ok


async def refused_together(store):
    """Everybody in a commit that fails is told so."""
    asked = [store.accept(arrival(f"B{n}", raw=b"x" * 100_000)) for n in range(3)]
    results = []
    for one in asked:
        one.addErrback(lambda failure: failure.trap(StoreFull) and results.append(failure))
        await one
    return len(results)


async def test_below_its_reserve_it_takes_nothing_new_but_ends_what_was_begun(path):
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor, reserve=0)
    await store.accept(arrival())
    await store.close()
    store = SqliteStore(path, reactor=reactor, reserve=2**62)

    accepting, claiming = (
        store.accept(arrival("A2")),
        store.claim("CARD/slip", node="n", now=100.0, limit=1),
    )
    with pytest.raises(StoreFull):
        await accepting
    (row,) = await claiming
    await store.settle(row, tried(row), at=101.0)

    assert (await store.counts())["delivered"] == 1
    await store.close()


async def test_a_store_that_another_process_holds_refuses_for_now(store, path):
    ledger(store).connection.set_busy_timeout(20)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreFull):
        await store.accept(arrival())
    other.execute("ROLLBACK")
    assert (await store.accept(arrival())).message_id == 1
    assert store.told == []
    other.close()


# -- a disk that fails


def failing_sync(sql):
    if sql == "COMMIT":
        error = apsw.IOError("disk I/O error")
        error.extendedresult = apsw.SQLITE_IOERR_FSYNC
        raise error


async def test_a_failed_sync_ends_everything_and_is_never_tried_again(store):
    await store.accept(arrival("A1"))
    commits = []
    watch(store, lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    watch(store, failing_sync)

    asked = [store.accept(arrival(f"B{n}")) for n in range(3)]
    for one in asked:
        with pytest.raises(StoreBroken):
            await one
    ledger(store)._execute = None  # whoever still wrote would fail otherwise than this
    with pytest.raises(StoreBroken):
        await store.note("after", at=1.0, detail={})

    assert commits == [], "the sync that failed was the last"
    assert len(store.told) == 1
    assert "\n" not in store.told[0]


async def test_what_is_already_on_disk_can_still_be_read_after_it_broke(store):
    await store.accept(arrival("A1"))
    watch(store, failing_sync)
    with pytest.raises(StoreBroken):
        await store.accept(arrival("A2"))

    assert (await store.counts())["open"] == 1


async def test_a_broken_store_is_closed_without_a_sync(path):
    store = SqliteStore(path, inline=True, reserve=0)
    store.accept(arrival())
    watch(store, failing_sync)
    with pytest.raises(StoreBroken):
        await store.accept(arrival("A2"))
    await store.close()

    assert path.with_name("wardline.db-wal").stat().st_size > 0, "the log was left as it was"
    again = SqliteStore(path, inline=True, reserve=0)
    assert [m["control_id"] for m in again.messages()] == ["A1"]
    again.close()


async def test_a_bug_in_the_writer_is_not_silence(threaded, monkeypatch):
    monkeypatch.setattr(ledger(threaded), "run", lambda jobs, **how: 1 / 0)

    with pytest.raises(StoreBroken):
        await threaded.accept(arrival())


# -- another process


async def test_a_word_said_by_another_process_is_heard(store, path):
    await store.accept(arrival())
    assert not store.changed()

    other = SqliteStore(path, inline=True, reserve=0)
    other.say(at=5.0, by="b", word="outage begin", reason="works", detail={})
    other.close()

    assert store.changed()
    assert [w.word for w in await store.words(after=0)] == ["outage begin"]
    assert not store.changed()


async def test_a_word_said_between_two_of_its_own_writes_is_heard(store, path):
    other = SqliteStore(path, inline=True, reserve=0)
    other.say(at=5.0, by="b", word="outage begin", reason="works", detail={})
    other.close()
    await store.accept(arrival())

    assert store.changed()


async def test_listening_to_others_never_waits(threaded):
    class Deaf:
        def execute(self, sql):
            raise apsw.BusyError("locked")

    assert threaded._opened._ear.pragma("busy_timeout") == 0
    ear, threaded._opened._ear = threaded._opened._ear, Deaf()
    assert not threaded.changed()
    threaded._opened._ear = ear


async def test_two_processes_write_one_chain(store, path):
    other = SqliteStore(path, inline=True, reserve=0)
    for number in range(20):
        asked = [store.accept(arrival(f"A{number}-{n}", ipp=f"{number}{n}")) for n in range(5)]
        other.say(at=5.0, by="b", word="w", reason="", detail={})
        await gatherResults(asked)
    other.close()

    verdict = verify(path)
    assert verdict.ok, verdict
    assert verdict.checked == 120


# -- the log


async def test_the_log_stays_within_its_bound_under_load(threaded, path):
    from gateway.store.checkpoint import BOUND

    log = path.with_name("wardline.db-wal")
    largest = 0
    for turn in range(40):
        batch = [
            threaded.accept(arrival(f"{turn}-{n}", ipp=f"{turn}{n}", raw=b"x" * 9000))
            for n in range(100)
        ]
        await gatherResults(batch)
        largest = max(largest, log.stat().st_size)

    assert largest < 2 * BOUND * 4096
    assert path.stat().st_size > 5 * 2**20, "what was committed reached the database"


async def test_what_is_committed_reaches_the_database_beside_the_writer(threaded, path):
    from twisted.internet import reactor
    from twisted.internet.task import deferLater

    from gateway.store.checkpoint import BEGIN, BOUND

    batch = [threaded.accept(arrival(f"A{n}", raw=b"x" * 9000)) for n in range(500)]
    await gatherResults(batch)
    log = path.with_name("wardline.db-wal").stat().st_size
    assert BEGIN * 4096 < log < BOUND * 4096, "the writer itself had no reason to"

    for _ in range(200):
        if path.stat().st_size > 2**21:
            break
        await deferLater(reactor, 0.02, lambda: None)
    assert path.stat().st_size > 2**21


async def test_a_reader_that_stays_does_not_stop_the_writer(threaded, path):
    await threaded.accept(arrival())
    reader = writable(path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM message").fetchall() == [(1,)]

    for turn in range(8):
        batch = [
            threaded.accept(arrival(f"{turn}-{n}", ipp=f"{turn}{n}", raw=b"x" * 9000))
            for n in range(100)
        ]
        await gatherResults(batch)

    assert reader.execute("SELECT count(*) FROM message").fetchall() == [(1,)]
    reader.execute("COMMIT")
    reader.close()
    assert (await threaded.counts())["open"] == 801


async def test_many_readers_and_writers_at_once_agree_in_the_end(threaded, path):
    results: list[Deferred[object]] = []
    for number in range(300):
        results.append(threaded.accept(arrival(f"A{number}", ipp=str(number))))
        results.append(threaded.lanes())
        results.append(threaded.whereabouts([str(number)]))
        if number % 50 == 0:
            results.append(threaded.claim("CARD/slip", node="n", now=100.0, limit=3))
    await gatherResults(results)

    open_rows = await threaded.open_deliveries()
    assert len(open_rows) == 300
    assert verify(path).ok
