"""One slip for all that waited too long: the newest value of everything, and when each message came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.locale import Translate, translator
from gateway.message import Group, Kind, Message, Observation
from gateway.render import facts, moments, words
from gateway.render.banners import banners
from gateway.render.bounds import Paper, line
from gateway.render.context import Context
from gateway.render.correction import Compared, compared, corrects
from gateway.render.examination import BETWEEN, observed, remarks, title
from gateway.render.frame import acknowledging, framed, gaps, printed
from gateway.render.identity import person, whereabouts
from printers.slip import Banner, Block, Rule, Slip, Text, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A message that did not come out in time, and when it came in."""

    message: Message
    received_at: float
    slip: int | None = None  # its number, if it was given one


def summary(waited: Sequence[Waited], context: Context) -> Slip:
    """What stands for slips that would be stale: patients with critical values first.

    `context.reason` says why they waited. A value that a later one of the same order and code replaced
    is left out; everything else is shown.
    """
    _ = translator(context.language)
    newest = sorted(_newest(waited), key=lambda w: -w.received_at)
    everything = _together(newest)
    correction = corrects(compared(everything, {}), everything)
    critical = bool(facts.criticals(everything))
    return framed(
        _,
        context,
        header=(
            Banner(text=_("SUMMARY OF WHAT WAITED")),
            *banners(_, everything, correction=correction),
        ),
        body=_body(_, newest, context, total=len(waited)),
        footer=(Rule(), *acknowledging(_, context, critical=critical), *gaps(_, context)),
        test=any(w.message.test for w in waited),
    )


def _body(_: Translate, newest: Sequence[Waited], context: Context, *, total: int) -> list[Block]:
    paper = Paper()
    paper.put(Rule(), printed(_, context), Text(text=_why(_, context, total), tone=Tone.STRONG))
    shown = 0
    for person_first, messages in _patients(newest):
        paper.put(Rule(), Text(text=person(_, person_first.message, context), tone=Tone.STRONG))
        for one in sorted(messages, key=lambda w: not facts.criticals(w.message)):
            if paper.full:
                break
            paper.put(*_one(_, one, context))
            shown += 1
    if shown < len(newest):
        paper.put(
            Banner(text=_("CONTINUED — NOT ALL IS PRINTED HERE")),
            Text(
                text=_("{shown} of {total} messages printed.", shown=shown, total=len(newest)),
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


def _newest(waited: Iterable[Waited]) -> Iterator[Waited]:
    """Each message with what no later one replaced; one of which nothing is left is left out."""
    seen: set[tuple[str, str, str]] = set()
    for one in sorted(waited, key=lambda w: -w.received_at):
        twice = facts.repeated(one.message)
        here: set[tuple[str, str, str]] = set()
        groups: list[Group] = []
        for group in one.message.groups:
            kept: list[Observation] = []
            for observation in group.observations:
                its = facts.key(group, observation)
                if group.order_key and its not in twice:
                    here.add(its)
                    if its in seen:
                        continue
                kept.append(observation)
            if kept or not group.observations:
                groups.append(replace(group, observations=tuple(kept)))
        seen |= here
        if groups or not one.message.groups:
            yield replace(one, message=replace(one.message, groups=tuple(groups)))


def _patients(newest: Iterable[Waited]) -> list[tuple[Waited, list[Waited]]]:
    """The messages of each person together, who has a critical value first; never two under one name."""
    found: dict[object, list[Waited]] = {}
    for index, one in enumerate(newest):
        patient = one.message.patient
        known = patient is not None and patient.key
        its: object = index
        if patient is not None and known:
            its = (patient.key, patient.family, patient.given, patient.birth_date)
        found.setdefault(its, []).append(one)
    people = [(messages[0], messages) for messages in found.values()]
    return sorted(people, key=lambda p: not any(facts.criticals(w.message) for w in p[1]))


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
