"""For the laboratory: something came that nobody vouches for, and waits for a person."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.locale import translator
from gateway.render.bounds import line, prose
from gateway.render.context import Context
from gateway.render.frame import framed, times
from printers.slip import Banner, Pair, Rule, Slip, Text, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of it without opening it."""

    message_id: int
    sender: str
    peer: str
    intake: str
    control_id: str
    ward: str


def held(found: Held, context: Context) -> Slip:
    """Who sent what to which ward, why it waits, and the two words that end the wait."""
    _ = translator(context.language)
    facts = (
        (_("Reason"), line(_(context.held), 400)),
        (_("Sender"), line(found.sender.replace("|", " / "))),
        (_("From"), line(" ".join(filter(None, (found.peer, found.intake))))),
        (_("For"), line(found.ward)),
        (_("Message"), line(found.control_id)),
        (_("Kept as"), str(found.message_id)),
    )
    ask = _(
        "No ward has seen it. Ask the sender by telephone whether it is theirs, then say "
        "`wardline held let {id}` or `wardline held refuse {id}`.",
        id=found.message_id,
    )
    return framed(
        _,
        context,
        header=(Banner(text=_("WAITS FOR A PERSON"), size=2),),
        body=(
            Rule(),
            *times(_, context),
            *(Pair(label=label, value=value) for label, value in facts if value),
            Rule(),
            Text(text=prose(_, ask, 400), tone=Tone.STRONG),
        ),
        footer=(),
    )
