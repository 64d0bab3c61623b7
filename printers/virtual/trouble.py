"""The words with which a person gives the printer trouble, typed or over the control endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from printers.virtual.condition import Paper

if TYPE_CHECKING:
    from printers.virtual.printer import VirtualPrinter

HELP = """\
paper out [after N]   the roll ends (after N more lines)
paper low | paper in  nearly at its end | a new roll
cover open | close
cutter jam | free     the next cut gets stuck | the blade is free again
offline | online      taken off line at its panel
cut off [after N]     the cable is pulled (after N more bytes): links break, connections are refused
cut off at mark       pulled when all is printed and the proof is about to be sent
die [after N]         power fails (after N more bytes): what is not printed yet is lost
plug in               cable and power are back
mute | unmute         prints, but answers nothing
freeze | thaw         does nothing and reads nothing, link open
tear                  somebody tears off the paper
speed N               mm per second, 0 for at once
status | help"""


def give(printer: VirtualPrinter, words: str) -> str:
    """Carry out one line of words; the answer, one or more lines. `ValueError`: not understood."""
    line = " ".join(words.lower().split())
    for pattern, act in _WORDS.items():
        if match := re.fullmatch(pattern, line):
            return act(printer, int(match[1]) if match.re.groups and match[1] else 0) or "ok"
    raise ValueError(f"not understood: {line!r} (try: help)")


def status(printer: VirtualPrinter) -> str:
    """How it is, in one line."""
    machine = printer.machine
    flags = {
        "no power": not machine.powered,
        "cut off": printer.hosts.refusing,
        "muted": machine.muted,
        "frozen": machine.frozen,
    }
    parts = [str(machine.condition), *(word for word, true in flags.items() if true)]
    parts += [f"{machine.waiting} bytes waiting", f"{printer.hosts.count} hosts"]
    return f"{printer.name} ({machine.model.name}): {', '.join(parts)}, {machine.printed} slips"


Act = Callable[["VirtualPrinter", int], str | None]


def _condition(**changes: object) -> Act:
    """Set attributes of the machine's condition, and let it notice."""

    def act(printer: VirtualPrinter, _: int) -> None:
        for name, value in changes.items():
            setattr(printer.machine.condition, name, value)
        printer.machine.changed()

    return act


def _machine(**changes: object) -> Act:
    def act(printer: VirtualPrinter, _: int) -> None:
        for name, value in changes.items():
            setattr(printer.machine, name, value)
        printer.machine.go_on()

    return act


def _paper_out_after(printer: VirtualPrinter, lines: int) -> None:
    printer.machine.lines_left = lines


def _free(printer: VirtualPrinter, _: int) -> None:
    printer.machine.jammed = False
    printer.machine.condition.cutter_stuck = False
    printer.machine.changed()


def _cut_off_at_mark(printer: VirtualPrinter, _: int) -> None:
    printer.drop_at_mark = True


def _cut_off_after(printer: VirtualPrinter, count: int) -> None:
    printer.hosts.drop_after = (count, printer.cut_off)


def _die_after(printer: VirtualPrinter, count: int) -> None:
    printer.hosts.drop_after = (count, printer.power_lost)


def _speed(printer: VirtualPrinter, speed: int) -> None:
    printer.machine.speed = float(speed)


_WORDS: Mapping[str, Act] = {
    "paper out": _condition(paper=Paper.OUT),
    r"paper out after (\d+)": _paper_out_after,
    "paper low": _condition(paper=Paper.LOW),
    "paper in": _condition(paper=Paper.IN),
    "cover open": _condition(cover_open=True),
    "cover closed?": _condition(cover_open=False),
    "cutter jam": _machine(jammed=True),
    "cutter free": _free,
    "offline": _condition(switched_off_line=True),
    "online": _condition(switched_off_line=False),
    "cut off": lambda printer, _: printer.cut_off(),
    r"cut off after (\d+)": _cut_off_after,
    "cut off at mark": _cut_off_at_mark,
    "die": lambda printer, _: printer.power_lost(),
    r"die after (\d+)": _die_after,
    "plug in": lambda printer, _: printer.plug_in(),
    "mute": _machine(muted=True),
    "unmute": _machine(muted=False),
    "freeze": _machine(frozen=True),
    "thaw": _machine(frozen=False),
    "tear": lambda printer, _: printer.machine.tear(),
    r"speed (\d+)": _speed,
    "status": lambda printer, _: status(printer),
    "help": lambda printer, _: HELP,
    "": lambda printer, _: None,
}
