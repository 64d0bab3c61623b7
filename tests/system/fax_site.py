"""A site that faxes: a real `wardline run`, its Asterisk, and the exchange with the machines behind it.

Every file that Wardline gives to Asterisk is kept aside, to be compared with what a machine received.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time

from gateway.asterisk.files import Numbers
from tests.system import fax_machines as machines
from tests.system.asterisk import Asterisk, free_ports
from tests.system.stage import Stage

INWARD = "4301"  # faxed to this number, a page comes out in ward IN


class FaxSite(Stage):
    """`faxes`: the number of each ward's fax, by the ward's code. One without a `station` is untested."""

    def prepare(self, faxes, *, untested=()):
        self.faxes, self.untested = faxes, untested
        self.folder.mkdir(parents=True, exist_ok=True)
        (port,) = free_ports(1, socket.SOCK_DGRAM)
        self.more = {
            "allow": ["XXX", "01XXXXXXXX"],
            "trunk": {"host": f"{machines.EXCHANGE}:{port}", "match": [machines.EXCHANGE]},
            "faxes": [{"number": INWARD, "ward": "IN"}],
            "fax_lines": 20,
        }
        self.asterisk = Asterisk(
            self.folder.with_name(self.folder.name + "-asterisk"),
            numbers=Numbers(faxes=list(faxes.values()), site="HOPITAL EXEMPLE"),
            **self.more,
        )
        self.exchange = machines.Machines(
            self.folder.with_name(self.folder.name + "-exchange"),
            port=port,
            wardline=self.asterisk.sip_port,
        )
        # Where a machine keeps silent for ever; a test has not so long a patience.
        extensions = self.asterisk.folder / "etc/extensions.conf"
        text = extensions.read_text()
        assert "TIMEOUT(absolute)=900" in text
        extensions.write_text(text.replace("TIMEOUT(absolute)=900", "TIMEOUT(absolute)=40"))
        self.asterisk.start()
        self.exchange.start()
        self.kept = self.folder.with_name(self.folder.name + "-kept")
        self.kept.mkdir()
        self._keeping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        return self

    def close(self):
        super().close()
        self._keeping.set()
        self._keeper.join(5)
        self.asterisk.close()
        self.exchange.close()

    def _keep(self):
        out = self.asterisk.folder / "spool/wardline/fax-out"
        while not self._keeping.wait(0.02):
            for path in out.glob("*.tif"):
                with contextlib.suppress(OSError):
                    os.link(path, self.kept / path.name)

    @property
    def printers(self):
        return ["lab", "in"]

    def _tables(self):
        yield '[site]\ncode = "HEX"\nname = "Hôpital Exemple"\ndata = "./var"\n'
        yield f'[store]\nurl = "sqlite:///{self.store_path}"\n'
        listen = f"tcp:{self.intake_port}:interface=127.0.0.1"
        yield _table(
            "[[intakes]]", {"kind": "mllp", "name": "lab", "listen": listen, "mode": "direct"}
        )
        for name, port in self.printer_ports.items():
            yield _table(
                "[[devices]]",
                {"kind": "escpos", "name": name, "connect": f"tcp:127.0.0.1:{port}"}
                | {"model": "TM-T20II"},
            )
        for code, number in self.faxes.items():
            device = {"kind": "fax", "name": f"fax-{code}", "ring": "8s"}
            if code not in self.untested:
                device["station"] = number if number != machines.STRANGER else "0155501111"
            yield _table("[[devices]]", device)
            yield _table(
                "[[wards]]",
                {"code": code, "name": f"Service {code}", "devices": [f"fax-{code}"]}
                | {"fax": number},
            )
        yield _table("[[wards]]", {"code": "IN", "name": "Service IN", "devices": ["in"]})
        yield '[lab]\ndevices = ["lab"]\nphone = "4242"\n'
        settings = self.asterisk.settings
        table = {
            "ami": settings.ami,
            "agi": settings.agi,
            "secret_file": str(self.asterisk.folder / "secret"),
            "pbx": {"spool": str(settings.pbx.spool), "etc": str(settings.pbx.etc)},
        }
        yield _table("[telephony]", table | self.more)
        for name in ("routine", "urgent", "critical"):
            first = "slip" if name == "urgent" else "fax"  # received faxes are urgent
            steps = f'{{ by = "{first}", within = "90s" }}, {{ by = "courier" }}'
            yield f"[plans.{name}]\nsteps = [{steps}]\n"

    @property
    def store_path(self):
        return self.folder / self.store_folder / "wardline.db"

    def results(self, ward, *, critical=False, control_id="", analytes=1):
        """A short result for a ward's fax. What is critical waits for nobody: the next step is the lab."""
        flag, value = ("HH", "6.9") if critical else ("", "4.1")
        more = "".join(
            f"OBX|{n}|NM|X{n}^Analyte {n}||{n}.5|mmol/L|1-90||||F\r" for n in range(2, analytes + 1)
        )
        return (
            f"MSH|^~\\&|SIL|LABO|W|H|20240803110000||ORU^R01|{control_id or ward}|P|2.5||||||UNICODE UTF-8\r"
            f"PID|1||69102274^^^H^PI||LEFÈBVRE^Éloïse||19530422|F\rPV1|1|I|{ward}^12^A\r"
            f"OBR|1|P{ward}|{ward}|24323-8^Bilan|||20240803103000\r"
            f"OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|3.5-5.1|{flag}|||F\r{more}"
        ).encode()

    def attempts(self, control_id):
        """Of its deliveries: (channel, outcome, detail), oldest first."""
        found = self.by_id().get(control_id, {"deliveries": []})
        return [
            (delivery["to"], attempt["outcome"], attempt["detail"])
            for delivery in found["deliveries"]
            for attempt in delivery["attempts"]
        ]

    def patiently(self, what, there, *, within, alive=True):
        until = time.monotonic() + within
        while not there():
            assert not alive or self.wardline.poll() is None, self.log()[-3000:]
            assert time.monotonic() < until, f"{what}: did not happen\n{self.log()[-3000:]}"
            time.sleep(0.3)


def _table(head, keys):
    return "\n".join([head, *(f"{k} = {_value(v)}" for k, v in keys.items()), ""])


def _value(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
