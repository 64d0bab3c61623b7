"""A NATS server of the tests' own, with JetStream: private files, a free port, and ways to fail."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import asynccontextmanager

from nats.aio.client import Client

from gateway.bridge import from_asyncio
from tests.system.rabbitmq import Calls


class Nats:
    """One server; user lab may do everything."""

    def __init__(self, folder):
        self.folder = folder
        self.host, self.user, self.password = "127.0.0.1", "lab", "secret"
        with socket.socket() as held:
            held.bind((self.host, 0))
            self.port = held.getsockname()[1]
        folder.mkdir(parents=True)

    @property
    def endpoint(self):
        return f"tcp:{self.host}:{self.port}"

    def start(self):
        words = ["nats-server", "-js", "-a", self.host, "-p", str(self.port)]
        words += ["-sd", str(self.folder), "--user", self.user, "--pass", self.password]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while not self._speaks():
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)
        return self

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @asynccontextmanager
    async def client(self):
        """A JetStream context on a connection of the test's own; its calls give Deferreds."""
        client = Client()
        url = f"nats://{self.host}:{self.port}"
        await from_asyncio(client.connect(url, user=self.user, password=self.password))
        try:
            yield Calls(client.jetstream())
        finally:
            await from_asyncio(client.close())

    def _speaks(self):
        try:
            with socket.create_connection((self.host, self.port), 1) as peer:
                peer.settimeout(2)
                return peer.recv(4) == b"INFO"
        except OSError:
            return False
