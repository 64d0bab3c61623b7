"""A RabbitMQ of the tests' own: private files, free ports, and every way to fail.

As root it stands in a network namespace, so that its packets can be dropped; otherwise on this machine's
loopback. Nothing of it outlives the tests, and no service is started.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiormq
import pytest

from gateway.bridge import from_asyncio

SBIN = Path("/usr/lib/rabbitmq/bin")
PACKAGES = ("rabbitmq-server", "iproute2", "iptables", "openssl")
POLICY = Path("/usr/sbin/policy-rc.d")
CONFIG = """loopback_users = none
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 512MB
log.file.level = warning
"""


def install(*packages):
    """Debian's packages where they are missing, without starting the services they bring."""
    quiet = os.geteuid() == 0 and not POLICY.exists()
    if quiet:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        done = subprocess.run(["tools/packages", *packages], capture_output=True, text=True)
    finally:
        if quiet:
            POLICY.unlink()
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])


class Network:
    """A namespace with one cable to this machine, which can be cut without a trace."""

    def __init__(self):
        tag = os.getpid() % 16384
        self.name, self.here, self.there = f"wl{tag}", f"wlh{tag}", f"wlt{tag}"
        block = 4 * tag
        self.host = f"10.213.{block // 256}.{block % 256 + 2}"
        near = f"10.213.{block // 256}.{block % 256 + 1}"
        self.run("ip", "netns", "add", self.name)
        self.run("ip", "link", "add", self.here, "type", "veth", "peer", "name", self.there,
                 "netns", self.name)  # fmt: skip
        self.run("ip", "addr", "add", f"{near}/30", "dev", self.here)
        self.run("ip", "link", "set", self.here, "up")
        self.inside("ip", "addr", "add", f"{self.host}/30", "dev", self.there)
        self.inside("ip", "link", "set", self.there, "up")
        self.inside("ip", "link", "set", "lo", "up")

    @property
    def prefix(self):
        return ("ip", "netns", "exec", self.name)

    def run(self, *words):
        subprocess.run(words, check=True, capture_output=True)

    def inside(self, *words):
        self.run(*self.prefix, *words)

    def drop(self):
        """From now on every packet either way vanishes."""
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self.inside("iptables", "-A", chain, way, self.there, "-j", "DROP")

    def restore(self):
        self.inside("iptables", "-F")

    def close(self):
        self.run("ip", "netns", "del", self.name)


class Calls:
    """An aiormq channel for a coroutine that awaits Deferreds."""

    def __init__(self, channel):
        self._channel = channel

    def __getattr__(self, name):
        call = getattr(self._channel, name)
        return lambda *args, **kwargs: from_asyncio(call(*args, **kwargs))


class Rabbit:
    """One broker. `host` and `port` are its address; user guest may do everything."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.network = Network() if os.geteuid() == 0 else None
        self.host = self.network.host if self.network else "127.0.0.1"
        self.port, self.tls_port, dist, epmd = self._ports(4)
        self.folder.mkdir(parents=True)
        self.certificate = self._certify()
        (self.folder / "rabbitmq.conf").write_text(CONFIG + self._tls())
        (self.folder / "plugins").write_text("[].\n")
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "wardline@localhost",
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_NODE_IP_ADDRESS": self.host,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            # One scheduler is enough for tests, and leaves the other core to them.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    @property
    def endpoint(self):
        return f"tcp:{self.host}:{self.port}"

    @property
    def url(self):
        return f"amqp://guest:guest@{self.host}:{self.port}/"

    @property
    def pid(self):
        return int((self.folder / "pid").read_text())

    def start(self):
        pid = self.folder / "pid"
        pid.unlink(missing_ok=True)
        with (self.folder / "out").open("a") as out:
            self.process = subprocess.Popen(
                [*self._prefix, SBIN / "rabbitmq-server"], env=self.env, stdout=out, stderr=out
            )
        end = time.monotonic() + 60
        while not (pid.exists() and self._speaks()):
            assert time.monotonic() < end, (self.folder / "out").read_text()
            assert self.process.poll() is None, (self.folder / "out").read_text()
            time.sleep(0.1)
        return self

    def ctl(self, *words):
        """A word of `rabbitmqctl`; takes two seconds."""
        command = [*self._prefix, SBIN / "rabbitmqctl", "-q", *words]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @asynccontextmanager
    async def channel(self):
        """A channel of the test's own, on a connection of its own; its calls give Deferreds."""
        connection = await from_asyncio(aiormq.connect(self.url))
        try:
            yield Calls(await from_asyncio(connection.channel(on_return_raises=True)))
        finally:
            await from_asyncio(connection.close())

    def forget(self, *queues):
        """Delete queues that a test has left."""

        async def delete():
            connection = await aiormq.connect(self.url)
            channel = await connection.channel()
            for queue in queues:
                await channel.queue_delete(queue)
            await connection.close()

        loop = asyncio.new_event_loop()
        loop.run_until_complete(delete())
        loop.close()

    # -- faults

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()

    def fill_disk(self):
        self.ctl("set_disk_free_limit", "900GB")

    def empty_disk(self):
        self.ctl("set_disk_free_limit", "50MB")

    def close(self):
        if self.process.poll() is None:
            self.kill()
        epmd = [*self._prefix, "epmd", "-port", self.env["ERL_EPMD_PORT"], "-kill"]
        subprocess.run(epmd, env=self.env, capture_output=True)
        if self.network:
            self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _certify(self):
        """A certificate for this address, signed by itself."""
        files = ("-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "cert.pem"))
        words = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        name = ("-nodes", "-days", "2", "-subj", "/CN=rabbit")
        name += ("-addext", f"subjectAltName=IP:{self.host}")
        subprocess.run([*words, *name, *files], check=True, capture_output=True)
        return self.folder / "cert.pem"

    def _tls(self):
        return (
            f"listeners.ssl.1 = {self.host}:{self.tls_port}\n"
            f"ssl_options.certfile = {self.folder}/cert.pem\n"
            f"ssl_options.keyfile = {self.folder}/key.pem\n"
            f"ssl_options.cacertfile = {self.folder}/cert.pem\n"
        )

    @property
    def _prefix(self):
        return self.network.prefix if self.network else ()

    def _ports(self, count):
        if self.network:  # all of a namespace's ports are free
            return range(5672, 5672 + count)
        held = [socket.socket() for _ in range(count)]
        for each in held:
            each.bind((self.host, 0))
        ports = [each.getsockname()[1] for each in held]
        for each in held:
            each.close()
        return ports

    def _speaks(self):
        try:
            with socket.create_connection((self.host, self.port), 1) as peer:
                peer.sendall(b"AMQP\x00\x00\x09\x01")
                peer.settimeout(2)
                return bool(peer.recv(1))
        except OSError:
            return False
