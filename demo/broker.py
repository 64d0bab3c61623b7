"""A RabbitMQ of its own: private files, free ports, one node. Nothing of it outlives its owner."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Where Debian puts the programs themselves; those on the PATH change the user first.
BIN = Path("/usr/lib/rabbitmq/bin")
PACKAGE = "rabbitmq-server"
_CONFIG = """loopback_users = none
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 512MB
log.file.level = warning
"""


class DidNotStart(Exception):
    """The broker ended or stayed silent; what it said."""


def is_there() -> bool:
    """Whether this machine has a RabbitMQ to start."""
    return (BIN / "rabbitmq-server").exists()


@dataclass(kw_only=True)
class Broker:
    """One node. User guest may do everything. `prefix` goes before each of its commands."""

    folder: Path
    host: str = "127.0.0.1"
    ports: Sequence[int]  # AMQP, Erlang's distribution, its port mapper
    prefix: tuple[str, ...] = ()
    more: str = ""  # lines of rabbitmq.conf
    process: subprocess.Popen[bytes] | None = None
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(_CONFIG + self.more)
        (self.folder / "plugins").write_text("[].\n")
        port, distribution, mapper = self.ports
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "wardline@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_NODE_IP_ADDRESS": self.host,
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            # One scheduler is enough here, and leaves the other cores to those who ask it.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    @property
    def endpoint(self) -> str:
        return f"tcp:{self.host}:{self.ports[0]}"

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self.host}:{self.ports[0]}/"

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def launch(self) -> None:
        """Start it, and do not wait for it."""
        (self.folder / "pid").unlink(missing_ok=True)
        with (self.folder / "out").open("a") as out:
            self.process = subprocess.Popen(
                [*self.prefix, BIN / "rabbitmq-server"], env=self.env, stdout=out, stderr=out
            )

    def wait(self, *, within: float = 120.0) -> None:
        """Until it takes connections. Raises DidNotStart."""
        assert self.process is not None
        end = time.monotonic() + within
        while not ((self.folder / "pid").exists() and self._speaks()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise DidNotStart((self.folder / "out").read_text()[-2000:])
            time.sleep(0.1)

    def ctl(self, *words: str) -> str:
        """What `rabbitmqctl` answers; takes two seconds. Raises CalledProcessError."""
        done = subprocess.run(
            [*self.prefix, BIN / "rabbitmqctl", "-q", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    # -- faults

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """As the power fails. May be called before it is up."""
        assert self.process is not None
        for pid in (self._pid(), self.process.pid):
            if pid:
                _kill(pid)
        self.process.wait()

    def close(self) -> None:
        """End it and Erlang's port mapper, and forget its files."""
        if self.process is not None:
            if self.process.poll() is None:
                self.kill()
            self._end_mapper()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_mapper(self) -> None:
        """It does not go while it thinks that its node lives, which it does for a moment more."""
        kill = [*self.prefix, "epmd", "-port", self.env["ERL_EPMD_PORT"], "-kill"]
        for _ in range(50):
            done = subprocess.run(
                kill, env=self.env, capture_output=True, text=True, check=False, timeout=10
            )
            if "not allowed" not in done.stdout + done.stderr:
                return
            time.sleep(0.1)

    def _pid(self) -> int:
        try:
            return self.pid
        except (OSError, ValueError):  # not written yet
            return 0

    def _speaks(self) -> bool:
        try:
            with socket.create_connection((self.host, self.ports[0]), 1) as peer:
                peer.sendall(b"AMQP\x00\x00\x09\x01")
                peer.settimeout(2)
                return bool(peer.recv(1))
        except OSError:
            return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
