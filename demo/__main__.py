"""`make demo`: the main job played with real processes on this machine, and told as it happens."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from demo import broker, ringing
from demo import laboratory as lab
from demo.bus import BusHospital, BusStory
from demo.hospital import CODE, PIN, DidNotHappen, Hospital
from demo.post import PostHospital, PostStory
from demo.ringing import RingingHospital, RingingStory
from demo.teller import Teller, waiting

#: What comes out on paper in the story, and which of it is a correction.
CORRECTION = "D0011"
PRINTED = frozenset({"D0010", CORRECTION, "D0020", "D0030", "D0040"})


def main() -> int:
    """0 when every step of the story happened, 1 when one did not."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play it and end")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"))
    options = parser.parse_args()
    folder = options.folder.absolute()
    hospital = Hospital(folder=folder, wait=waiting)
    beside = BusHospital(folder=folder.with_name(f"{folder.name}-bus"), wait=waiting)
    phones = RingingHospital(folder=folder.with_name(f"{folder.name}-phone"), wait=waiting)
    began = time.monotonic()
    try:
        if broker.is_there():
            beside.launch_broker()  # it needs some seconds, and has them until its scene
        hospital.open()
        Story(hospital).play()
        _post_scene(folder)
        _bus_scene(beside)
        _telephone_scene(phones)
        print(f"\nAll of it happened, in {time.monotonic() - began:.0f} s.")
        if not options.once:
            _stay(hospital)
    except DidNotHappen as failure:
        print(f"\nIt did not happen: {failure}\nLogs: {folder}*/*.log")
        return 1
    except KeyboardInterrupt:
        print()
    finally:
        phones.close()
        beside.close()
        hospital.close()
    return 0


def _post_scene(folder: Path) -> None:
    post = PostHospital(folder=folder.with_name(f"{folder.name}-mail"), wait=waiting)
    try:
        PostStory(post).play()
    finally:
        post.close()


def _bus_scene(hospital: BusHospital) -> None:
    if hospital.broker is None:
        print(
            "\n* There is one more scene, with a message bus, where RabbitMQ is installed:\n"
            f"    sudo apt-get install {broker.PACKAGE}"
        )
        return
    try:
        BusStory(hospital).play()
    finally:
        hospital.close()


def _telephone_scene(hospital: RingingHospital) -> None:
    if lacking := ringing.missing():
        print(f"\n* There is one more scene, with a telephone that rings:\n    {lacking}")
        return
    try:
        RingingStory(hospital).play()
    finally:
        hospital.close()


