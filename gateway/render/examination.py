"""One examination in blocks: its title, who asked and when, each value with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.locale import Translate
from gateway.message import Flag, Group, Observation, Status
from gateway.render import facts, moments, words
from gateway.render.bounds import FIELD, line, prose, several_lines
from gateway.render.context import Context
from gateway.render.correction import Compared, previous
from gateway.render.replaced import note
from printers.slip import Block, Pair, Row, Rule, Text, Tone

LONG = 60  # characters; a longer value is text, not a cell


def heading(_: Translate, group: Group, context: Context) -> Iterator[Block]:
    """The title of an examination, and what is true of all its values."""
    yield Rule()
    yield Text(text=title(_, group), tone=Tone.STRONG)
    state = words.status(_, group.status, group.status_code)
    urgent = words.urgency(_, group)
    if state or urgent:
        yield Text(text=" · ".join(filter(None, (urgent, state))), tone=Tone.STRONG)
    yield from details(_, group, context)
    for text in group.notes:
        yield Text(text=prose(_, text), indent=2)


def title(_: Translate, group: Group) -> str:
    """What was examined; an antibiogram names its germ."""
    name = line(group.name or group.code) or _("Examination")
    germ = line(group.parent_value)
    return f"{name} — {germ}" if germ else name


def details(_: Translate, group: Group, context: Context) -> Iterator[Block]:
    requester = ", ".join(filter(None, (line(group.requester), line(group.requester_phone))))
    for label, value in (
        (_("Done on"), line(group.parent)),
        (_("Collected"), moments.sent(_, group.collected_at, context.timezone)),
        (_("Wanted for"), moments.sent(_, group.wanted_at, context.timezone)),
        (_("Reported"), moments.sent(_, group.reported_at, context.timezone)),
        (_("Requester"), requester),
        (_("Specimen"), line(group.specimen)),
        (_("Order"), line(group.placer)),
        (_("Lab number"), line(group.filler)),
        (_("Section"), words.section(_, group.section)),
    ):
        if value:
            yield Pair(label=label, value=value)


def observed(
    _: Translate, group: Group, observation: Observation, beside: Compared
) -> Iterator[Block]:
    """One observation: its row, or its text, and what belongs to it."""
    if observation.attachment is not None:
        yield Text(text=line(observation.name), tone=Tone.STRONG)
        yield Text(text=words.attachment(_, observation.attachment), indent=2, tone=Tone.STRONG)
    elif len(observation.value) > LONG or several_lines(observation.value):
        yield from _text(_, group, observation, beside)
    else:
        yield row(_, group, observation, beside)
    if words.limited(observation):
        yield Text(text=_("critical by the site's own limit"), indent=2)
    said = note(_, beside)
    if said:
        yield Text(text=said, indent=2)
    for text in observation.notes:
        yield Text(text=prose(_, text), indent=2)


def row(_: Translate, group: Group, observation: Observation, beside: Compared) -> Row:
    state = facts.standing(group, observation)
    return Row(
        name=line(observation.name or observation.code),
        value=line(observation.value) or _empty(_, state),
        unit=line(observation.unit),
        reference=line(observation.reference),
        mark=words.mark(observation),
        previous=line(previous(beside, observation)),
        status=words.status(_, state, observation.status_code),
        tone=tone(observation, state),
    )


def tone(observation: Observation, state: Status) -> Tone:
    """Black for what is critical and holds, bold for what is not normal."""
    if state in facts.VOID:
        return Tone.PLAIN
    if observation.flag.critical:
        return Tone.CRITICAL
    quiet = observation.flag in (Flag.NONE, Flag.SUSCEPTIBLE)
    return Tone.PLAIN if quiet else Tone.ABNORMAL


def _text(
    _: Translate, group: Group, observation: Observation, beside: Compared
) -> Iterator[Block]:
    """A value of several lines: its name above, the text indented so that it forges no row of its own."""
    state = facts.standing(group, observation)
    parts = (
        line(observation.name or observation.code),
        words.mark(observation),
        words.status(_, state, observation.status_code),
        line(observation.unit),
        line(observation.reference),
    )
    loud = tone(observation, state)
    head = Tone.STRONG if loud is Tone.PLAIN else loud
    yield Text(text=" · ".join(filter(None, parts)), tone=head)
    yield Text(text=prose(_, observation.value), indent=2)
    before = previous(beside, observation)
    if before:
        yield Text(text=_("Before:"), indent=2, tone=Tone.STRONG)
        yield Text(text=prose(_, before, FIELD * 5), indent=4)


def _empty(_: Translate, state: Status) -> str:
    return _("to come") if state is Status.PENDING else _("no value")
