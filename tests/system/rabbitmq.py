"""A RabbitMQ of the tests' own: private files, free ports, and every way to fail.

As root it stands in a network namespace, so that its packets can be dropped; otherwise on this machine's
loopback. Nothing of it outlives the tests, and no service is started.
"""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import aiormq
import pytest

from demo.broker import Broker
from demo.hospital import free_ports
from demo.namespace import Network, possible
from gateway.bridge import from_asyncio

PACKAGES = ("rabbitmq-server", "iproute2", "iptables", "openssl")


def install(*packages):
    """Debian's packages where they are missing; the services they bring are not started."""
    done = subprocess.run(["tools/packages", *packages], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])


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
        self.network = Network() if possible() else None
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
