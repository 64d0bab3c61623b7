"""The scene with a message bus: a RabbitMQ of the demo's own freezes under traffic, and comes back."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo import laboratory as lab
from demo.broker import Broker, DidNotStart
from demo.hospital import DidNotHappen, Hospital, free_ports
from demo.teller import Teller

#: Results a second while the scene lasts.
RATE = 4.0


@dataclass
class BusHospital(Hospital):
    """Wardline stands between the laboratory and a bus; the wards' software listens there."""

    broker: Broker | None = None

    def launch_broker(self) -> None:
        """Start the bus and do not wait: it takes some seconds."""
        folder = self.folder.with_name(f"{self.folder.name}-rabbitmq")
        shutil.rmtree(folder, ignore_errors=True)
        self.broker = Broker(folder=folder, ports=free_ports(3))
        self.broker.launch()

    def start_platform(self) -> None:
        try:
            self.bus.wait()
        except DidNotStart as failure:
            raise DidNotHappen(f"RabbitMQ did not start: {failure}") from failure
        self._start(
            *("receivers", sys.executable, "-m", "demo.standin.bus", "--url", self.bus.url),
            *("--log", str(self._received)),
        )

    def close(self) -> None:
        super().close()
        if self.broker is not None:
            self.broker.close()

    @property
    def bus(self) -> Broker:
        assert self.broker is not None
        return self.broker

    def received(self) -> list[dict[str, Any]]:
        """What the wards' software has from the bus."""
        if not self._received.exists():
            return []
        return [json.loads(line) for line in self._received.read_text("utf-8").splitlines()]

    @property
    def _received(self) -> Path:
        return self.folder / "receivers.jsonl"

    def _platform(self) -> str:
        return f'kind = "amqp"\nconnect = "{self.bus.endpoint}"\nexchange = "results"'


class Traffic(threading.Thread):
    """Results of many patients, `RATE` a second, until told to end."""

    def __init__(self, hospital: Hospital) -> None:
        super().__init__(daemon=True)
        self.sent: list[str] = []
        self.refused: list[str] = []
        self._hospital = hospital
        self._over = threading.Event()

    def run(self) -> None:
        wards = ("CARD", "NEURO")
        while not self._over.wait(1 / RATE):
            number = len(self.sent) + len(self.refused)
            control_id, order = f"B{number:04}", f"27{number:04}"
            patient = lab.Patient(
                ipp=f"7000{number:04}", name=f"MARTIN^Zoé-{number}", born="19700101", sex="F"
            )
            raw = lab.result(
                control_id, patient, lab.SODIUM, lab.CRP, ward=wards[number % 2], order=order
            )
            try:
                code = self._hospital.send(raw)
            except (OSError, DidNotHappen) as failure:
                code = str(failure)
            (self.sent if code == "AA" else self.refused).append(control_id)

    def end(self) -> None:
        self._over.set()
        self.join(15)


class BusStory:
    """One scene: the bus freezes, paper comes out, the bus returns, and the books balance."""

    def __init__(self, hospital: BusHospital) -> None:
        self.hospital = hospital
        self.tell = Teller(hospital)
        self.traffic = Traffic(hospital)

    def play(self) -> None:
        self.tell.scene("Another hospital: its results travel on a message bus, a real RabbitMQ")
        self.hospital.open()
        self.traffic.start()
        try:
            self.tell.until(
                "the laboratory sends, and the wards' software receives from the bus",
                lambda: len(self.hospital.received()) >= 5,
            )
            self.tell.check("no paper came out", not self._paper())
            try:
                self.freezes()
            finally:
                self.hospital.bus.thaw()
            self.returns()
        finally:
            self.traffic.end()
        self.balance()

    def freezes(self) -> None:
        self.tell.say("the bus freezes under traffic: connections stay open, nothing answers")
        self.hospital.bus.freeze()
        frozen, wall = time.monotonic(), datetime.now(UTC)
        raw = lab.result("B-CRIT", lab.ELOISE, lab.potassium("6.9", "HH"), order="279999")
        if (code := self.hospital.send(raw)) != "AA":
            raise DidNotHappen(f"the critical result was answered {code}")
        slip = self.hospital.until("the critical slip", lambda: self._slip("6.9"))
        self.tell.say(f"a critical potassium is on paper {time.monotonic() - frozen:.1f} s later")
        self.tell.show(slip)
        self.tell.until("the watch has called the outage", lambda: self._platform("down"))
        platform = self.hospital.status()["platform"]
        took = (datetime.fromisoformat(platform["since"]) - wall).total_seconds()
        self.tell.say(f"called after {took:.1f} s: {platform['reason']}")
        self.tell.until("the results that come now go to paper", lambda: len(self._results()) > 3)

    def returns(self) -> None:
        self.tell.say("the bus wakes; traffic goes on")
        self.tell.until("the outage has ended", lambda: self._platform("up"), within=40)
        self.traffic.end()
        self.tell.check("every result was acknowledged to the laboratory", not self.traffic.refused)
        sent = {*self.traffic.sent, "B-CRIT"}
        self.tell.until(
            f"the wards' software has all {len(sent)} results",
            lambda: sent <= {got["control_id"] for got in self.hospital.received()},
            within=40,
        )
        received = self.hospital.received()
        marked = [got for got in received if "wardline-handback" in got["said"]]
        self.tell.check(f"{len(marked)} of them handed back, each saying what became of it", marked)
        self.tell.check("none came twice without saying so", not unmarked_twice(received))

    def balance(self) -> None:
        self.hospital.until("nothing is open", lambda: not self.hospital.status()["counts"]["open"])
        report = json.loads(self.hospital.tell("report", "--format", "json"))
        totals = report["totals"]
        words = ("delivered", "open", "superseded", "refused")
        self.tell.say(
            f"{totals['in']} in = " + " + ".join(f"{totals[word]} {word}" for word in words)
        )
        self.tell.check("the report of the outage balances", totals["balanced"])
        self.tell.check("nobody is without a result", not report["nobody"])

    def _platform(self, state: str) -> bool:
        found: str = self.hospital.status()["platform"]["state"]
        return found == state

    def _paper(self) -> list[Path]:
        return [s for name in self.hospital.printer_ports for s in self.hospital.slips(name)]

    def _results(self) -> list[Path]:
        return [s for s in self._paper() if "Demande 27" in s.read_text("utf-8")]

    def _slip(self, words: str) -> Path | None:
        return next((s for s in self._paper() if words in s.read_text("utf-8")), None)


def unmarked_twice(received: list[dict[str, Any]]) -> list[str]:
    """Control ids that came more often than once without saying so."""
    plain = Counter(
        got["control_id"] for got in received if not got["said"] and not got["redelivered"]
    )
    return [control_id for control_id, times in plain.items() if times > 1]
