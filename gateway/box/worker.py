"""One child process and what it is doing: it is believed in nothing but the length of its answer."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.box import child
from gateway.clock import Clock

#: A child must be up, and have imported what a job needs, within this many seconds each.
STARTING = 30.0

#: The script, run in isolated mode: neither its environment nor its directory may choose its modules.
COMMAND = (sys.executable, "-I", str(Path(child.__file__)))


class Why(StrEnum):
    """What went wrong in the box."""

    TIME = "time-out"
    MEMORY = "out of memory"
    CRASH = "crash"
    RAISED = "exception"
    ANSWER = "answer too long"
    BUSY = "too much waits"
    STOPPED = "stopped"


class BoxFailed(Exception):
    """The work did not end well; `detail` names the signal or the exception, never what was read."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else str(why))
        self.why = why
        self.detail = detail

    @property
    def reason(self) -> str:
        return str(self)


@dataclass(slots=True, kw_only=True)
class Work:
    """One call: `function` ("module:name") of `payload`; `done` fires once."""

    function: str
    payload: bytes
    timeout: float
    done: Deferred[bytes] = field(default_factory=Deferred)

    def fail(self, why: Why, detail: str = "") -> None:
        if not self.done.called:
            self.done.errback(BoxFailed(why, detail))


class Worker(Protocol):
    """A child: starting, idle, at work, gone. `idle` and `gone` are told when it becomes so."""

    transport: Any

    def __init__(
        self,
        reactor: Any,
        clock: Clock,
        *,
        longest: int,
        idle: Callable[[Worker], None],
        gone: Callable[[Worker], None],
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._longest = longest
        self._idle = idle
        self._gone = gone
        self._heard = bytearray()
        self._wanted: tuple[bytes, bool, int] | None = None
        self._work: Work | None = None
        self._timer: IDelayedCall | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._verdict: tuple[Why, str] | None = None
        self.bounds: frozenset[str] | None = None  # None until it is up
        self.ended: Deferred[None] = Deferred()

    def start(self, command: tuple[str, ...], *, memory: int, jobs: int) -> None:
        """Raises OSError where the machine has no process or descriptor left to give."""
        ours, theirs = socket.socketpair()
        with theirs, ours:
            # Its three standard streams are nothing: what a library prints may be a patient's.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own script
                [*command, str(theirs.fileno()), str(memory), str(jobs)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                env={},
            )
            ours.setblocking(False)
            factory = _Only(self)
            self._reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
        self._within(STARTING, Why.CRASH, "does not start")

    @property
    def free(self) -> bool:
        return self.bounds is not None and self._work is None and self._verdict is None

    def give(self, work: Work) -> None:
        """Do this; only when `free`."""
        self._work = work
        name = work.function.encode()
        head = child.REQUEST.pack(len(name), len(work.payload), int(work.timeout * 1000))
        self.transport.write(head + name)
        self.transport.write(work.payload)
        self._within(STARTING, Why.TIME, "its modules do not load")

    def drop(self, work: Work) -> None:
        """Whoever wanted `work` does not want it any more."""
        if self._work is work:
            self.end(Why.STOPPED)

    def end(self, why: Why, detail: str = "") -> None:
        """Kill it; what it was doing fails with `why` once it is dead."""
        if self._verdict is None:
            self._verdict = (why, detail)
        if self._process is not None:
            self._process.kill()
        self.transport.abortConnection()

    # -- Twisted's side

    def dataReceived(self, data: bytes) -> None:
        self._heard += data
        while self._take():
            pass

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._cancel()
        process = self._process
        if process is None:
            dead: Deferred[int] = succeed(0)
        else:
            # In a thread: a process of half a gigabyte takes a while to be taken apart.
            pool = self._reactor.getThreadPool()
            dead = deferToThreadPool(self._reactor, pool, _bury, process)
        dead.addBoth(self._dead)

    def _dead(self, status: int | Failure) -> None:
        work, self._work = self._work, None
        self._verdict = why = self._verdict or _verdict(status)
        self._gone(self)
        self.ended.callback(None)
        if work is not None:
            work.fail(*why)

    # -- its words

    def _take(self) -> bool:
        """One whole word of the child, if it is here and still wanted."""
        if self._verdict is not None:
            self._heard.clear()
            return False
        if self._wanted is None:
            if len(self._heard) < child.ANSWER.size:
                return False
            self._wanted = child.ANSWER.unpack_from(self._heard)
            del self._heard[: child.ANSWER.size]
        word, last, length = self._wanted
        if length > self._longest:
            self.end(Why.ANSWER)
            return False
        if len(self._heard) < length:
            return False
        content = bytes(self._heard) if len(self._heard) == length else bytes(self._heard[:length])
        del self._heard[:length]
        self._wanted = None
        self._hear(word, content, last=last)
        return True

    def _hear(self, word: bytes, content: bytes, *, last: bool) -> None:
        if word == child.HELLO and self.bounds is None:
            self.bounds = frozenset(content.decode(errors="replace").split())
            self._cancel()
            self._idle(self)
        elif self._work is None:
            self.end(Why.CRASH, "speaks out of turn")
        elif word == child.BEGUN:
            self._within(self._work.timeout, Why.TIME)
        elif word == child.DONE:
            self._done(self._work, content, last=last)
        elif content == MemoryError.__name__.encode():
            self.end(Why.MEMORY)
        else:
            self.end(Why.RAISED, content.decode(errors="replace")[:80])

    def _done(self, work: Work, content: bytes, *, last: bool) -> None:
        self._cancel()
        self._work = None
        if last:
            self.end(Why.STOPPED)
        if not work.done.called:
            work.done.callback(content)
        if not last:
            self._idle(self)

    def _within(self, delay: float, why: Why, detail: str = "") -> None:
        self._cancel()
        self._timer = self._clock.call_later(delay, self.end, why, detail)

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


class _Only:
    """The factory of the one connection there is."""

    noisy = False

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def doStart(self) -> None: ...

    def doStop(self) -> None: ...

    def buildProtocol(self, address: object) -> Worker:
        return self._worker


def _bury(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a child that has nothing left to say."""
    try:
        return process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _verdict(status: int | Failure) -> tuple[Why, str]:
    """What a child's end says of its work, when it had not said so itself."""
    if isinstance(status, Failure) or status >= 0:
        return Why.CRASH, f"exit status {status}"
    if -status == signal.SIGXCPU:
        return Why.TIME, ""
    if -status == signal.SIGKILL:  # not by us: the machine had no memory left
        return Why.MEMORY, "killed"
    return Why.CRASH, signal.Signals(-status).name
