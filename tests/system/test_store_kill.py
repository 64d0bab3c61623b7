"""The store is killed, and its disk fails, at one system call after another: nothing acknowledged is lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter

import pytest

from gateway.store.sqlite import SqliteStore
from gateway.store.verify import verify
from tests.system.store_nursery import ALL, Nursery, acked, check, empty_store, said, traced
from tests.unit.store.samples import arrival

pytestmark = pytest.mark.system

#: Every n-th write is tried; WARDLINE_EVERY_CALL=1 tries each.
EVERY = 1 if os.environ.get("WARDLINE_EVERY_CALL") else 11


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    nursery = Nursery(tmp_path_factory.mktemp("store"))
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return empty_store(tmp_path_factory.mktemp("empty"))


def killed_at(nursery, call, *, every, store=None):
    """Kill a child at each `every`-th `call` until one outlives its work; what each left."""
    outcomes = Counter()
    number = 1
    while True:
        inject = f"inject={call}:signal=KILL:when={number}"
        folder, code = nursery.run("-e", f"trace={call}", "-e", inject, store=store)
        found = check(folder)
        if code == 0:
            assert len(acked(folder)) == found == ALL
            return outcomes
        assert code == -9
        outcomes["killed"] += 1
        outcomes["stored but not acknowledged"] += found - len(acked(folder))
        shutil.rmtree(folder)
        number += every


@traced
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_killed_at_any_write_or_sync_it_loses_nothing_it_acknowledged(nursery, empty, call):
    outcomes = killed_at(nursery, call, every=EVERY if call == "pwrite64" else 1, store=empty)

    assert outcomes["killed"] >= 8, "too few points to mean anything"
    print(call, dict(outcomes))


@traced
def test_killed_while_it_makes_its_file_it_can_make_it_again(nursery):
    outcomes = killed_at(nursery, "pwrite64", every=EVERY if EVERY == 1 else 5 * EVERY)

    assert outcomes["killed"] >= 3


@traced
@pytest.mark.parametrize("number", [1, 6, 12])
def test_after_a_failed_sync_it_acknowledges_nothing_more_and_syncs_no_more(nursery, empty, number):
    folder, code = nursery.run(
        "-yy", "-e", "trace=fdatasync", "-e", f"inject=fdatasync:error=EIO:when={number}",
        store=empty,
    )  # fmt: skip
    trace = (folder / "trace").read_text().splitlines()
    failed = next(n for n, line in enumerate(trace) if "EIO" in line)
    log = [line for line in trace[failed + 1 :] if "-wal" in line]

    assert code == 70
    assert said(folder)[-1] == ["broken"]
    assert len(acked(folder)) < ALL
    assert number == 1 or acked(folder)
    assert log == [], "a sync was tried again"
    check(folder)


@traced
@pytest.mark.parametrize("number", [20, 60, 100])
def test_without_room_it_refuses_and_goes_on_when_there_is_room(nursery, empty, number):
    inject = f"inject=pwrite64:error=ENOSPC:when={number}..{number + 6}"
    folder, code = nursery.run("-e", "trace=pwrite64", "-e", inject, store=empty)
    refused = [words[1] for words in said(folder) if words[0] == "full"]

    assert code == 0
    assert said(folder)[-1] == ["closed"]
    assert refused, "nothing was refused: the fault hit nothing"
    assert not set(refused) & set(acked(folder)), "refused and acknowledged"
    assert len(refused) + len(acked(folder)) == ALL
    check(folder)


@traced
def test_every_acknowledgement_comes_after_the_sync_of_what_it_acknowledges(nursery, empty):
    folder, code = nursery.run(
        "-yy", "-s", "8192", "-e", "trace=pwrite64,fdatasync,write", store=empty
    )
    assert code == 0
    written, synced, told = {}, 0, 0
    for number, line in enumerate((folder / "trace").read_text().splitlines(), start=1):
        if "pwrite64(" in line and "-wal" in line:
            for control_id in re.findall(r"K\d{6}K", line):
                written.setdefault(control_id, number)
        elif "fdatasync" in line and line.endswith("= 0") and begins_before(line, folder, number):
            synced = number
        elif "write(" in line and "acked K" in line:
            (control_id,) = re.findall(r"acked (K\d{6}K)", line)
            assert written[control_id] < synced < number, f"{control_id} was told too early"
            told += 1
    assert told == ALL


def begins_before(line, folder, number):
    """A sync that was interrupted in the trace counts where it ended; it is of the log either way."""
    return "-wal" in line or "resumed" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_disk_that_is_really_full_refuses_and_takes_again(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small disk here")
    try:
        fill_and_go_on(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill_and_go_on(disk):
    from gateway.errors import StoreFull

    path, ballast = disk / "wardline.db", disk / "ballast"
    broken = []
    store = SqliteStore(path, inline=True, reserve=0, on_broken=broken.append)
    ballast.write_bytes(bytes(2**20))
    taken, refused = [], 0
    for number in range(1000):
        done = store.accept(arrival(f"A{number}", raw=b"x" * 20_000 + str(number).encode()))
        failed = []
        done.addErrback(lambda failure, failed=failed: failed.append(failure.trap(StoreFull)))
        refused += len(failed)
        if not failed:
            taken.append(number)
        if refused == 5:
            break
    assert refused == 5
    assert len(taken) > 10

    ballast.unlink()
    assert not store.accept(arrival("LAST")).result.duplicate
    assert [m["control_id"] for m in store.messages()] == [f"A{n}" for n in taken] + ["LAST"]
    assert broken == []
    store.close()
    assert verify(path).ok
