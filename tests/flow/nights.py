"""Nights drawn from a seed: everything fails at random, and what must always hold is looked at.

One seed is one night: the same events at the same moments, whatever machine it runs on. A night that
breaks a promise says which, when, and what had happened before; `python -m tests.flow.nights --seed N`
plays it again, `--seeds FIRST LAST` many of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from gateway.errors import StoreBroken
from gateway.store import Acknowledgement
from tests.flow.conftest import Sample
from tests.flow.night import Broken, Night
from tests.flow.promises import ends_well, is_prompt

#: After the last fault is mended, seconds: a doubtful slip is tried again once an hour.
HEALING = 3900.0

TROUBLES = (
    "paper out", "paper out after 12", "cover open", "cutter jam", "offline", "cut off",
    "cut off after 400", "cut off at mark", "die", "die after 700", "mute", "freeze",
    "paper low", "speed 40",
)  # fmt: skip
CURES = (
    "paper in", "cover closed", "cutter free", "online", "unmute", "thaw", "speed 0", "plug in",
)  # fmt: skip
MOODS = ("up", "dead", "hangs", "refuses")


def _somebody(night: Night) -> Callable[..., object]:
    """A person who answers, hears, and acknowledges everything."""

    async def talk(token: str) -> None:
        batch = night.calling.batch(token)
        if batch is None:  # of a process that is dead: the caller hears that nobody is there
            return
        for item in list(batch.left()):
            acknowledgement = Acknowledgement(
                message_id=item.stored.id, delivery_id=item.delivery.id, person="4711",
                at=night.time.now(), name="Dr Roux", via="call", read_back="ok",
            )  # fmt: skip
            await night.store.acknowledge(acknowledgement)
            batch.done.add(item.stored.id)
        batch.detail = "acknowledged"

    return talk


def result(night: Night) -> None:
    number = len(night.sent) + 1
    ward, ipp, family = night.dice.choice(PATIENTS)
    critical = night.dice.random() < 0.3
    value = f"{night.dice.uniform(6.1, 7.9) if critical else night.dice.uniform(3.6, 4.9):.1f}"
    _send(night, night.sample(
        ward=ward, ipp=ipp, family=family, order=f"99{number:04d}",
        analytes=(("2823-3^Potassium", value, "mmol/L", "HH" if critical else ""),),
    ))  # fmt: skip


def correction(night: Night) -> None:
    if not night.sent:
        return
    earlier = night.dice.choice(list(night.sent.values()))
    value = f"{night.dice.uniform(3.6, 7.9):.2f}"
    flag = night.dice.choice(("", "HH"))
    _send(night, night.sample(
        ward=earlier.ward, ipp=earlier.ipp, family=earlier.family, order=earlier.order, status="C",
        analytes=(("2823-3^Potassium", value, "mmol/L", flag),),
    ))  # fmt: skip


def _send(night: Night, sample: Sample) -> None:
    token = f"Q{len(night.sent) + 1:05d}"
    sample.extra = f"NTE|1||dossier {token}\r"
    answer = night.receives(sample)
    night.tell(f"{token} {sample.status} {sample.ward} {sample.analytes[0][1:]} {answer}")
    if answer == "AA":
        night.sent[token] = sample


def again(night: Night) -> None:
    """The lab did not hear our acknowledgement, and sends the same once more."""
    if night.sent:
        token = night.dice.choice(list(night.sent))
        night.tell(f"{token} once more: {night.receives(night.sent[token])}")


def printer(night: Night) -> None:
    name, words = night.dice.choice(list(night.printers)), night.dice.choice(TROUBLES)
    night.tell(f"{name}: {words}")
    night.trouble(words, at=name)


def mended(night: Night) -> None:
    name = night.dice.choice(list(night.printers))
    night.tell(f"{name}: mended")
    _mend(night, name)


def _mend(night: Night, name: str) -> None:
    found = night.printers[name]  # what was to go wrong later goes wrong no more
    found.hosts.drop_after, found.drop_at_mark, found.machine.lines_left = None, False, None
    for words in CURES:
        night.trouble(words, at=name)


def platform(night: Night) -> None:
    mood = night.dice.choice(MOODS)
    night.tell(f"platform: {mood}")
    night.feels(mood)


def word(night: Night) -> None:
    down = night.dice.random() < 0.5
    night.tell(f"a person says: {'down' if down else 'up'}")
    if down:
        night.watch.say_down(by="Dr Martin", reason="coupure")
    else:
        night.watch.say_up(by="Dr Martin")


def telephone(night: Night) -> None:
    number = night.dice.choice(("2101", "2102", "2222", "4242"))
    mood = night.dice.choice(("no answer", "busy", "lost", _somebody(night)))
    night.tell(f"telephone {number}: {mood if isinstance(mood, str) else 'somebody'}")
    night.exchange.mood[number] = mood


def killed(night: Night) -> None:
    night.tell("killed")
    night.killed()


def stopped(night: Night) -> None:
    night.tell("stopped and started")
    night.stopped()


def quiet(night: Night) -> None:
    seconds = night.dice.choice((60.0, 300.0, 1500.0))
    night.tell(f"{seconds:.0f} s of quiet")
    night.passes(seconds)


PATIENTS = (
    ("CARD", "69102274", "LEFÈBVRE"), ("CARD", "69102275", "MOREAU"), ("CARD", "69102276", "GARNIER"),
    ("NEURO", "69102277", "PETIT"), ("NEURO", "69102278", "ROUSSEL"),
)  # fmt: skip
EVENTS: dict[Callable[[Night], None], int] = {
    result: 40, correction: 6, again: 4, printer: 10, mended: 8, platform: 8, word: 2,
    telephone: 6, killed: 3, stopped: 2, quiet: 2,
}  # fmt: skip


def play(path: Path, *, seed: int, events: int = 60) -> Night:
    """One night, to its end. Raises Broken, with what had happened."""
    with heard() as logs:
        night = Night().begin(path, seed=seed, each_look=is_prompt)
        try:
            for event in night.dice.choices(list(EVENTS), list(EVENTS.values()), k=events):
                event(night)
                night.passes(night.dice.expovariate(1 / 4.0))
            night.tell("all is mended")
            for name in night.printers:
                _mend(night, name)
            for number in ("2101", "2102", "2222", "4242"):
                night.exchange.mood[number] = _somebody(night)
            night.feels("up")
            night.watch.say_up(by="Dr Martin")
            night.passes(HEALING)
            ends_well(night)
        except Exception as broken:
            story = "\n".join(night.told)
            raise Broken(
                f"seed {seed}, at {night.world.seconds():.1f}: {broken!r}\n{story}"
            ) from broken
    if logs:
        raise Broken(f"seed {seed}: {logs[0]}\n" + "\n".join(night.told))
    return night


@contextmanager
def heard() -> Iterator[list[str]]:
    """Every failure nobody expected, but for those of a killed process that finds its store gone."""
    failures: list[str] = []

    def listen(logger: object, name: str, entry: dict) -> dict:
        error = sys.exc_info()[1]
        dead = isinstance(error, StoreBroken) or "GeneratorExit" in str(error)
        if entry["event"] in ("bug", "work.failed") and not dead:
            failures.append(f"{entry['event']} {entry.get('what')}: {error!r}")
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[listen])
    try:
        yield failures
    finally:
        structlog.configure(processors=before)


@contextmanager
def file() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "wardline.db"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one night again")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "LAST"), default=(1, 100))
    parser.add_argument("--events", type=int, default=60)
    asked = parser.parse_args()
    first, last = (asked.seed, asked.seed) if asked.seed is not None else asked.seeds
    broken, hours, began = 0, 0.0, time.monotonic()
    for seed in range(first, last + 1):
        with file() as path:
            try:
                hours += play(path, seed=seed, events=asked.events).world.seconds() / 3600
            except Broken as what:
                broken += 1
                sys.stdout.write(f"{what}\n\n")
    took = time.monotonic() - began
    nights = last - first + 1
    sys.stdout.write(
        f"{nights} nights, {hours:.0f} hours in {took:.0f} s, {broken} broke a promise\n"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
