"""The scene with a telephone: a real Asterisk rings it, it hears a critical value, and keys it back."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import laboratory as lab
from demo.hospital import DidNotHappen, Hospital
from demo.telephone.exchange import SECRET, Exchange, Missing, unpacked
from demo.teller import Teller
from gateway.asterisk.access import hashed
from gateway.asterisk.files import Numbers

WARD_PHONE, CODE, PIN = "4711", "1007", "271828"
#: What the nurse presses: a person is there, who, their PIN, "I have it", and the value (star: comma).
KEYS = ("1", f"{CODE}#", f"{PIN}#", "1", "6*8#")
ENGINE = "espeak-ng"


@dataclass
class RingingHospital(Hospital):
    """Wardline with an Asterisk beside it, and one telephone in Cardiologie."""

    exchange: Exchange | None = None

    def open(self) -> None:
        shutil.rmtree(self.asterisk_folder, ignore_errors=True)
        table: dict[str, Any] = {"allow": ["4XXX"], "caller": "4240", "ring": "20s"}
        self.exchange = Exchange(
            self.asterisk_folder,
            tree=unpacked(),
            phones=(WARD_PHONE,),
            lines=({"number": "4242"},),
            numbers=Numbers(phones=(WARD_PHONE,)),
            **table,
        ).start()
        super().open()

    @property
    def asterisk_folder(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-asterisk")

    def close(self) -> None:
        super().close()
        if self.exchange is not None:
            self.exchange.stop()

    def give_telephone(self) -> None:
        """A telephone registers and waits for one call."""
        assert self.exchange is not None
        self._start(
            *("telephone", sys.executable, "-m", "demo.telephone"),
            *("--server", f"127.0.0.1:{self.exchange.sip_port}", "--number", WARD_PHONE),
            *("--password", SECRET, "--out", str(self.folder / "telephone"), *KEYS),
        )

    def transcript(self) -> str:
        path = self.folder / "telephone" / "transcript.txt"
        return path.read_text("utf-8") if path.exists() else ""

    def acknowledgements(self) -> list[sqlite3.Row]:
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            store.row_factory = sqlite3.Row
            return store.execute("SELECT * FROM acknowledgement ORDER BY id").fetchall()

    def _site(self) -> str:
        assert self.exchange is not None
        person = (
            f'[[people]]\ncode = "{CODE}"\nname = "Inès Morel"\nwards = ["CARD"]\n'
            f'pin = "{hashed(PIN, code=CODE)}"\n\n'
        )
        calls = 'calls = [{ by = "call", to = "ward", within = "120s" }, { by = "courier" }]\n'
        site = super()._site().replace("[plans.critical]\n", f"[plans.critical]\n{calls}")
        ward = 'code = "CARD"\n'
        site = site.replace(ward, f'{ward}phone = "{WARD_PHONE}"\n')
        # The lab's number in the other scenes is no telephone of this one.
        site = site.replace('phone = "4242"\n', "")
        return site + person + _toml("telephony", self.exchange.table)


class RingingStory:
    """One scene: paper and telephone at once, and the escalation ends when a person has it."""

    def __init__(self, hospital: RingingHospital) -> None:
        self.hospital = hospital
        self.tell = Teller(hospital)

    def play(self) -> None:
        self.tell.scene("A third hospital: Wardline telephones, through a real Asterisk")
        self.hospital.open()
        self.hospital.give_telephone()
        self.tell.say("a telephone has registered in Cardiologie; the platform fails")
        self.hospital.kill("platform")
        raw = lab.result("T-CRIT", lab.ELOISE, lab.potassium("6.8", "HH"), order="289999")
        if (code := self.hospital.send(raw)) != "AA":
            raise DidNotHappen(f"the critical result was answered {code}")
        self.tell.until("a critical potassium, 6.8 mmol/L, is on paper", self._on_paper)
        self.tell.until("and the telephone rings", lambda: "rings" in self.hospital.transcript())
        self.tell.until(
            "it was answered, heard, keyed back and acknowledged",
            self.hospital.acknowledgements,
            within=150,
        )
        self.tell.until("the call has ended", lambda: "hung up" in self.hospital.transcript())
        for line in self.hospital.transcript().splitlines():
            print(f"        | {line}")
        self._said()
        self.tell.until("nothing more is to be called", self._settled)
        print(f"    {self.hospital.folder / 'telephone' / 'call.wav'}", flush=True)

    def _on_paper(self) -> bool:
        slips = self.hospital.slips("cardio-slip")
        return any("6.8" in slip.read_text("utf-8") for slip in slips)

    def _said(self) -> None:
        """The record that ISO 15189:2022 7.4.1.3 asks for."""
        (record,) = self.hospital.acknowledgements()
        self.tell.say(f"{record['name']} ({record['person']}) heard:")
        print(f"        « {record['conveyed']} »")
        keyed = ", ".join(json.loads(record["keyed"]))
        self.tell.check(f"and keyed back: {keyed}", record["read_back"] == "ok")

    def _settled(self) -> bool:
        rows = [m for m in self.hospital.messages() if m["control_id"] == "T-CRIT"]
        return all(d["state"] not in ("open", "sending") for m in rows for d in m["deliveries"])


def missing() -> str:
    """What is not here, in one line; "" when the scene can be played."""
    if shutil.which(ENGINE) is None:
        return f"sudo apt-get install {ENGINE}"
    try:
        unpacked()
    except Missing as missing:
        return str(missing)
    return ""


def _toml(name: str, table: dict[str, Any]) -> str:
    """A table as TOML: inner tables last, as TOML wants them."""
    plain = {k: v for k, v in table.items() if not isinstance(v, dict)}
    lines = [f"[{name}]", *(f"{key} = {_value(value)}" for key, value in plain.items()), ""]
    inner = (_toml(f"{name}.{k}", v) for k, v in table.items() if isinstance(v, dict))
    return "\n".join([*lines, *inner])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
