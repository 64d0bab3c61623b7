"""What a child is made to do in the tests of the box."""

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

_kept = []


def echo(payload):
    return payload


def loop(payload):
    while True:
        pass


def eat(payload):
    return bytearray(2**30)[:1]


def leak(payload):
    _kept.append(bytearray(int(payload)))
    return b"%d" % len(_kept)


def crash(payload):
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(payload):
    os._exit(3)


def nest(payload):
    return nest(payload)


def ask(payload):
    raise LookupError("Mme MARTIN, née DUPONT")


def shout(payload):
    print("Mme MARTIN" * 100_000)
    os.write(1, b"x" * 200_000)
    os.write(2, b"x" * 200_000)
    sys.stderr.write("Mme MARTIN")
    return sys.stdin.read().encode() + os.read(0, 10) + b"done"


def connect(payload):
    try:
        socket.create_connection(("127.0.0.1", int(payload)), timeout=5).close()
    except OSError as error:
        return type(error).__name__.encode()
    return b"connected"


def look(payload):
    targets = [target for _, target in _descriptors()]
    return repr({"env": dict(os.environ), "cwd": str(Path.cwd()), "open": targets}).encode()


def _descriptors():
    for link in Path("/proc/self/fd").iterdir():
        try:
            yield int(link.name), str(link.readlink())
        except OSError:  # the one of the listing itself
            continue


def write(payload):
    with Path(payload.decode()).open("wb") as file:
        file.write(b"x")
        file.flush()
    return b"written"


def fork(payload):
    return subprocess.run(["/bin/true"]).returncode.to_bytes()


def pid(payload):
    return b"%d" % os.getpid()


def text(payload):
    return "not bytes"


def much(payload):
    return bytes(int(payload))


def lie(payload):
    """Answers past its own channel with a length that never ends."""
    for n, target in _descriptors():
        if target.startswith("socket:"):
            os.write(n, b"D\0" + b"\xff" * 8)
    return b""


def limits(payload):
    return repr(resource.getrlimit(resource.RLIMIT_AS)).encode()
