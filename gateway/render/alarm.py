"""An alarm of Wardline's own on paper: what is wrong, what that means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.locale import N_, translator
from gateway.render import words
from gateway.render.bounds import line
from gateway.render.context import Context
from gateway.render.frame import framed, times
from printers.slip import Banner, Pair, Rule, Slip, Text, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How one alarm is told."""

    title: str
    means: str
    do: str


ALARMS: Mapping[str, Words] = {
    "telephone lost": Words(
        title=N_("TELEPHONE DOWN"),
        means=N_("Wardline cannot call anybody, and nobody can call in."),
        do=N_("Call the wards about critical results yourselves: `wardline worklist` names them."),
    ),
    "bus not heard": Words(
        title=N_("BUS NOT HEARD"),
        means=N_("Wardline cannot reach this bus: what passes there is not copied."),
        do=N_("Tell whoever looks after the bus. Until then nothing stands behind it."),
    ),
    "telephone back": Words(
        title=N_("TELEPHONE BACK"),
        means=N_("Wardline calls again, and answers calls."),
        do=N_("Nothing to do."),
    ),
    "wrong number": Words(
        title=N_("WRONG NUMBER"),
        means=N_("Whoever answered there says that it is not the number of this ward or person."),
        do=N_("Wardline calls it no more. Have the site's file mended and restart the service."),
    ),
    "call back": Words(
        title=N_("CALL BACK"),
        means=N_("A critical value was read back wrong twice on the telephone."),
        do=N_("Call this person now and have the value read back."),
    ),
    "told and changed": Words(
        title=N_("CALL BACK"),
        means=N_("This person heard a result by telephone that was replaced while they heard it."),
        do=N_("Call this person now and tell them the newer result."),
    ),
    "guessing": Words(
        title=N_("PERSONAL CODES UNDER ATTACK"),
        means=N_("Too many wrong codes were keyed on the telephone in a short time."),
        do=N_("Tell whoever looks after the telephones, and those whose codes are locked."),
    ),
    "fax quarantined": Words(
        title=N_("FAX NUMBER STOPPED"),
        means=N_(
            "Another machine answered than the directory says: patient data goes there no more."
        ),
        do=N_("Find out whose number it is now before anybody lets it be used again."),
    ),
    "fax exhausted": Words(
        title=N_("FAX NOT SENT"),
        means=N_("Every try to send this fax failed."),
        do=N_("Bring the pages to the ward, or send them by another way."),
    ),
    "mail undeliverable": Words(
        title=N_("MAIL NOT PRINTED"),
        means=N_("A mail that was accepted could not be printed."),
        do=N_("Tell its sender, and have it sent again or brought on paper."),
    ),
}


def alarm(topic: str, context: Context, *, subject: str, reason: str) -> Slip:
    """For the laboratory. A topic without words of its own is shown as it is."""
    _ = translator(context.language)
    told = ALARMS.get(topic, Words(title=topic.upper(), means="", do=""))
    why = words.reason(_, reason) or line(reason, 200)
    body = [Rule(), *times(_, context)]
    if subject:
        body.append(Pair(label=_("About"), value=line(subject, 80), tone=Tone.STRONG))
    if why:
        body.append(Pair(label=_("Reason"), value=why))
    body += [
        Text(text=_(text), tone=tone)
        for text, tone in ((told.means, Tone.PLAIN), (told.do, Tone.STRONG))
        if text
    ]
    title = Banner(text=_(told.title) if topic in ALARMS else line(told.title), size=2)
    return framed(_, context, header=(title,), body=body, footer=())
