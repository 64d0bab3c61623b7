"""A ward's look back: who is present and the last results of each, as far as Wardline has seen them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.locale import Translate, translator
from gateway.message import Group, Location, Patient
from gateway.render import facts, moments, words
from gateway.render.bounds import Paper, line
from gateway.render.context import Context
from gateway.render.correction import Compared
from gateway.render.examination import BETWEEN, observed, remarks, title
from gateway.render.frame import framed
from gateway.render.identity import named, whereabouts
from gateway.render.newest import newest
from gateway.render.series import gaps
from gateway.render.waiting import Waited, people, same
from printers.slip import Banner, Block, Form, Pair, Role, Rule, Slip, Text, Tone

LINES = 75  # of one patient: six of them stay within what a slip may be


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A patient of the ward. `here` False: ADT has moved them since the pack was asked for."""

    patient: Patient
    location: Location | None = None
    here: bool = True
    results: tuple[Waited, ...] = ()
    more: bool = False  # there are older results than these


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One part of a ward's pack. `census`: everybody present, on the first part; None on the others."""

    part: int
    parts: int
    patients: tuple[Present, ...]
    since: float  # results received from here on were looked at
    census: tuple[Present, ...] | None = None


def pack(found: Pack, context: Context) -> Slip:
    """One slip of the pack. Every page says of when it is: it may be torn off and read hours later."""
    _ = translator(context.language)
    now = moments.wall(_, context.printed_at, context.timezone)
    word = _("WARD PACK {part}/{parts}", part=found.part, parts=found.parts)
    return framed(
        _,
        context,
        header=(
            Banner(text=word, size=2),
            Text(text=_("Information as of {moment}", moment=now), tone=Tone.STRONG, centred=True),
        ),
        body=tuple(_body(_, found, context)),
        footer=(Rule(), *_caution(_, context), *gaps(_, context)),
        form=Form.PACK,
        running=word,
    )


def _body(_: Translate, found: Pack, context: Context) -> Iterator[Block]:
    if found.census is not None:
        yield from _census(_, found.census, context)
    if found.patients:
        since = moments.dated(_, found.since, context.timezone, today=context.printed_at)
        yield Rule()
        yield Text(text=_("Last results of each, received since {moment}:", moment=since))
    for present in found.patients:
        yield from _patient(_, present, context)


def _census(_: Translate, census: Sequence[Present], context: Context) -> Iterator[Block]:
    yield Rule()
    if not census:
        yield Text(text=_("ADT messages name nobody as present in this ward."), tone=Tone.STRONG)
        return
    text = _.plural(
        "{n} patient present, as ADT says:", "{n} patients present, as ADT says:", len(census)
    )
    yield Text(text=text, tone=Tone.STRONG)
    for present in census:
        place = _place(present.location) or "-"
        yield Pair(label=place, value=named(_, present.patient, context))


def _place(location: Location | None) -> str:
    """Where to look: room and bed, short enough to stand beside a name."""
    if location is None:
        return ""
    return line(" ".join(filter(None, (location.room, location.bed))), 12)


def _patient(_: Translate, present: Present, context: Context) -> Iterator[Block]:
    yield Rule()
    who = named(_, present.patient, context)
    yield Text(text=who, tone=Tone.STRONG, role=Role.PERSON)
    place = whereabouts(_, present.location)
    if not present.here:
        yield Text(text=_("NO LONGER IN THIS WARD, as ADT says"), tone=Tone.STRONG)
    elif place:
        yield Text(text=_("Place") + " " + place)
    paper = Paper(LINES)
    everybody = people(present.results)
    for theirs in sorted(everybody, key=lambda t: not same(present.patient, t)):
        paper.put(_results(_, present.patient, theirs, context))
    yield from paper.blocks
    if not present.results:
        yield Text(text=_("No result."), indent=2)
    if paper.cut or present.more:
        yield Text(text=_("There are more: ask the lab."), indent=2, tone=Tone.STRONG)


def _results(
    _: Translate, patient: Patient, theirs: Sequence[Waited], context: Context
) -> Iterator[Block]:
    """Results that bear one identity; an identity that is not the patient's is shown beside them."""
    if not same(patient, theirs):
        other = theirs[0].message.patient
        yield Banner(text=_("UNDER THE SAME NUMBER, OTHER IDENTITY: CHECK"))
        if other is not None:
            yield Text(text=named(_, other, context), tone=Tone.STRONG)
    for one in newest(theirs, context.timezone):
        message = one.message
        for word in message.warnings:
            yield Text(text=words.warning(_, word), tone=Tone.STRONG)
        yield from remarks(_, message.notes)
        for index in facts.examinations(message.groups):
            yield from _examination(_, message.groups[index], one, context)


def _examination(_: Translate, group: Group, one: Waited, context: Context) -> Iterator[Block]:
    collected = moments.sent(_, group.collected_at, context.timezone)
    received = moments.dated(_, one.received_at, context.timezone, today=context.printed_at)
    parts = (
        title(_, group),
        words.status(_, group.status, group.status_code),
        _("collected {at}", at=collected) if collected else _("Received {at}", at=received),
    )
    yield Text(text=BETWEEN.join(filter(None, parts)), tone=Tone.STRONG)
    yield from remarks(_, group.notes)
    for observation in sorted(group.observations, key=lambda o: not o.flag.critical):
        yield from observed(_, group, observation, Compared())


def _caution(_: Translate, context: Context) -> Iterator[Block]:
    yield Text(
        text=_("Only what Wardline has seen: results may be missing here, or newer elsewhere."),
        tone=Tone.STRONG,
    )
    if context.phone:
        yield Text(text=_("Questions: the lab, {phone}", phone=line(context.phone)))
    else:
        yield Text(text=_("Questions: the lab"))
