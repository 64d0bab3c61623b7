"""A service in small, to be killed: it accepts, claims, prints and settles, and writes down each ack.

    store_child.py zygote            imports everything once; then for each line `FOLDER` on its standard
                                     input forks a child and says its process id
    store_child.py run FOLDER        one such child, without a fork

A child waits for FOLDER/go, works on FOLDER/wardline.db and appends what it would have told the world
to FOLDER/said: "acked ID SHA256", "full ID", "printed ID", "broken", "closed".
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path
from queue import SimpleQueue

from gateway.delivery import State
from gateway.errors import StoreBroken, StoreFull
from gateway.store.sqlite import SqliteStore
from tests.unit.store.samples import arrival, ended, tried

WAVES, WIDTH = 5, 4


class Loop:
    """As much of a reactor as the store needs."""

    def __init__(self):
        self.calls = SimpleQueue()

    def callFromThread(self, work, *args):
        self.calls.put((work, args))

    def until(self, deferred):
        """Its result; raises what it failed with."""
        done, failed = [], []
        deferred.addCallbacks(done.append, failed.append)
        while not done and not failed:
            work, args = self.calls.get()
            work(*args)
        if failed:
            failed[0].raiseException()
        return done[0]


class Child:
    def __init__(self, folder):
        self.folder = folder
        self.said = os.open(folder / "said", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self.loop = Loop()

    def say(self, *words):
        os.write(self.said, (" ".join(words) + "\n").encode())

    def work(self):
        store = SqliteStore(
            self.folder / "wardline.db",
            reactor=self.loop,
            reserve=0,
            on_broken=lambda why: self.say("broken"),
        )
        self.loop.until(store.recover(node="main", now=50.0))
        for wave in range(WAVES):
            self.accept(store, wave)
            self.print_one(store)
        self.loop.until(store.close())
        self.say("closed")

    def accept(self, store, wave):
        """Several at once: their acks wait for one commit."""
        waiting = []
        for number in range(WIDTH):
            sample = arrival(
                f"K{wave:03d}{number:03d}K", ipp=f"{wave}{number}", raw=raw(wave, number)
            )
            digest = hashlib.sha256(sample.raw).hexdigest()
            done = store.accept(sample)
            done.addCallback(
                lambda _, s=sample, d=digest: self.say("acked", s.message.control_id, d)
            )
            waiting.append((sample.message.control_id, done))
        for control_id, done in waiting:
            try:
                self.loop.until(done)
            except StoreFull:
                self.say("full", control_id)

    def print_one(self, store):
        try:
            for row in self.loop.until(store.claim("CARD/slip", node="main", now=200.0, limit=1)):
                attempt = self.loop.until(store.begin(row, device="d", at=200.0, paper=True))
                self.say("printed", str(row.id), str(attempt.slip), str(attempt.reprint))
                after = tried(row, State.DELIVERED)
                self.loop.until(store.settle(row, after, at=201.0, attempt=ended(attempt)))
        except StoreFull:
            pass


def raw(wave, number):
    return f"MSH|^~\\&|SIL|LABO|||||ORU^R01|K{wave:03d}{number:03d}K\r".encode() + b"OBX|" * 300


def child(folder):
    while not (folder / "go").exists():
        time.sleep(0.002)
    try:
        Child(folder).work()
    except StoreBroken:
        os._exit(70)
    os._exit(0)


def zygote():
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            sys.stdin.close()
            child(Path(line.strip()))
        print(process, flush=True)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    zygote() if sys.argv[1] == "zygote" else child(Path(sys.argv[2]))
