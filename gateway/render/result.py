"""A result on paper: every examination with its values, units, references, flags and comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.locale import Translate, translator
from gateway.message import Group, Message
from gateway.render import facts, words
from gateway.render.banners import banners
from gateway.render.bounds import Paper, line
from gateway.render.context import Context, Corrections
from gateway.render.correction import Compared, compared, corrects
from gateway.render.examination import heading, observed, remarks, row
from gateway.render.facts import Facts
from gateway.render.frame import bottom, framed, times
from gateway.render.identity import identity, running, whereabouts
from gateway.render.replaced import replaced
from printers.slip import Banner, Block, Form, Pair, Rule, Slip, Text, Tone

CROWD = 150  # observations from which the critical ones are printed twice, first of all


def result(message: Message, context: Context, *, corrections: Corrections | None = None) -> Slip:
    """The slip of a result (ORU, OUL). `corrections`: what came before under the same orders."""
    _ = translator(context.language)
    true = facts.find(message)
    found = compared(message, corrections or {})
    correction = corrects(found, message)
    loud = banners(_, true, priority=message.priority, correction=correction)
    return framed(
        _,
        context,
        header=(*loud, Rule(), *identity(_, message, context)),
        body=_body(_, message, context, true=true, found=found),
        footer=bottom(_, message, context, critical=bool(true.criticals)),
        test=message.test,
        form=Form.RESULT,
        running=running(_, message, context),
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
    true: Facts,
    found: Sequence[Sequence[Compared]],
) -> list[Block]:
    paper = Paper(context.room)
    paper.put(preface(_, message, context))
    paper.put(replaced(_, found, context))
    if true.count > CROWD and true.criticals:
        _criticals_first(_, paper, message, found)
    shown = begun = 0
    for index in facts.examinations(message.groups):
        if paper.full:
            break
        shown += _examination(_, paper, message.groups[index], context, found=found[index])
        begun += 1
    if not message.groups:
        paper.put((Text(text=_("No value in this message: ask the lab."), tone=Tone.STRONG),))
    if paper.cut or shown < true.count or begun < len(message.groups):
        paper.blocks += _more(_, message, shown=shown, total=true.count)
    return paper.blocks


def _examination(
    _: Translate, paper: Paper, group: Group, context: Context, *, found: Sequence[Compared]
) -> int:
    """How many of its observations the paper took."""
    paper.put(heading(_, group, context))
    for shown, (observation, beside) in enumerate(zip(group.observations, found, strict=True)):
        if paper.full:
            return shown
        past = context.history.of(group, observation) if context.history else ()
        paper.put(observed(_, group, observation, beside, history=past))
    return len(group.observations)


def _criticals_first(
    _: Translate, paper: Paper, message: Message, found: Sequence[Sequence[Compared]]
) -> None:
    """Who reads three metres of paper at night? What matters most stands first, as far as half of it."""
    title = Text(text=_("Critical values of this long report:"), tone=Tone.STRONG)
    paper.put((Rule(), title))
    for group, besides in zip(message.groups, found, strict=True):
        for observation, beside in zip(group.observations, besides, strict=True):
            if paper.half:
                return
            critical = observation.flag.critical
            if critical and facts.standing(group, observation) not in facts.VOID:
                paper.put((row(_, group, observation, beside),))


def _more(_: Translate, message: Message, *, shown: int, total: int) -> Iterator[Block]:
    yield Banner(text=_("CONTINUED — NOT ALL IS PRINTED HERE"))
    yield Text(
        text=_(
            "{shown} of {total} values printed. Ask the lab for the rest: message {id}.",
            shown=shown,
            total=total,
            id=line(message.control_id),
        ),
        tone=Tone.STRONG,
    )
