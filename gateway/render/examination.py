"""One examination in blocks: its title, who asked and when, each value with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.locale import Translate
from gateway.message import Flag, Group, Observation, Status
from gateway.render import facts, moments, words
from gateway.render.bounds import FIELD, line, prose, several_lines
from gateway.render.context import Context
from gateway.render.correction import Compared, previous
from gateway.render.replaced import note
from printers.slip import Block, Pair, Role, Row, Rule, Text, Tone

LONG = 60  # characters; a longer value is text, not a cell
BETWEEN = " · "


def heading(_: Translate, group: Group, context: Context) -> Iterator[Block]:
    """The title of an examination, and what is true of all its values."""
    yield Rule()
    yield Text(text=title(_, group), tone=Tone.STRONG, role=Role.TITLE)
    yield from state(_, group)
    yield from _asked(_, group, context)
    references = _references(_, group, context)
    if references:
        yield Text(text=references)
    yield from remarks(_, group.notes)


def title(_: Translate, group: Group) -> str:
    """What was examined; an antibiogram names its germ."""
    name = line(group.name or group.code) or _("Examination")
    germ = line(group.parent_value)
    return f"{name} — {germ}" if germ else name


def state(_: Translate, group: Group) -> Iterator[Block]:
    """How urgent and how firm it is, unless it is neither urgent nor unfirm."""
    said = (words.urgency(_, group), words.status(_, group.status, group.status_code))
    if any(said):
        yield Text(text=BETWEEN.join(filter(None, said)), tone=Tone.STRONG)


def details(_: Translate, group: Group, context: Context) -> Iterator[Block]:
    """All that is known of an order, one line each."""
    yield from _asked(_, group, context)
    for label, value in (*_numbers(_, group, context), (_("Section"), _section(_, group))):
        if value:
            yield Pair(label=label, value=value)


def remarks(_: Translate, notes: Iterable[str]) -> Iterator[Block]:
    """Every comment, indented: no comment can be taken for a value of its own."""
    for text in notes:
        yield Text(text=_("Note: {text}", text=prose(_, text)), indent=2)


def observed(
    _: Translate,
    group: Group,
    observation: Observation,
    beside: Compared,
    *,
    history: tuple[str, ...] = (),
) -> Iterator[Block]:
    """One observation: its row, or its text, and what belongs to it."""
    if observation.attachment is not None:
        yield Text(text=line(observation.name or observation.code), tone=Tone.STRONG)
        yield Text(text=words.attachment(_, observation.attachment), indent=2, tone=Tone.STRONG)
    elif len(observation.value) > LONG or several_lines(observation.value):
        yield from _text(_, group, observation, beside)
    else:
        yield row(_, group, observation, beside, history=history)
    if words.limited(observation):
        yield Text(text=_("critical by the site's own limit"), indent=2)
    said = note(_, observation, beside)
    if said:
        yield Text(text=said, indent=2)
    yield from remarks(_, observation.notes)


def row(
    _: Translate,
    group: Group,
    observation: Observation,
    beside: Compared,
    *,
    history: tuple[str, ...] = (),
) -> Row:
    state = facts.standing(group, observation)
    return Row(
        name=line(observation.name or observation.code),
        value=line(observation.value) or _empty(_, state),
        unit=line(observation.unit),
        reference=line(observation.reference),
        mark=words.mark(observation),
        previous=line(previous(beside, observation)),
        status=_status(_, group, observation),
        tone=tone(observation, state),
        history=history,
    )


def tone(observation: Observation, state: Status) -> Tone:
    """Black for what is critical and holds, bold for what is not normal."""
    if state in facts.VOID:
        return Tone.PLAIN
    if observation.flag.critical:
        return Tone.CRITICAL
    quiet = observation.flag in (Flag.NONE, Flag.SUSCEPTIBLE)
    return Tone.PLAIN if quiet else Tone.ABNORMAL


def _asked(_: Translate, group: Group, context: Context) -> Iterator[Block]:
    """By whom and for when: what a ward asks first of an examination."""
    requester = ", ".join(filter(None, (line(group.requester), line(group.requester_phone))))
    for label, value in (
        (_("Collected"), moments.sent(_, group.collected_at, context.timezone)),
        (_("Measured"), _measured(_, group, context)),
        (_("Wanted for"), moments.sent(_, group.wanted_at, context.timezone)),
        (_("Requester"), requester),
    ):
        if value:
            yield Pair(label=label, value=value)


def _measured(_: Translate, group: Group, context: Context) -> str:
    """When its first value was found, for senders that do not say when the specimen was taken."""
    if group.collected_at or not group.observations:
        return ""
    return moments.sent(_, group.observations[0].observed_at, context.timezone)


def _references(_: Translate, group: Group, context: Context) -> str:
    """Its numbers in running text: needed to ask about it, not to read it."""
    numbers = (f"{label} {value}" for label, value in _numbers(_, group, context) if value)
    return BETWEEN.join(filter(None, (_section(_, group), *numbers)))


def _numbers(_: Translate, group: Group, context: Context) -> Iterator[tuple[str, str]]:
    yield _("Done on"), line(group.parent)
    yield _("Specimen"), line(group.specimen)
    yield _("Order"), line(group.placer)
    yield _("Lab number"), line(group.filler)
    yield _("Reported"), moments.sent(_, group.reported_at, context.timezone)


def _section(_: Translate, group: Group) -> str:
    return words.section(_, group.section)


def _status(_: Translate, group: Group, observation: Observation) -> str:
    """Beside a value, in short where its examination says the same at length."""
    state = facts.standing(group, observation)
    said = words.status(_, state, observation.status_code)
    of_all = words.status(_, group.status, group.status_code)
    return words.status(_, state, "") if said == of_all else said


def _text(
    _: Translate, group: Group, observation: Observation, beside: Compared
) -> Iterator[Block]:
    """A value of several lines: its name above, the text indented so that it forges no row of its own."""
    parts = (
        line(observation.name or observation.code),
        words.mark(observation),
        _status(_, group, observation),
        line(observation.unit),
        line(observation.reference),
    )
    loud = tone(observation, facts.standing(group, observation))
    head = Tone.STRONG if loud is Tone.PLAIN else loud
    yield Text(text=BETWEEN.join(filter(None, parts)), tone=head)
    yield Text(text=prose(_, observation.value), indent=2)
    before = previous(beside, observation)
    if before:
        yield Text(text=_("Before:"), indent=2, tone=Tone.STRONG)
        yield Text(text=prose(_, before, FIELD * 5), indent=4)


def _empty(_: Translate, state: Status) -> str:
    return _("to come") if state is Status.PENDING else _("no value")
