"""Paper at the lab that has to go further: a slip to carry, and a result without a ward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.locale import Translate, translator
from gateway.message import Kind, Message
from gateway.render import words
from gateway.render.bounds import line
from gateway.render.context import Context
from gateway.render.identity import whereabouts
from printers.slip import Banner, Block, Form, Pair, Rule, Slip, Space, Text, Tone

FOR_WARDS = (Kind.RESULT, Kind.ORDER, Kind.DOCUMENT)


def carried(slip: Slip, context: Context) -> Slip:
    """`slip` with where to carry it above, and below what the ward signs and the courier brings back."""
    _ = translator(context.language)
    footer, last = _without_banners(slip.footer)
    return replace(
        slip,
        form=Form.COURIER,
        body=(*_errand(_, context), *slip.body),
        footer=(*footer, *_tear_off(_, context), *last),
    )


def unrouted(slip: Slip, message: Message, context: Context) -> Slip:
    """`slip` with why it is at the lab: nothing is dropped because nobody knows its ward."""
    _ = translator(context.language)
    return replace(slip, body=(*_for_the_lab(_, message, context), *slip.body))


def _without_banners(footer: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """What a drill says on the very last lines of a slip stays there."""
    end = len(footer)
    while end and isinstance(footer[end - 1], Banner):
        end -= 1
    return footer[:end], footer[end:]


def _errand(_: Translate, context: Context) -> Iterator[Block]:
    yield Rule()
    yield Pair(label=_("Carry to"), value=line(context.ward_name), tone=Tone.STRONG)
    if context.floor:
        yield Pair(label=_("Where"), value=line(context.floor), tone=Tone.STRONG)
    person = line(context.contact) or _("the nurse in charge, in person")
    yield Pair(label=_("Hand to"), value=person, tone=Tone.STRONG)
    why = words.reason(_, context.reason)
    if why:
        yield Pair(label=_("Because"), value=why)


def _tear_off(_: Translate, context: Context) -> Iterator[Block]:
    """No patient on it: it goes back through the corridors."""
    yield Space()
    yield Text(text=_("- - tear off, bring back to the lab - -"), centred=True)
    number = f"n° {context.number:04}" if context.number is not None else ""
    parts = (line(context.ward_name), number, line(context.code_caption or context.code))
    yield Text(text=" · ".join(filter(None, parts)), tone=Tone.STRONG)
    yield Space()
    yield Text(text=_("Received by ..........................."))
    yield Space()
    yield Text(text=_("Time ............ Signature ............"))


def _for_the_lab(_: Translate, message: Message, context: Context) -> Iterator[Block]:
    if message.kind not in FOR_WARDS:
        yield Banner(text=_("FOR THE LAB TO SEE"), size=2)
        yield from _why(_, context)
        return
    yield Banner(text=_("UNKNOWN WARD"), size=2)
    yield Text(text=_("Find the ward and carry this slip there."), tone=Tone.STRONG)
    place = whereabouts(_, message.location)
    if place:
        yield Text(text=_("The message says: {place}", place=place), tone=Tone.STRONG)
    else:
        yield Text(text=_("The message names no ward (PV1-3)."), tone=Tone.STRONG)
    yield from _why(_, context)


def _why(_: Translate, context: Context) -> Iterator[Block]:
    why = words.reason(_, context.reason)
    if why and why != words.reason(_, "unknown ward"):
        yield Text(text=why, tone=Tone.STRONG)
