"""A nursery of small services that are traced, killed and examined afterwards."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.delivery import State
from gateway.store.sqlite import SqliteStore
from gateway.store.verify import verify
from tests.system.store_child import WAVES, WIDTH
from tests.unit.store.samples import arrival

ALL = WAVES * WIDTH


def can_trace():
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-f", "true"], capture_output=True, check=False)
    return tried.returncode == 0


traced = pytest.mark.skipif(
    not can_trace(), reason="needs strace (apt install strace) and the right to trace"
)


class Nursery:
    """Forks children of one process that has everything imported, and traces each."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.store_child", "zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def run(self, *strace, store=None):
        """One child under `strace`; its folder and its exit code (negative: the signal)."""
        folder = self.folder / f"run{self.count}"
        folder.mkdir()
        self.count += 1
        if store is not None:
            shutil.copy(store, folder / "wardline.db")
        print(folder, file=self.process.stdin, flush=True)
        pid = self.process.stdout.readline().strip()
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", folder / "trace", *strace, "-p", pid]
        )
        while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
            assert tracer.poll() is None, "strace could not attach"
            time.sleep(0.002)
        (folder / "go").touch()
        code = int(self.process.stdout.readline())
        tracer.wait(timeout=20)
        return folder, code

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


def empty_store(folder):
    """A store that exists and holds nothing."""
    path = folder / "wardline.db"
    SqliteStore(path, inline=True, reserve=0).close()
    return path


def said(folder):
    lines = (folder / "said").read_text().splitlines() if (folder / "said").exists() else []
    return [line.split() for line in lines]


def acked(folder):
    return {words[1]: words[2] for words in said(folder) if words[0] == "acked"}


def check(folder):
    """Opens what is left as a restarted service would; how many messages it found."""
    path = folder / "wardline.db"
    store = SqliteStore(path, inline=True, reserve=0)
    store.recover(node="main", now=900.0)
    known = {m["control_id"]: m for m in store.messages()}
    for control_id, digest in acked(folder).items():
        message = known[control_id]
        stored = store.content(message["id"]).result
        assert hashlib.sha256(stored.raw).hexdigest() == digest
        assert len(message["deliveries"]) == 1, "a message without its plan"
    check_paper(folder, store)
    assert store.accept(arrival("AFTER")).result.message_id > 0
    store.close()
    verdict = verify(path)
    assert verdict.ok, verdict
    return len(known)


def check_paper(folder, store):
    """Whatever came out on paper is known to have come out, once, or is doubted."""
    for _, delivery_id, slip, reprint in (w for w in said(folder) if w[0] == "printed"):
        row = store.delivery(int(delivery_id)).result
        assert row.slip == int(slip)
        assert reprint == "0"
        assert row.state is State.DELIVERED or row.doubtful
    numbers = sorted(r.number for r in store.series("CARD", before=9999, limit=999).result)
    assert numbers == list(range(1, len(numbers) + 1)), "a gap in the series"
