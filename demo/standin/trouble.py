"""The words with which a person gives the platform trouble, typed or over the control endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from demo.standin.platform import Mood, StandIn

HELP = """\
ok                    well again; what it held back is dealt with and answered now
die | back            connections break and new ones are refused | it listens again, well
hang                  accepts connections and messages, deals with none, answers nothing
freeze                as a stopped process: the system accepts connections, nobody reads them
late SECONDS          each answer comes this much later
slow SECONDS          each message takes this long, the next one waits for it
refuse AE|AR|CE|CR [N]  answers so (the next N messages)
swallow [N]           keeps the next N messages and never answers them
cut [N]               keeps the next N messages and breaks the connection over each
wrong                 answers name another message
babble                answers that are no HL7
shuffle N             collects N answers and sends the last first
status | received | help"""


def give(platform: StandIn, words: str) -> str:
    """Carry out one line of words; the answer, one or more lines. `ValueError`: not understood."""
    line = " ".join(words.split())
    for pattern, act in _WORDS.items():
        if match := re.fullmatch(pattern, line, re.IGNORECASE):
            return act(platform, *match.groups()) or "ok"
    raise ValueError(f"not understood: {line!r} (try: help)")


def status(platform: StandIn) -> str:
    """How it is, in one line."""
    mood = platform.mood
    flags = [name for name in ("hang", "freeze", "wrong", "babble") if getattr(mood, name)]
    flags += [f"{name} {x}" for name in ("delay", "swallow", "cut") if (x := getattr(mood, name))]
    if mood.refuse and mood.refusals:
        flags.append(f"refuse {mood.refuse}")
    if not platform.listening:
        flags.append("dead")
    got = platform.received
    counts = {
        "received": len(got),
        "accepted": sum(r.answer in ("AA", "CA") for r in got),
        "handed back": sum(bool(r.handback) for r in got),
        "again": sum(r.again for r in got),
        "connections": len(platform.sessions),
    }
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    return f"platform: {', '.join(flags) or 'ok'}; {told}"


Act = Callable[..., str | None]


def _set(**changes: object) -> Act:
    def act(platform: StandIn, *_: str) -> None:
        _change(platform.mood, **changes)

    return act


def _seconds(*, one_by_one: bool) -> Act:
    def act(platform: StandIn, text: str) -> None:
        _change(platform.mood, delay=float(text), one_by_one=one_by_one)

    return act


def _number(name: str) -> Act:
    def act(platform: StandIn, text: str | None) -> None:
        _change(platform.mood, **{name: int(text or 1)})

    return act


def _refuse(platform: StandIn, code: str, number: str | None) -> None:
    _change(platform.mood, refuse=code.upper(), refusals=int(number or -1))


def _freeze(platform: StandIn) -> None:
    platform.mood.freeze = True
    for session in platform.sessions:
        session.read(on=False)


def _well(platform: StandIn) -> None:
    platform.recover()


def _die(platform: StandIn) -> None:
    Deferred.fromCoroutine(platform.close())


def _back(platform: StandIn) -> None:
    platform.recover()
    Deferred.fromCoroutine(platform.back())


def _received(platform: StandIn) -> str:
    lines = [
        f"{r.at} {r.type} {r.control_id} {r.answer or '-'}"
        f"{' again' if r.again else ''}{' handed back' if r.handback else ''}"
        for r in platform.received
    ]
    return "\n".join([*lines, "ok"])


def _change(mood: Mood, **changes: object) -> None:
    for name, value in changes.items():
        setattr(mood, name, value)


_WORDS: Mapping[str, Act] = {
    r"ok": _well,
    r"die": _die,
    r"back": _back,
    r"hang": _set(hang=True),
    r"freeze": _freeze,
    r"late (\d+(?:\.\d+)?)": _seconds(one_by_one=False),
    r"slow (\d+(?:\.\d+)?)": _seconds(one_by_one=True),
    r"refuse (a[er]|c[er])(?: (\d+))?": _refuse,
    r"swallow(?: (\d+))?": _number("swallow"),
    r"cut(?: (\d+))?": _number("cut"),
    r"wrong": _set(wrong=True),
    r"babble": _set(babble=True),
    r"shuffle (\d+)": _number("shuffle"),
    r"status": status,
    r"received": _received,
    r"help": lambda platform: HELP,
}
