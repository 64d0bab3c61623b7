"""The box: what strangers made is opened in a child process, which may loop, crash or eat memory there.

`await box.call("gateway.mail.reading:read", payload)` runs that function, bytes to bytes, with bounded
memory and time, without network, environment or open files of ours; the child is kept for the next job.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList

from gateway.box.worker import COMMAND, BoxFailed, Why, Work, Worker
from gateway.clock import Clock

__all__ = ["Box", "BoxFailed", "Why"]

_log = structlog.get_logger()

#: Address space of a child (bytes). An A4 page at 300 dpi is 9 MB of grey pixels.
MEMORY = 512 * 2**20

#: What may wait for a free child: calls, and bytes of them.
WAITING, WAITING_BYTES = 64, 128 * 2**20

#: Longest answer taken from a child, bytes.
LONGEST = 128 * 2**20


class Box(Service):
    """Up to `workers` children, started when there is work, each replaced after `jobs` jobs or a failure."""

    def __init__(
        self,
        reactor: Any,
        clock: Clock,
        *,
        workers: int = 1,
        jobs: int = 200,
        memory: int = MEMORY,
        waiting: int = WAITING,
        longest: int = LONGEST,
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._most = workers
        self._jobs = jobs
        self._memory = memory
        self._cap = waiting
        self._longest = longest
        self._command = command
        self._workers: list[Worker] = []
        self._waiting: deque[Work] = deque()
        self._told = False

    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes:
        """`function` ("package.module:name", bytes to bytes) of `payload`, done in a child.

        `timeout`, in seconds, counts from when the child begins, not from when the call is made.
        Raises BoxFailed: time, memory, a crash, an exception by its name, too much waiting already.
        Cancelling the Deferred that awaits this ends the work.
        """
        if not self.running:
            raise BoxFailed(Why.STOPPED)
        size = sum(len(work.payload) for work in self._waiting)
        full = len(self._waiting) >= self._cap or size + len(payload) > WAITING_BYTES
        if full and self._waiting:
            raise BoxFailed(Why.BUSY)
        work = Work(function=function, payload=payload, timeout=timeout)
        work.done = Deferred(lambda _: self._drop(work))
        self._waiting.append(work)
        self._pump()
        return await work.done

    def startService(self) -> None:
        super().startService()
        self._spawn()  # warm when the first call comes

    async def _stop(self) -> None:
        while self._waiting:
            self._waiting.popleft().fail(Why.STOPPED)
        for worker in tuple(self._workers):
            worker.end(Why.STOPPED)
        await DeferredList([worker.ended for worker in tuple(self._workers)])

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _pump(self) -> None:
        """Give out what waits; start a child when all are at work and there may be more."""
        for worker in self._workers:
            if worker.free and self._waiting:
                worker.give(self._waiting.popleft())
        starting = sum(worker.bounds is None for worker in self._workers)
        if len(self._waiting) > starting and len(self._workers) < self._most:
            self._spawn()

    def _spawn(self) -> None:
        worker = Worker(
            self._reactor, self._clock, longest=self._longest, idle=self._up, gone=self._gone
        )
        try:
            worker.start(self._command, memory=self._memory, jobs=self._jobs)
        except OSError as error:
            _log.error("box.cannot_start", error=error.strerror)
            while self._waiting:  # another try would fail as this one did
                self._waiting.popleft().fail(Why.CRASH, "no child can be started")
        else:
            self._workers.append(worker)

    def _up(self, worker: Worker) -> None:
        if "network" not in (worker.bounds or ()) and not self._told:
            self._told = True
            _log.warning("box.has_network", why="this machine does not let a process give it up")
        self._pump()

    def _gone(self, worker: Worker) -> None:
        self._workers.remove(worker)
        if not self.running:
            return
        if worker.bounds is None and self._waiting:  # it never came up: the next would not either
            self._waiting.popleft().fail(Why.CRASH, "no child can be started")
        self._pump()

    def _drop(self, work: Work) -> None:
        """Whoever called does not want it any more: cancelled."""
        if work in self._waiting:
            self._waiting.remove(work)
        for worker in self._workers:
            worker.drop(work)
