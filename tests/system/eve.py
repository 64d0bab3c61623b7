"""A real page printer, ippeveprinter, in a folder of the tests' own: its troubles steered by files.

It refuses to start where no DNS-SD daemon runs, so a few lines of C stand in for one.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from demo import page
from tests.system.rabbitmq import install

# Prints one side for each line of `sides`, waiting while there is `hold`; keeps what it printed.
SCRIPT = """#!/bin/sh
cd {folder}
[ -e abort ] && exit 1
while [ -e hold ]; do
    [ -e stop ] && exit 0
    [ -e told ] || {{ echo "STATE: +$(cat hold)" >&2; touch told; }}
    sleep 0.05
done
[ -e told ] && {{ echo "STATE: -$(cat told.word)" >&2; rm -f told; }}
sleep "$(cat time)"
cp "$1" "printed/$(ls printed | wc -l).$(basename "$1" | sed 's/.*[.]//')"
[ -e blank ] || echo "ATTR: job-impressions-completed=$(cat sides)" >&2
exit 0
"""


def shim(folder):
    """The stand-in for Avahi, compiled."""
    install("gcc", "libc6-dev")
    try:
        return page.shim(folder)
    except page.NoPrinter as missing:
        pytest.skip(str(missing))


class Eve:
    """One ippeveprinter on a free port; `printed` lists what came out."""

    def __init__(self, folder, shim, *, formats="application/pdf,image/pwg-raster"):
        install("cups-ipp-utils")
        self.folder = folder
        self.formats = formats
        self.shim = shim
        self.process = None
        (folder / "printed").mkdir(parents=True)
        (folder / "spool").mkdir()
        (folder / "keys").mkdir()
        script = folder / "print.sh"
        script.write_text(SCRIPT.format(folder=folder))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.set("time", "0")
        self.set("sides", "1")
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]

    # -- steering

    def set(self, name, text=""):
        fresh = self.folder / f".{name}"
        fresh.write_text(text)
        fresh.rename(self.folder / name)

    def unset(self, name):
        (self.folder / name).unlink(missing_ok=True)

    def hold(self, word):
        self.set("told.word", word)
        self.set("hold", word)

    def calm(self):
        """As new: switched off and on, all troubles away, and what it printed forgotten."""
        self.kill()
        for name in ("abort", "hold", "told", "blank", "stop"):
            self.unset(name)
        self.set("time", "0")
        self.set("sides", "1")
        for each in (self.folder / "printed").iterdir():
            each.unlink()
        return self.start()

    @property
    def printed(self):
        return sorted(p for p in (self.folder / "printed").iterdir() if not p.name.startswith("."))

    @property
    def uri(self):
        return f"ipp://localhost:{self.port}/ipp/print"

    # -- life

    def start(self):
        words = ["ippeveprinter", "-p", str(self.port), "-n", "localhost", "-r", "off", "-k", "-2"]
        words += ["-d", str(self.folder / "spool"), "-K", str(self.folder / "keys")]
        words += ["-f", self.formats, "-c", str(self.folder / "print.sh"), "Eve"]
        env = {**os.environ, "LD_PRELOAD": str(self.shim), "TMPDIR": str(self.folder)}
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                words, stdout=log, stderr=log, env=env, start_new_session=True
            )
        end = time.monotonic() + 20
        while not self._speaks():
            if self.process.poll() is not None:
                said = (self.folder / "log").read_text()
                if "DNS-SD" in said:  # another release asks Avahi for something else
                    pytest.skip("ippeveprinter does not start here without a DNS-SD daemon")
                raise AssertionError(said)
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pem(self):
        """Its certificate, once it has made one."""
        found = [p for p in (self.folder / "keys").iterdir() if p.suffix == ".crt"]
        return found[0] if found else None

    def _speaks(self):
        try:
            with socket.create_connection(("localhost", self.port), 1) as peer:
                peer.settimeout(5)
                peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return re.match(b"HTTP/1", peer.recv(8)) is not None
        except OSError:
            return False