class Story:
    """Seven scenes; each says what it does, does it, and checks that it happened."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.tell = Teller(hospital)

    def play(self) -> None:
        self.quiet_morning()
        self.platform_dies()
        self.correction()
        self.paper_out()
        self.nobody_can_print()
        self.wardline_is_killed()
        self.platform_returns()
        self.balance()

    def quiet_morning(self) -> None:
        self.tell.scene("The platform is up: Wardline passes everything through and keeps a copy")
        self._send(lab.admission("D0001", lab.AICHA, ward="CARD"), "an admission to Cardiologie")
        for number in range(2, 6):
            analytes = (lab.potassium(f"4.{number}"), lab.SODIUM, lab.CREATININE)
            raw = lab.result(f"D000{number}", lab.ELOISE, *analytes, order=f"26000{number}")
            self._send(raw, f"result D000{number}")
        self.tell.until(
            "the platform has confirmed all five", lambda: len(self._at_platform()) == 5
        )
        self.tell.check("no paper came out", not self._all_slips())

    def platform_dies(self) -> None:
        self.tell.scene("The platform's power fails, in the middle of the morning")
        self.hospital.kill("platform")
        self.tell.say("killed: no warning, no goodbye")
        sent = time.monotonic()
        self._send(
            lab.result(
                "D0010",
                lab.ELOISE,
                lab.potassium("6.8", "HH"),
                lab.SODIUM,
                lab.CRP,
                order="260010",
                note="Prélèvement non hémolysé, contrôlé. À l'attention de l'interne de garde",
            ),
            "a critical potassium, 6.8 mmol/L",
        )
        slip = self._slip("cardio-slip", "6.8")
        self.tell.say(
            f"on paper in the ward, proved by the printer: {time.monotonic() - sent:.1f} s"
        )
        self.tell.show(slip)
        text = slip.read_text("utf-8")
        self.tell.check(
            "it says MODE DÉGRADÉ and CRITIQUE", "MODE DÉGRADÉ" in text and "CRITIQUE" in text
        )
        self.tell.until(
            "the watch has called the outage",
            lambda: self.hospital.status()["platform"]["state"] == "down",
        )
        self.tell.until("every ward was told", lambda: len(self._slips_with("DÉGRADÉ")) >= 3)

    def correction(self) -> None:
        self.tell.scene("The laboratory corrects the potassium")
        self._send(
            lab.result("D0011", lab.ELOISE, lab.potassium("5.9", "H"), order="260010", status="C"),
            "the correction: 5.9 mmol/L",
        )
        slip = self._slip("cardio-slip", "CORRECTION")
        self.tell.show(slip)
        text = slip.read_text("utf-8")
        self.tell.check("it shows old and new", "6.8" in text and "5.9" in text)
        self._proved("D0011")

    def paper_out(self) -> None:
        self.tell.scene("Cardiologie's printer runs out of paper")
        self.hospital.programs["cardio-slip"].say("paper out")
        self.tell.until(
            "Wardline has noticed", lambda: "media-empty" in self._device("cardio-slip"), within=25
        )
        self._send(
            lab.result("D0020", lab.RAPHAEL, lab.potassium("2.4", "LL"), order="260020"),
            "a critical potassium, 2.4 mmol/L",
        )
        slip = self._slip("neuro-slip", "2.4")
        self.tell.say("the neighbour printed it and says for whom and why")
        self.tell.show(slip)
        self._proved("D0020")
        self.hospital.programs["cardio-slip"].say("paper in")

    def nobody_can_print(self) -> None:
        self.tell.scene("The network to both wards is cut: somebody has to walk")
        for name in ("cardio-slip", "neuro-slip"):
            self.hospital.programs[name].say("cut off")
        self._send(
            lab.result("D0030", lab.AICHA, lab.potassium("7.1", "HH"), ward="", order="260030"),
            "a critical potassium without a place: ADT knows where the patient is",
        )
        slip = self._slip("lab-slip", "COURSIER", within=45)
        self.tell.show(slip)
        self._proved("D0030")
        for name in ("cardio-slip", "neuro-slip"):
            self.hospital.programs[name].say("plug in")

    def wardline_is_killed(self) -> None:
        self.tell.scene("Wardline itself is killed, and starts again on the same store")
        self._send(
            lab.result("D0040", lab.ELOISE, lab.SODIUM, order="260040"), "a sodium, and at once"
        )
        self.hospital.kill("wardline")
        self.tell.say("killed (kill -9) after its acknowledgement")
        self.hospital.start_wardline()
        self.tell.until(
            "the sodium is on paper all the same", lambda: self._slips_with("260040"), within=30
        )

    def platform_returns(self) -> None:
        self.tell.scene(
            "The platform returns: everything goes back, in order, marked, printed no more"
        )
        before = len(self._all_slips())
        self.hospital.start_platform()
        self.tell.until(
            "the platform has all of it",
            lambda: {x["control_id"] for x in self._at_platform()} >= PRINTED and not self._owed(),
            within=60,
        )
        marked = {x["control_id"] for x in self._marked()}
        self.tell.check(
            "each says where it was delivered; the correction was owed to the platform beside paper",
            marked >= PRINTED - {CORRECTION},
        )
        printed = [s for s in self._all_slips()[before:] if "DÉGRADÉ" not in s.read_text("utf-8")]
        self.tell.say(f"{len(printed)} slips since: the end of the outage, told to every ward")

    def balance(self) -> None:
        self.tell.scene("Balance")
        counts = self.hospital.status()["counts"]
        print("    " + ", ".join(f"{number} {state}" for state, number in counts.items()))
        self.tell.check("nothing is open", counts["open"] == 0)
        print("    " + self.hospital.tell("journal", "verify").strip())
        report = self.hospital.folder / "report.pdf"
        self.hospital.tell("report", "--format", "pdf", "--output", str(report))
        print(f"    who received what: {report}")
        for slip in self._all_slips():
            print(f"    {slip.with_suffix('.png')}")

    # -- telling

    def _send(self, raw: bytes, what: str) -> None:
        code = self.hospital.send(raw)
        if code != "AA":
            raise DidNotHappen(f"{what} was answered {code}")
        self.tell.say(f"the laboratory sends {what}: {code}")

    def _proved(self, control_id: str) -> None:
        """Until its printer has said so: whoever touches the printer before makes it uncertain."""

        def delivered() -> bool:
            rows = [m for m in self.hospital.messages() if m["control_id"] == control_id]
            papers = [d for m in rows for d in m["deliveries"] if d["purpose"] == "ward"]
            return bool(papers) and all(d["state"] == "delivered" for d in papers)

        self.tell.until(f"{control_id} is proved to be on paper", delivered)

    # -- looking

    def _slip(self, printer: str, words: str, *, within: float = 20.0) -> Path:
        def found() -> list[Path]:
            slips = self.hospital.slips(printer)
            return [s for s in slips if words in s.read_text("utf-8")]

        slips: list[Path] = self.hospital.until(f"a slip on {printer}", found, within=within)
        return slips[-1]

    def _all_slips(self) -> list[Path]:
        return [s for name in self.hospital.printer_ports for s in self.hospital.slips(name)]

    def _slips_with(self, words: str) -> list[Path]:
        return [s for s in self._all_slips() if words in s.read_text("utf-8")]

    def _device(self, name: str) -> list[str]:
        reasons: list[str] = self.hospital.status()["devices"][name]["reasons"]
        return reasons

    def _at_platform(self) -> list[dict[str, Any]]:
        return self.hospital.at_platform()

    def _marked(self) -> list[dict[str, Any]]:
        return [x for x in self._at_platform() if "ZWL" in x["raw"]]

    def _owed(self) -> bool:
        return any(
            d["to"] == "PLATFORM" and d["state"] in ("open", "held", "sending")
            for m in self.hospital.messages()
            for d in m["deliveries"]
        )


def _stay(hospital: Hospital) -> None:
    config = hospital.config
    print(
        f"""
It stays up; Ctrl-C ends it. To play with it, in another terminal:
    wardline send FILE --to tcp:127.0.0.1:{hospital.intake_port}
    wardline status --config {config}
    wardline messages --config {config}
    wardline outage begin --config {config} --reason "exercice"
In a browser: http://127.0.0.1:{hospital.console_port}/ (code {CODE}, PIN {PIN}).
Slips come out under {hospital.folder}/. Or type here: PRINTER WORDS ("cardio-slip paper out"),
or platform WORDS ("platform hang"); "help" after a name lists its words."""
    )
    for line in sys.stdin:
        name, _, words = line.strip().partition(" ")
        program = hospital.programs.get(name)
        if program is None:
            print(f"    there is {', '.join(hospital.programs)}")
        else:
            program.say(words)
    while True:  # no terminal: stay until told to end
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
