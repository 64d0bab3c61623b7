"""One slip for all that waited too long: the newest value of everything, and when each message came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.locale import Translate, translator
from gateway.message import Group, Kind, Message
from gateway.render import facts, moments, words
from gateway.render.banners import banners
from gateway.render.bounds import Paper, line
from gateway.render.context import Context
from gateway.render.correction import Compared, compared, corrects
from gateway.render.examination import BETWEEN, observed, remarks, title
from gateway.render.frame import acknowledging, framed, printed, unreal
from gateway.render.identity import person, whereabouts
from gateway.render.series import gaps
from gateway.render.waiting import Waited, people
from printers.slip import Banner, Block, Form, Role, Rule, Slip, Text, Tone


def summary(waited: Sequence[Waited], context: Context) -> Slip:
    """What stands for slips that would be stale: patients with critical values first.

    `context.reason` says why they waited. A value that a later one of the same order and code replaced
    is left out; everything else is shown.
    """
    _ = translator(context.language)
    everybody = people(waited)
    newest = [one for messages in everybody for one in messages]
    test = bool(newest) and all(w.message.test for w in newest)
    everything = _together([w for w in newest if test or not w.message.test])
    correction = corrects(compared(everything, {}), everything)
    true = facts.find(everything)
    return framed(
        _,
        context,
        header=(
            Banner(text=_("SUMMARY OF WHAT WAITED")),
            *banners(_, true, priority=everything.priority, correction=correction),
        ),
        body=_body(_, everybody, context, waited=len(waited)),
        footer=(
            Rule(),
            *acknowledging(_, context, critical=bool(true.criticals)),
            *gaps(_, context),
        ),
        test=test,
        form=Form.RESULT,
    )


def _body(
    _: Translate, everybody: Sequence[Sequence[Waited]], context: Context, *, waited: int
) -> list[Block]:
    paper = Paper(context.room)
    why = Text(text=_why(_, context, waited), tone=Tone.STRONG)
    paper.put((Rule(), printed(_, context), why))
    shown = 0
    for messages in everybody:
        name = person(_, messages[0].message, context)
        who = Text(text=name, tone=Tone.STRONG, role=Role.PERSON)
        paper.put((Rule(), who))
        for one in messages:
            if paper.full:
                break
            blocks = _one(_, one, context)
            paper.put(unreal(_, blocks) if one.message.test else blocks)
            shown += 1
    total = sum(map(len, everybody))
    if paper.cut or shown < total:
        paper.blocks += (
            Banner(text=_("CONTINUED — NOT ALL IS PRINTED HERE")),
            Text(
                text=_("{shown} of {total} messages printed.", shown=shown, total=total),
                tone=Tone.STRONG,
            ),
        )
    return paper.blocks


def _why(_: Translate, context: Context, total: int) -> str:
    said = _.plural(
        "{n} message could not come out here in time",
        "{n} messages could not come out here in time",
        total,
    )
    why = words.reason(_, context.reason)
    return (f"{said} ({why})." if why else f"{said}.") + "\n" + _("The newest values:")


def _one(_: Translate, waited: Waited, context: Context) -> Iterator[Block]:
    """One message: when it came, its values with the critical ones first."""
    message = waited.message
    at = moments.dated(_, waited.received_at, context.timezone, today=context.printed_at)
    number = "" if waited.slip is None else f"n° {waited.slip:04}"
    title = BETWEEN.join(
        filter(None, (_("Received {at}", at=at), number, line(message.control_id)))
    )
    yield Text(text=title)
    if message.test:
        yield Text(text=_("TEST MESSAGE — NOT A RESULT"), tone=Tone.STRONG)
    place = whereabouts(_, message.location)
    if place:
        yield Text(text=_("Place") + " " + place, indent=2)
    for word in message.warnings:
        yield Text(text=words.warning(_, word), tone=Tone.STRONG)
    yield from remarks(_, message.notes)
    for index in facts.examinations(message.groups):
        yield from _examination(_, message.groups[index], message, context)


def _examination(_: Translate, group: Group, message: Message, context: Context) -> Iterator[Block]:
    collected = moments.sent(_, group.collected_at, context.timezone)
    control = words.control(_, group.control) if message.kind is Kind.ORDER else ""
    parts = (
        control,
        title(_, group),
        words.urgency(_, group),
        words.status(_, group.status, group.status_code),
        _("collected {at}", at=collected) if collected else "",
        line(group.order_key),
    )
    yield Text(text=BETWEEN.join(filter(None, parts)), tone=Tone.STRONG)
    yield from remarks(_, group.notes)
    for observation in sorted(group.observations, key=lambda o: not o.flag.critical):
        yield from observed(_, group, observation, Compared())


def _together(newest: Sequence[Waited]) -> Message:
    """All of them as one, to ask what must be said above them."""
    first = (
        newest[0].message
        if newest
        else Message(control_id="", sender="", type="", kind=Kind.NOTICE)
    )
    urgent = min((w.message.priority for w in newest), key=lambda p: p.rank, default=first.priority)
    groups = tuple(g for w in newest for g in w.message.groups)
    return replace(first, groups=groups, priority=urgent)
