"""A real Asterisk for the demo, the tests and the benchmarks: private files, free ports, no install."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.asterisk.files import Numbers, render, write
from gateway.asterisk.settings import TelephonySettings

SECRET = "only-on-this-machine-0123456789"  # noqa: S105 - no secret: it lasts as long as the folder
TOOL = Path(__file__).parents[2] / "tools" / "asterisk"
LOADER = "usr/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
PATIENCE = 30.0  # seconds until it must be up


class Missing(Exception):
    """There is no Asterisk to be had here; the one line says why."""


def unpacked(*, fetch: bool = True) -> Path:
    """Where Asterisk lies. Raises Missing. `fetch`: get it where it is not here yet (53 MB, once)."""
    if not TOOL.exists():
        raise Missing("Asterisk is fetched from a checkout only")
    words = [str(TOOL)] if fetch else [str(TOOL), "--here"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(done.stderr.strip().splitlines()[-1])
    return Path(done.stdout.strip())


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> list[int]:
    """Ports nobody uses now, on loopback."""
    held = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def rtp_range(size: int = 500) -> tuple[int, int]:
    """A row of ports below those that outgoing connections take, by our own process's number."""
    first = 12000 + (os.getpid() * size) % 20000
    return first, first + size - 1


class Exchange:
    """One Asterisk in `folder`: telephones `phones`, and the `lines` that people dial.

    `numbers`: the directory's, all telephones where None. `more`: keys of [telephony] besides. `tree`:
    where Asterisk lies, as `unpacked` says.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tree: Path,
        phones: Sequence[str],
        lines: Sequence[Mapping[str, str]] = ({"number": "610"},),
        numbers: Numbers | None = None,
        **more: Any,
    ) -> None:
        self.tree = tree
        self.folder = folder.absolute()
        self.ami_port, self.agi_port = free_ports(2)
        (self.sip_port,) = free_ports(1, socket.SOCK_DGRAM)
        self.process: subprocess.Popen[bytes] | None = None
        self._lay_out()
        table = self._table() | {
            "lines": list(lines),
            "phones": [
                {"number": n, "name": f"Phone {n}", "secret_file": self.secret} for n in phones
            ],
        }
        self.table: dict[str, Any] = table | more
        self.settings = TelephonySettings.model_validate(self.table)
        self.numbers = numbers or Numbers(phones=phones)
        self.write()

    @property
    def secret(self) -> str:
        """The file of the secret of Wardline's user and of every telephone."""
        return str(self.folder / "secret")

    def write(self, numbers: Numbers | None = None) -> None:
        """Asterisk's own files anew, with another directory where one is given."""
        self.numbers = numbers or self.numbers
        write(render(self.settings, self.numbers, base=self.folder), self.folder / "etc")

    def start(self) -> Exchange:
        """Ready to take calls. Raises Missing with what it said when it does not come up."""
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                self._command("-f", "-n"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + PATIENCE
        while not self._booted():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Missing(f"Asterisk does not start: {self.output()[-2000:]}")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """As an administrator does: calls are ended, then it goes."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut does: nobody is told."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def console(self, command: str) -> str:
        """What `asterisk -rx` answers."""
        words = self._command("-rx", command)
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def output(self) -> str:
        return (self.folder / "output").read_text("utf-8", "replace")

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _command(self, *words: str) -> list[str]:
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

    def _booted(self) -> bool:
        return "fully booted" in self.console("core waitfullybooted")

    def _lay_out(self) -> None:
        rooms = "etc var/keys spool/wardline/fax-out spool/wardline/fax-in run log data/sounds"
        for name in rooms.split():
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        share = self.tree / "usr/share/asterisk"
        for name, there in (
            ("documentation", "documentation"),  # it does not start without
            ("sounds/fr", "sounds/fr_CA_f_June"),
            ("sounds/en", "sounds/en_US_f_Allison"),
        ):
            link = self.folder / "data" / name
            link.unlink(missing_ok=True)
            link.symlink_to(share / there)
        (self.folder / "secret").write_text(SECRET + "\n")

    def _table(self) -> dict[str, Any]:
        folder = self.folder
        return {
            "ami": f"tcp:127.0.0.1:{self.ami_port}",
            "agi": f"tcp:{self.agi_port}:interface=127.0.0.1",
            "secret_file": self.secret,
            "caller": "2000",
            "allow": ["XXX", "01XXXXXXXX"],
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
