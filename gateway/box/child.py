"""The child's side of the box: bounds itself, then does one job after another from its socket.

Runs as a script, `python -I child.py FD MEMORY JOBS`, and imports the standard library only: what a job
needs is imported when the job comes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from importlib import import_module

#: A job: length of the function's name, of the payload, and the processor time it may take (ms).
REQUEST = struct.Struct("!HQQ")

#: What the child says: one of the words below, whether it leaves now, and the length of what follows.
ANSWER = struct.Struct("!c?Q")
HELLO = b"H"  # bounded and ready; followed by what bounds it, by name
BEGUN = b"B"  # the function is imported, its time begins
DONE = b"D"  # followed by what it returned
RAISED = b"R"  # followed by the name of the exception: its text may hold what a patient's mail says

#: Resident memory (bytes) past which a child leaves: what a large job took is seldom given back.
TIRED = 200 * 2**20

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def main(arguments: list[str]) -> None:
    channel, memory, jobs = (int(word) for word in arguments)
    bounds = _bound(memory)
    with socket.socket(fileno=channel) as parent:
        _say(parent, HELLO, " ".join(bounds).encode())
        for number in range(1, jobs + 1):
            request = _hear(parent, REQUEST.size)
            if len(request) < REQUEST.size:
                return  # the parent has no more to ask
            _serve(parent, request, last=number == jobs)


def _serve(parent: socket.socket, request: bytes, *, last: bool) -> None:
    named, length, milliseconds = REQUEST.unpack(request)
    name = _hear(parent, named).decode()
    try:
        payload = _hear(parent, length)
        work = _find(name)
        _spend(milliseconds / 1000)
        _say(parent, BEGUN, b"")
        result = work(payload)
        if not isinstance(result, bytes | bytearray):
            raise TypeError(type(result))
        leave = last or _resident() > TIRED
        _say(parent, DONE, result, last=leave)
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's document made it raise
        _say(parent, RAISED, type(error).__name__.encode(), last=True)
        sys.exit()
    if leave:
        sys.exit()


def _find(name: str) -> Callable[[bytes], bytes]:
    module, _, attribute = name.partition(":")
    found: Callable[[bytes], bytes] = getattr(import_module(module), attribute)
    return found


def _bound(memory: int) -> list[str]:
    """Everything that can be given up is; the names of what this machine let us give up."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # no orphan burns on
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    alone = libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # unshare needs /proc/self as it was
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),  # a dump would hold what a patient's mail says
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),  # neither processes nor threads (root is not held by it)
    ):
        resource.setrlimit(what, (most, most))
    return ["memory", "files", "network"] if alone else ["memory", "files"]


def _spend(seconds: float) -> None:
    """Processor time from here on: the parent's clock decides, this holds when the parent is frozen."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _resident() -> int:
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0


def _say(parent: socket.socket, word: bytes, content: bytes, *, last: bool = False) -> None:
    parent.sendall(ANSWER.pack(word, last, len(content)))
    parent.sendall(content)


def _hear(parent: socket.socket, size: int) -> bytes:
    """`size` bytes, or fewer when the parent has closed."""
    heard = bytearray(size)
    view, at = memoryview(heard), 0
    while at < size:
        count = parent.recv_into(view[at:])
        if not count:
            break
        at += count
    view.release()
    return bytes(heard[:at])


if __name__ == "__main__":
    main(sys.argv[1:])
