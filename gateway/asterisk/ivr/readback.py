"""Keyed read-back: whoever heard a critical value keys it, and only the same number counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.asterisk.ivr.talk import Talk, say_all
from gateway.asterisk.speech import number
from gateway.asterisk.speech.reading import Line, agrees

#: A value keyed wrongly is said again; the second time a person at the laboratory takes over.
TRIES = 2
#: Of more values than this nobody remembers the last: so many are said, so many keyed, and so on.
BLOCK = 3


@dataclass(slots=True)
class ReadBack:
    """What was keyed, and whether it agreed. "" where there was no number to key."""

    verdict: str = ""  # "", "ok" or "failed": as the store keeps it
    keyed: list[str] = field(default_factory=list)


async def read_back(
    talk: Talk, criticals: Sequence[Line], *, done: ReadBack, aloud: bool = False
) -> None:
    """Ask for each critical value that is a number; stops at the first that is wrong twice.

    Fills `done` while it goes: what was keyed by somebody who hangs up in the middle is known. `aloud`: the
    caller heard the values and has no paper; a long row of them is said again, block by block.
    """
    lines = [line for line in criticals if line.keyed]
    for first in range(0, len(lines), BLOCK):
        block = lines[first : first + BLOCK]
        if aloud and first:
            await say_all(talk, [line.text for line in block])
        for line in block:
            if not await _one(talk, line, done.keyed):
                done.verdict = "failed"
                return
    done.verdict = "ok" if lines else ""


async def _one(talk: Talk, line: Line, keyed: list[str]) -> bool:
    _ = talk.translate
    comma = "*" in line.keyed
    ask = (
        _("Key the value of {name}, star for the decimal point, then hash.", name=line.name)
        if comma
        else _("Key the value of {name}, then hash.", name=line.name)
    )
    if talk.brief:
        ask = _("Key the value of {name}.", name=line.name)
    before: tuple[str, ...] = ()
    for _try in range(TRIES):
        answer = await talk.ask(*before, ask, digits=len(line.keyed) + 4, within=10.0)
        if not answer:  # the prompt was missed, not the value
            answer = await talk.ask(ask, digits=len(line.keyed) + 4, within=10.0)
        keyed.append(answer)
        if agrees(answer, line.keyed):
            return True
        heard = _heard(talk, answer)
        before = (_("You keyed {value}: that is not the value.", value=heard), line.text)
    return False


def _heard(talk: Talk, answer: str) -> str:
    """What was keyed, said back figure by figure."""
    _ = talk.translate
    if not answer:
        return _("nothing")
    return number.digits(talk.lexicon, answer.replace("*", "."))
