"""The slip of what somebody said on the telephone: an order, or why they opened a patient's results."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.locale import Translate, translator
from gateway.render.bounds import line
from gateway.render.context import Context
from gateway.render.frame import acknowledging, framed, times
from printers.slip import Banner, Pair, Rule, Slip, Text, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictation:
    """`what`: "order" or "break glass"."""

    what: str
    person: str
    caller: str = ""  # the number their telephone gave
    about: str = ""  # a patient's number
    seconds: float = 0.0
    sha256: str = ""


def dictation(said: Dictation, context: Context) -> Slip:
    """Who said something and when; the words themselves are heard, never guessed."""
    _ = translator(context.language)
    opened = said.what == "break glass"
    title = _("PATIENT OPENED OUTSIDE THE WARD") if opened else _("DICTATED ORDER")
    facts = (
        (_("By"), line(said.person)),
        (_("Telephone"), line(said.caller)),
        (_("Patient"), line(said.about)),
        (_("Length"), _("{n} s", n=round(said.seconds))),
        (_("Recording"), line(said.sha256[:16])),
    )
    means = (
        _("This person heard results of a patient of another ward, and said why.")
        if opened
        else _("Nothing of it is in the computer yet: hear it, carry it out, write it down.")
    )
    return framed(
        _,
        context,
        header=(Banner(text=title, size=2),),
        body=(
            Rule(),
            *times(_, context),
            *(Pair(label=label, value=value) for label, value in facts if value),
            Text(text=means),
            Text(text=_hear(_, context), tone=Tone.STRONG),
        ),
        footer=(Rule(), *acknowledging(_, context, critical=False)),
    )


def _hear(_: Translate, context: Context) -> str:
    if context.line:
        return _("Hear it: dial {line}, then 2 and this code.", line=line(context.line))
    return _("Hear it: dial Wardline, then 2 and this code.")
