"""An Asterisk of the tests' own: private files, free ports, started, killed, frozen and started again.

Its configuration is what `dialplans/` gives for a small site of telephones 201 to 209, lines 610 and 611.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from gateway.asterisk.files import Numbers, render, write
from gateway.asterisk.settings import TelephonySettings

SECRET = "only-for-tests-0123456789"
PHONES = tuple(str(n) for n in range(201, 210))
CANARY = "209"  # registered, allowed by the patterns, in no directory: must never ring
LOADER = "usr/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "usr/lib/x86_64-linux-gnu"


def unpacked():
    """Where Asterisk lies; skips, saying what is missing, where it cannot be had."""
    done = subprocess.run(["tools/asterisk"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return Path(done.stdout.strip())


def free_ports(count, kind=socket.SOCK_STREAM):
    """Ports nobody uses now, on loopback."""
    held = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def rtp_range(size=400):
    """A row of ports below those that outgoing connections take, by our own process's number."""
    first = 12000 + (os.getpid() * size) % 20000
    return first, first + size - 1


class Asterisk:
    """One Asterisk in `folder`. `more` are keys of [telephony] besides its own."""

    def __init__(self, folder, *, numbers=None, **more):
        self.tree = unpacked()
        self.folder = Path(folder).absolute()
        self.ami_port, self.agi_port = free_ports(2)
        (self.sip_port,) = free_ports(1, socket.SOCK_DGRAM)
        self.process = None
        self._lay_out()
        self.settings = TelephonySettings.model_validate(self._table() | more)
        self.numbers = numbers or Numbers(phones=[n for n in PHONES if n != CANARY])
        self.write()

    def write(self, numbers=None):
        """Asterisk's own files anew, with another directory where one is given."""
        self.numbers = numbers or self.numbers
        write(render(self.settings, self.numbers, base=self.folder), self.folder / "etc")

    def start(self):
        """Ready to take calls, or the test fails with what Asterisk said."""
        self.output = (self.folder / "output").open("ab")
        self.process = subprocess.Popen(
            self._command("-f", "-n"),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        patience = time.monotonic() + 30
        while not self._booted():
            assert self.process.poll() is None, (self.folder / "output").read_text()
            assert time.monotonic() < patience, "Asterisk does not start"
            time.sleep(0.05)
        return self

    def stop(self):
        """As an administrator does: calls are ended, then it goes."""
        self._end(signal.SIGTERM)

    def kill(self):
        """As a power cut does: nobody is told."""
        self._end(signal.SIGKILL)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def console(self, command):
        """What `asterisk -rx` answers."""
        done = subprocess.run(self._command("-rx", command), capture_output=True, text=True)
        return done.stdout

    def log(self):
        return (self.folder / "log" / "messages").read_text("utf-8", "replace")

    def _end(self, how):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process is not None:
            self.output.close()
        self.process = None

    close = kill

    def _command(self, *words):
        # Through its own loader and libraries: no root, no chroot, nothing installed.
        return [
            str(self.tree / LOADER),
            "--library-path",
            str(self.tree / LIBRARIES),
            "--argv0",
            "asterisk",
            str(self.tree / "usr/sbin/asterisk"),
            "-C",
            str(self.folder / "etc" / "asterisk.conf"),
            *words,
        ]

    def _booted(self):
        try:
            return "fully booted" in self.console("core waitfullybooted")
        except OSError:
            return False

    def _lay_out(self):
        for name in (
            "etc",
            "var/keys",
            "spool/wardline/fax-out",
            "spool/wardline/fax-in",
            "run",
            "log",
        ):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        share = self.tree / "usr/share/asterisk"
        data = self.folder / "data"
        (data / "sounds").mkdir(parents=True)
        (data / "documentation").symlink_to(share / "documentation")  # it does not start without
        (data / "sounds/fr").symlink_to(share / "sounds/fr_CA_f_June")
        (data / "sounds/en").symlink_to(share / "sounds/en_US_f_Allison")
        (self.folder / "secret").write_text(SECRET + "\n")

    def _table(self):
        folder = self.folder
        return {
            "ami": f"tcp:127.0.0.1:{self.ami_port}",
            "agi": f"tcp:{self.agi_port}:interface=127.0.0.1",
            "secret_file": "secret",
            "caller": "2000",
            "allow": ["XXX", "01XXXXXXXX"],
            "lines": [{"number": "610"}, {"number": "611", "language": "en"}],
            "phones": [
                {"number": n, "name": f"Phone {n}", "secret_file": "secret"} for n in PHONES
            ],
            "recordings": str(folder / "spool" / "recordings"),
            "pbx": {
                "sip": f"127.0.0.1:{self.sip_port}",
                "rtp": rtp_range(),
                "udptl": rtp_range(),
                "modules": str(self.tree / LIBRARIES / "asterisk/modules"),
                "etc": str(folder / "etc"),
                "var": str(folder / "var"),
                "data": str(folder / "data"),
                "spool": str(folder / "spool"),
                "run": str(folder / "run"),
                "log": str(folder / "log"),
            },
        }
