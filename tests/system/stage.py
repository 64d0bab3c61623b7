"""A hospital as a test wants it: any site, capturing printers, and verbs without a process for each look."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from demo.hospital import Hospital, Program, free_ports
from tests.system.printer import CapturingPrinter

WARDLINE = str(Path(sys.executable).with_name("wardline"))
PLAN = (("platform", "2s"), ("slip", "4s"), ("neighbour", "4s"), ("courier", None))


@dataclass
class Stage(Hospital):
    """`captured`: printers of this process, every byte kept; else virtual ones, each a process."""

    mode: str = "relay"
    captured: bool = True
    with_platform: bool = True
    wards: Mapping[str, tuple[str, str]] = field(  # code: its printer, its neighbour
        default_factory=lambda: {"CARD": ("card", "NEURO"), "NEURO": ("neuro", "CARD")}
    )
    aliases: Mapping[str, Iterable[str]] = field(default_factory=dict)
    plan: tuple[tuple[str, str | None], ...] = PLAN
    intake: Mapping[str, object] = field(default_factory=dict)
    device: Mapping[str, object] = field(default_factory=dict)
    platform: Mapping[str, object] = field(default_factory=dict)
    store_folder: str = "."
    papers: dict[str, CapturingPrinter] = field(default_factory=dict)

    @property
    def printers(self) -> list[str]:
        return sorted({device for device, _ in self.wards.values()} | {"lab"})

    def open(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.intake_port, self.platform_port, *ports = free_ports(2 + len(self.printers))
        self.printer_ports = dict(zip(self.printers, ports, strict=True))
        if self.captured:
            self.papers = {name: CapturingPrinter() for name in self.printers}
            self.printer_ports = {name: p.port for name, p in self.papers.items()}
        self.config = self.folder / "site.toml"
        self.config.write_text(self._site(), "utf-8")
        self.store = self.folder / self.store_folder / "wardline.db"
        self._start_all()

    def _start_all(self) -> None:
        commands: dict[str, tuple[str, ...]] = {}
        if self.with_platform:
            commands["platform"] = self._platform_command()
        for name, port in () if self.captured else self.printer_ports.items():
            listen = f"tcp:{port}:interface=127.0.0.1"
            out = str(self.folder / name)
            commands[name] = (
                *(WARDLINE, "printer", "--listen", listen, "--out", out),
                *("--speed", str(self.speed), "--name", name),
            )
        for name, command in commands.items():
            self._launch(name, *command)
        for name in commands:
            self._ready(name)
        self.start_wardline()

    def _platform_command(self) -> tuple[str, ...]:
        listen = f"tcp:{self.platform_port}:interface=127.0.0.1"
        log = str(self.folder / "platform.jsonl")
        return (sys.executable, "-m", "demo.standin", "--listen", listen, "--log", log)

    def start_platform(self) -> None:
        self._launch("platform", *self._platform_command())
        self._ready("platform")

    def start_wardline(self) -> None:
        self._launch("wardline", WARDLINE, "run", "--config", str(self.config))
        self._ready("wardline")

    def _launch(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        before = self.programs.get(name)
        if before is not None:
            before.stop()
        self.programs[name] = Program(name=name, process=process)

    def _ready(self, name: str) -> None:
        process = self.programs[name].process
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready", self.log(name)[-2000:]

    def close(self) -> None:
        for program in reversed(self.programs.values()):
            program.process.terminate()
        super().close()
        for paper in self.papers.values():
            paper.close()

    # -- what a person would look at

    @property
    def wardline(self) -> subprocess.Popen[str]:
        return self.programs["wardline"].process

    def log(self, name: str = "wardline") -> str:
        return (self.folder / f"{name}.log").read_text("utf-8")

    def events(self, *said: str) -> list[dict[str, Any]]:
        """Lines of Wardline's log with one of these events."""
        lines = (json.loads(line) for line in self.log().splitlines() if line.startswith("{"))
        return [line for line in lines if not said or line.get("event") in said]

    def sender(self) -> Sender:
        return Sender(self.intake_port)

    def verb(self, *words: str) -> Any:
        """A `wardline` verb with --json on this site, in this process: starting one takes a second."""
        from gateway.cli import main

        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main([*words, "--config", str(self.config), "--json"]) == 0
        return json.loads(out.getvalue())

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.verb("status")
        return found

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.verb("messages")
        return found

    def by_id(self) -> dict[str, dict[str, Any]]:
        return {message["control_id"]: message for message in self.messages()}

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.tell("report"))
        return found

    def paper(self) -> list[str]:
        """The text of every slip that came out anywhere."""
        if self.captured:
            return [slip.text for paper in self.papers.values() for slip in paper.slips]
        return [s.read_text("utf-8") for name in self.printers for s in self.slips(name)]

    def memory(self) -> int:
        """The most memory Wardline ever held, bytes."""
        status = Path(f"/proc/{self.wardline.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]

    def delivered(self, ids: Iterable[str], *, within: float = 20.0) -> None:
        """Wait until each of these messages has reached somebody."""
        wanted = set(ids)

        def all_there() -> bool:
            known = self.by_id()
            assert wanted <= set(known), f"acknowledged and gone: {sorted(wanted - set(known))[:5]}"
            return all(known[each]["state"] in ("delivered", "superseded") for each in wanted)

        self.until("every message is delivered", all_there, within=within)

    def _site(self) -> str:
        return "\n".join(self._tables())

    def _tables(self) -> Iterator[str]:
        yield '[site]\ncode = "HEX"\nname = "Hôpital Exemple"\ndata = "./var"\n'
        store = self.folder / self.store_folder / "wardline.db"
        yield f'[store]\nurl = "sqlite:///{store}"\n'
        if self.with_platform:
            table = {
                "kind": "mllp",
                "connect": f"tcp:127.0.0.1:{self.platform_port}",
                "probe_every": "200ms",
                "down_after": "1s",
                "up_after": "1s",
            }
            yield _table("[platform]", table | dict(self.platform))
        listen = f"tcp:{self.intake_port}:interface=127.0.0.1"
        table = {"kind": "mllp", "name": "lab", "listen": listen, "mode": self.mode}
        yield _table("[[intakes]]", table | dict(self.intake))
        for name, port in self.printer_ports.items():
            table = {"kind": "escpos", "name": name, "connect": f"tcp:127.0.0.1:{port}"}
            yield _table("[[devices]]", table | {"model": "TM-T20II"} | dict(self.device))
        for code, (device, neighbour) in self.wards.items():
            table = {"code": code, "name": f"Service {code}", "devices": [device]}
            table |= {"neighbours": [neighbour]} if neighbour else {}
            table |= {"aliases": list(self.aliases[code])} if code in self.aliases else {}
            yield _table("[[wards]]", table)
        yield '[lab]\ndevices = ["lab"]\nphone = "4242"\n'
        plan = [by if by[0] != "platform" or self.with_platform else None for by in self.plan]
        steps = ", ".join(_step(*step) for step in plan if step is not None)
        for name in ("routine", "urgent", "critical"):
            yield f"[plans.{name}]\nsteps = [{steps}]\n"


def _step(by: str, within: str | None) -> str:
    return f'{{ by = "{by}"' + (f', within = "{within}" }}' if within else " }")


def _table(head: str, keys: Mapping[str, object]) -> str:
    return "\n".join([head, *(f"{k} = {json.dumps(v)}" for k, v in keys.items()), ""])


class Sender:
    """A laboratory's connection. Answers are (MSA-1, MSA-2), in the order they came."""

    def __init__(self, port: int, *, within: float = 10.0, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5, (source, 0))
        self.socket.settimeout(within)
        self._rest = b""
        self.frames: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def push(self, raw: bytes) -> None:
        """Send a message and do not wait."""
        self.socket.sendall(b"\x0b" + raw + b"\x1c\r")

    def answer(self) -> tuple[str, str]:
        """The next acknowledgement. Raises ConnectionError when the connection ends before."""
        while b"\x1c\r" not in self._rest:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed without an answer")
            self._rest += data
        frame, _, self._rest = self._rest.partition(b"\x1c\r")
        self.frames.append(frame)
        return acknowledged(frame)

    def send(self, raw: bytes) -> tuple[str, str]:
        self.push(raw)
        return self.answer()

    def play(self, stream: bytes) -> list[tuple[str, str]]:
        """Send these bytes and no more; all that is answered."""
        with contextlib.suppress(ConnectionError):  # it may have closed on us already
            self.socket.sendall(stream)
            self.socket.shutdown(socket.SHUT_WR)
        return self.rest()

    def rest(self) -> list[tuple[str, str]]:
        """Whatever is still answered until the connection is closed from the other side."""
        found = []
        with contextlib.suppress(ConnectionError, TimeoutError):
            while True:
                found.append(self.answer())
        return found


def acknowledged(frame: bytes) -> tuple[str, str]:
    found = re.search(rb"\rMSA(.)([A-Z]{2})\1([^\r]*?)(?:\1|\r|$)", frame, re.DOTALL)
    assert found is not None, f"not an acknowledgement: {frame[:80]!r}"
    return found[2].decode(), found[3].decode("utf-8", "replace")


def balanced(stage: Stage) -> None:
    """Nobody changed the journal, and the counts are those of the messages."""
    assert "none altered" in stage.tell("journal", "verify")
    counted = Counter(message["state"] for message in stage.messages())
    told = stage.status()["counts"]
    assert {state: n for state, n in told.items() if n} == dict(counted)
