"""A RabbitMQ of the tests' own: private files, free ports, and every way to fail.

As root it stands in a network namespace, so that its packets can be dropped; otherwise on this machine's
loopback. Nothing of it outlives the tests, and no service is started.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import aiormq
import pytest

from demo.broker import Broker
from demo.hospital import free_ports
from gateway.bridge import from_asyncio

PACKAGES = ("rabbitmq-server", "iproute2", "iptables", "openssl")


def install(*packages):
    """Debian's packages where they are missing; the services they bring are not started."""
    done = subprocess.run(["tools/packages", *packages], capture_output=True, text=True)
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


class Rabbit(Broker):
    """One broker. `host` and `port` are its address, `tls_port` the other; user guest may do everything."""

    def __init__(self, folder):
        self.network = Network() if os.geteuid() == 0 else None
        host = self.network.host if self.network else "127.0.0.1"
        # All of a namespace's ports are free.
        port, self.tls_port, *erlang = range(5672, 5676) if self.network else free_ports(4)
        folder = Path(folder)
        folder.mkdir(parents=True)
        super().__init__(
            folder=folder,
            host=host,
            ports=(port, *erlang),
            prefix=self.network.prefix if self.network else (),
            more=_tls(host, self.tls_port, folder),
        )
        self.port = port
        self.certificate = folder / "cert.pem"

    def start(self):
        self.launch()
        self.wait()
        return self

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

    def fill_disk(self):
        self.ctl("set_disk_free_limit", "900GB")

    def empty_disk(self):
        self.ctl("set_disk_free_limit", "50MB")

    def close(self):
        super().close()
        if self.network:
            self.network.close()


def _tls(host, port, folder):
    """Lines for a listener with a certificate for this address, signed by itself."""
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    words = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    name = ("-nodes", "-days", "2", "-subj", "/CN=rabbit", "-addext", f"subjectAltName=IP:{host}")
    subprocess.run([*words, *name, *files], check=True, capture_output=True)
    return (
        f"listeners.ssl.1 = {host}:{port}\n"
        f"ssl_options.certfile = {folder}/cert.pem\n"
        f"ssl_options.keyfile = {folder}/key.pem\n"
        f"ssl_options.cacertfile = {folder}/cert.pem\n"
    )
