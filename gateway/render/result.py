"""A result on paper: every examination with its values, units, references, flags and comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.locale import Translate, translator
from gateway.message import Message
from gateway.render import facts, words
from gateway.render.banners import banners
from gateway.render.bounds import Paper, line
from gateway.render.context import Context, Corrections
from gateway.render.correction import Compared, compared, corrects
from gateway.render.examination import heading, observed, remarks, row
from gateway.render.frame import bottom, framed, times
from gateway.render.identity import identity, whereabouts
from gateway.render.replaced import replaced
from printers.slip import Banner, Block, Pair, Rule, Slip, Text, Tone

CROWD = 150  # observations from which the critical ones are printed twice, first of all


def result(message: Message, context: Context, *, corrections: Corrections | None = None) -> Slip:
    """The slip of a result (ORU, OUL). `corrections`: what came before under the same orders."""
    _ = translator(context.language)
    found = compared(message, corrections or {})
    loud = banners(_, message, correction=corrects(found, message))
    return framed(
        _,
        context,
        header=(*loud, Rule(), *identity(_, message, context)),
        body=_body(_, message, context, found=found),
        footer=bottom(_, message, context, critical=bool(facts.criticals(message))),
        test=message.test,
    )


def preface(_: Translate, message: Message, context: Context) -> Iterator[Block]:
    """What stands between the patient and the first examination: times, place, doubts, comments."""
    yield Rule()
    yield from times(_, context)
    where = whereabouts(_, message.location)
    if where:
        yield Pair(label=_("Place"), value=where)
    for word in message.warnings:
        yield Text(text=words.warning(_, word), tone=Tone.STRONG)
    yield from remarks(_, message.notes)


def _body(
    _: Translate,
    message: Message,
    context: Context,
    *,
    found: Sequence[Sequence[Compared]],
) -> list[Block]:
    paper = Paper()
    paper.put(*preface(_, message, context), *replaced(_, found, context))
    if facts.count(message) > CROWD:
        _criticals_first(_, paper, message, found)
    shown, whole = 0, True
    for index in facts.examinations(message.groups):
        group = message.groups[index]
        paper.put(*heading(_, group, context))
        for observation, beside in zip(group.observations, found[index], strict=True):
            whole = not paper.full
            if not whole:
                break
            paper.put(*observed(_, group, observation, beside))
            shown += 1
        if not whole:
            break
    if not message.groups:
        paper.put(Text(text=_("No value in this message: ask the lab."), tone=Tone.STRONG))
    if shown < facts.count(message):
        paper.put(*_more(_, message, shown=shown))
    return paper.blocks


def _criticals_first(
    _: Translate, paper: Paper, message: Message, found: Sequence[Sequence[Compared]]
) -> None:
    """Who reads three metres of paper at night? What matters most stands first, as far as half of it."""
    if not facts.criticals(message):
        return
    paper.put(Rule(), Text(text=_("Critical values of this long report:"), tone=Tone.STRONG))
    for group, besides in zip(message.groups, found, strict=True):
        for observation, beside in zip(group.observations, besides, strict=True):
            if paper.half:
                return
            critical = observation.flag.critical
            if critical and facts.standing(group, observation) not in facts.VOID:
                paper.put(row(_, group, observation, beside))


def _more(_: Translate, message: Message, *, shown: int) -> Iterator[Block]:
    yield Banner(text=_("CONTINUED — NOT ALL IS PRINTED HERE"))
    yield Text(
        text=_(
            "{shown} of {total} values printed. Ask the lab for the rest: message {id}.",
            shown=shown,
            total=facts.count(message),
            id=line(message.control_id),
        ),
        tone=Tone.STRONG,
    )
