"""A hospital on one machine: real processes, started, watched and ended."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.asterisk.access import hashed
from gateway.store import views

WARDS = (("CARD", "Cardiologie", "NEURO"), ("NEURO", "Neurologie", "CARD"))
#: Who may look at the console of the demo, and its PIN.
CODE, PIN = "1001", "836194"
PRINTERS = ("cardio-slip", "neuro-slip", "lab-slip")


class DidNotHappen(Exception):
    """A step of the story that should have happened did not, in the time it had."""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now, below those the kernel gives to outgoing connections: one of
    those could be taken again between our look and its use."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found


@dataclass
class Program:
    """One process of the hospital, spoken to on its standard input."""

    name: str
    process: subprocess.Popen[str]

    def say(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.bury()

    def bury(self) -> None:
        """Close what led to a process that has ended, or is just being killed."""
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@dataclass
class Hospital:
    """Wardline, a stand-in platform and three virtual printers, all real, on free ports."""

    folder: Path
    speed: int = 500  # of the printers, mm/s
    programs: dict[str, Program] = field(default_factory=dict)
    wait: Callable[[str, Callable[[], Any], float], Any] | None = None

    def open(self) -> None:
        """Write the site's file and start everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        ports = free_ports(3 + len(PRINTERS))
        self.platform_port, self.intake_port, self.console_port = ports[:3]
        self.printer_ports = dict(zip(PRINTERS, ports[3:], strict=True))
        self.config = self.folder / "site.toml"
        self.config.write_text(self._site(), "utf-8")
        self.store = self.folder / "wardline.db"
        for name, port in self.printer_ports.items():
            self._launch(
                name,
                *(_wardline(), "printer", "--listen", f"tcp:{port}:interface=127.0.0.1"),
                *("--out", str(self.folder / name), "--speed", str(self.speed), "--name", name),
            )
        self.start_platform()
        for name in self.printer_ports:
            self._ready(name)
        self.start_wardline()

    def start_platform(self) -> None:
        listen = f"tcp:{self.platform_port}:interface=127.0.0.1"
        log = str(self.folder / "platform.jsonl")
        self._start(
            "platform", sys.executable, "-m", "demo.standin", "--listen", listen, "--log", log
        )

    def start_wardline(self) -> None:
        self._start("wardline", _wardline(), "run", "--config", str(self.config))

    def kill(self, name: str) -> None:
        """As the power fails: no warning, no goodbye."""
        self.programs[name].process.kill()
        self.programs[name].bury()

    def close(self) -> None:
        for program in reversed(self.programs.values()):
            program.stop()

    # -- what a person would look at

    def send(self, raw: bytes) -> str:
        """Over MLLP as the laboratory does; the acknowledgement's code."""
        with socket.create_connection(("127.0.0.1", self.intake_port), 5) as peer:
            peer.sendall(b"\x0b" + raw + b"\x1c\r")
            peer.settimeout(10)
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                got = peer.recv(65536)
                if not got:
                    raise DidNotHappen("Wardline closed the connection without an answer")
                answer += got
        return answer.split(b"MSA|", 1)[1][:2].decode()

    def tell(self, *words: str) -> str:
        """A `wardline` verb on this site."""
        done = subprocess.run(
            [_wardline(), *words, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode:
            raise DidNotHappen(f"wardline {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def status(self) -> dict[str, Any]:
        """As `wardline status --json`, read straight from the store: a verb takes a second to start."""
        return views.status(self.store)

    def messages(self) -> list[dict[str, Any]]:
        """As `wardline messages --json`."""
        return views.messages(self.store)

    def slips(self, printer: str) -> list[Path]:
        """The text files of what a printer has put out, oldest first; each has a PNG beside it."""
        return sorted((self.folder / printer).glob("slip-*.txt"))

    def at_platform(self) -> list[dict[str, Any]]:
        """What the stand-in platform has received and confirmed."""
        log = self.folder / "platform.jsonl"
        if not log.exists():
            return []
        return [json.loads(line) for line in log.read_text("utf-8").splitlines() if line]

    def until(self, what: str, happened: Callable[[], Any], *, within: float = 20.0) -> Any:
        """Wait for it, showing that we do. Raises DidNotHappen."""
        end = time.monotonic() + within
        while True:
            found = happened()
            if found:
                return found
            if time.monotonic() > end:
                raise DidNotHappen(f"{what}: not within {within:g} s")
            if self.wait is not None:
                self.wait(what, happened, end)
            time.sleep(0.1)

    # -- its parts

    def _start(self, name: str, *command: str) -> None:
        self._launch(name, *command)
        self._ready(name)

    def _launch(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        if name in self.programs:
            self.programs[name].stop()
        self.programs[name] = Program(name=name, process=process)

    def _ready(self, name: str) -> None:
        process = self.programs[name].process
        assert process.stdout is not None
        if not any(line.strip() == "ready" for line in process.stdout):
            self.programs[name].bury()
            raise DidNotHappen(f"{name} did not start: see {self.folder / (name + '.log')}")

    def _platform(self) -> str:
        """What the site says of its platform's kind and place."""
        return f'kind = "mllp"\nconnect = "tcp:127.0.0.1:{self.platform_port}"'

    def _site(self) -> str:
        devices = "".join(
            f'[[devices]]\nname = "{name}"\nkind = "escpos"\n'
            f'connect = "tcp:127.0.0.1:{port}"\nmodel = "TM-T20II"\n\n'
            for name, port in self.printer_ports.items()
        )
        wards = "".join(
            f'[[wards]]\ncode = "{code}"\nname = "{name}"\ndevices = ["{printer}"]\n'
            f'neighbours = ["{neighbour}"]\nfloor = "2e étage, aile B"\n\n'
            for (code, name, neighbour), printer in zip(WARDS, PRINTERS, strict=False)
        )
        plans = "".join(_plan(name) for name in ("routine", "urgent", "critical"))
        return _SITE.format(
            platform=self._platform(),
            intake=self.intake_port,
            devices=devices,
            wards=wards,
            plans=plans,
            console=self._console(),
        )

    def _console(self) -> str:
        """The console, and somebody of the laboratory who may look at it."""
        return (
            f'[console]\nlisten = "tcp:{self.console_port}:interface=127.0.0.1"\n\n'
            f'[[people]]\ncode = "{CODE}"\nname = "Awa Diallo"\nroles = ["lab", "downtime"]\n'
            f"pin = '{hashed(PIN)}'\n"
        )


def _wardline() -> str:
    return str(Path(sys.executable).with_name("wardline"))


def _plan(name: str) -> str:
    return (
        f"[plans.{name}]\nsteps = [\n"
        '  { by = "platform", within = "3s" },\n  { by = "slip", within = "6s" },\n'
        '  { by = "neighbour", within = "6s" },\n  { by = "courier" },\n]\n\n'
    )


_SITE = """# The demo's hospital: as any site, with shorter lengths of time.
[site]
code = "HEX"
name = "Hôpital Exemple"
language = "fr"
timezone = "Europe/Paris"
data = "./var"

[store]
url = "sqlite:///./wardline.db"

[platform]
{platform}
probe_every = "500ms"
down_after = "2s"
up_after = "3s"

[[intakes]]
name = "lab"
kind = "mllp"
listen = "tcp:{intake}:interface=127.0.0.1"
mode = "relay"

{devices}{wards}[lab]
devices = ["lab-slip"]
phone = "4242"

{plans}{console}"""
