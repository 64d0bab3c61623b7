"""An order's specimen labels, one for each tube: who, when born, which number, what is to be in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gateway.locale import Translate, translator
from gateway.message import Group, Message
from gateway.render.bounds import line
from gateway.render.context import Context
from gateway.render.facts import identified, visible_ipp
from gateway.render.frame import downtime, framed
from gateway.render.identity import birth
from printers.slip import Banner, Block, Code, Heading, Pair, Rule, Slip, Text, Tone

#: More tubes than a patient is ever drawn at once: an order that asks for more is looked at first.
TUBES = 20
_BARS = re.compile("[A-Z0-9-]{1,40}")


def label(message: Message, context: Context) -> Slip:
    """The labels, parted by rules: a label printer prints each by itself, a slip printer all on one strip."""
    _ = translator(context.language)
    tubes = list({(_number(g), line(g.specimen)): g for g in message.groups}.values())
    body: list[Block] = []
    for group in tubes[:TUBES]:
        body += (
            [Rule(), *_tube(_, message, group, context)]
            if body
            else _tube(_, message, group, context)
        )
    if len(tubes) > TUBES:
        more = _("… {n} more: ask the lab", n=len(tubes) - TUBES)
        body += [Rule(), Text(text=more, tone=Tone.STRONG)]
    # Last of the banners: on a small label it is the one that may be cut short.
    header = (Banner(text=downtime(_, context)),) if context.degraded else ()
    plain = replace(context, degraded=False)
    return framed(_, plain, header=header, body=body, footer=(), test=message.test)


def _tube(_: Translate, message: Message, group: Group, context: Context) -> Iterator[Block]:
    patient = message.patient
    if patient is None or not identified(patient):
        yield Banner(text=_("INCOMPLETE IDENTITY: CHECK WITH THE LAB"))
    if patient is not None:
        name = line(f"{patient.family} {patient.given}")
        yield Heading(text=name or _("NO NAME"), size=1)
        yield Pair(label=_("Born"), value=birth(_, patient, context), tone=Tone.STRONG)
        yield Pair(label=_("IPP"), value=line(visible_ipp(patient)) or _("none"), tone=Tone.STRONG)
    number = f"{line(context.ward_code)} n° {context.number:04}" if context.number else ""
    yield Text(text=" · ".join(part for part in (line(group.specimen), number) if part))
    order = _number(group)
    if _BARS.fullmatch(order):
        yield Code(data=order, caption=order)
    elif order:
        yield Pair(label=_("Order"), value=order, tone=Tone.STRONG)


def _number(group: Group) -> str:
    """What the laboratory scans: the placer's number of the order, else the filler's."""
    return line(group.placer or group.filler)
