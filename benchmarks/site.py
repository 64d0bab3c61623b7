"""The sites that are measured: a folder, a configuration, and Wardline started on it as it is installed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import Running, module, start

#: Steps of a plan, (by, seconds): the contract's figures for a routine and for a critical result.
ROUTINE = (("platform", "30s"), ("slip", "60s"), ("neighbour", "60s"), ("courier", ""))
CRITICAL = (("platform", "5s"), ("slip", "10s"), ("neighbour", "10s"), ("courier", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where everything of one measurement stands. `printers`: one port for each ward W000, W001…"""

    folder: Path
    intakes: Mapping[str, int]  # mode to port
    printers: Sequence[int]
    platform: int | None = None
    patience: str = ""  # `within` of the platform's step instead of the plan's own
    bus: str = ""  # a RabbitMQ's address: it is the platform
    tap: bool = False  # an intake listens on that bus
    handback_rate: int = 50

    @property
    def config(self) -> Path:
        return self.folder / "site.toml"

    @property
    def wards(self) -> list[str]:
        return [ward(i) for i in range(len(self.printers))]

    def write(self) -> None:
        """Afresh: nothing of an earlier round is left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.config.write_text("\n".join(self._tables()), "utf-8")

    def wardline(self) -> Running:
        """`wardline run` as an administrator runs it, but for the log level."""
        run = ("run", "--config", str(self.config), "--log-level", "WARNING")
        command = (
            sys.executable,
            "-m",
            "gateway.cli",
            *run,
        )  # this checkout's, whatever is installed
        return start("wardline", command, folder=self.folder)

    def stand_in(self) -> Running:
        """The demo's platform, well and answering at once."""
        assert self.platform is not None
        listen = f"tcp:{self.platform}:interface=127.0.0.1:backlog=1024"
        command = (sys.executable, "-m", "demo.standin", "--listen", listen)
        return start("platform", command, folder=self.folder)

    def fakes(self) -> Running:
        """Printers that answer at once, and write down when each slip's first byte came."""
        ports = ",".join(map(str, self.printers))
        return start("printers", module("printers", ports, self.slips), folder=self.folder)

    @property
    def slips(self) -> Path:
        """What `fakes` writes."""
        return self.folder / "slips.tsv"

    def _tables(self) -> list[str]:
        return [
            '[site]\ncode = "HEX"\nname = "Hôpital Exemple"\nlanguage = "fr"\n',
            '[store]\nurl = "sqlite:///./wardline.db"\n',
            self._platform(),
            *(_intake(mode, port) for mode, port in self.intakes.items()),
            *([_tap(self.bus)] if self.tap else []),
            *(_ward(i, port) for i, port in enumerate(self.printers)),
            '[lab]\ndevices = ["p0"]\n',
            _plan("routine", ROUTINE, self.patience),
            _plan("urgent", ROUTINE, self.patience),
            _plan("critical", CRITICAL, self.patience),
        ]

    def _platform(self) -> str:
        patience = 'probe_every = "1s"\ndown_after = "3s"\nup_after = "30s"\n'
        patience += f"handback_rate = {self.handback_rate}\n"
        if self.bus:
            place = f'kind = "amqp"\nconnect = "{self.bus}"\nexchange = "results"\n'
        elif self.platform is not None:
            place = f'kind = "mllp"\nconnect = "tcp:127.0.0.1:{self.platform}"\n'
        else:
            return ""
        return f"[platform]\n{place}{patience}"


def ward(number: int) -> str:
    return f"W{number:03d}"


def _intake(mode: str, port: int) -> str:
    return (
        f'[[intakes]]\nname = "{mode}"\nkind = "mllp"\nmode = "{mode}"\n'
        f'listen = "tcp:{port}:interface=127.0.0.1:backlog=1024"\n'
        "per_peer = 2000\nconnections = 2000\n"
    )


def _tap(bus: str) -> str:
    return (
        f'[[intakes]]\nname = "bus"\nkind = "amqp"\nmode = "tap"\nconnect = "{bus}"\n'
        'bindings = [{ exchange = "results" }]\n'
    )


def _ward(number: int, port: int) -> str:
    return (
        f'[[devices]]\nname = "p{number}"\nkind = "escpos"\nconnect = "tcp:127.0.0.1:{port}"\n'
        f'model = "TM-T20II"\n\n[[wards]]\ncode = "{ward(number)}"\nname = "Service {number}"\n'
        f'devices = ["p{number}"]\n'
    )


def _plan(name: str, steps: Sequence[tuple[str, str]], patience: str) -> str:
    lines = "".join(
        f'  {{ by = "{by}"'
        + (f', within = "{_within(by, within, patience)}"' if within else "")
        + " },\n"
        for by, within in steps
    )
    return f"[plans.{name}]\nsteps = [\n{lines}]\n"


def _within(by: str, within: str, patience: str) -> str:
    return patience if patience and by == "platform" else within
