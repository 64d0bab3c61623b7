"""Who a slip is about: two identifiers at least, a room never as one."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.locale import Translate
from gateway.message import Location, Message, Patient
from gateway.render import moments, words
from gateway.render.bounds import FIELD, line
from gateway.render.context import Context
from gateway.render.facts import identified, visible_ipp
from printers.slip import Banner, Block, Heading, Pair, Role, Tone


def identity(_: Translate, message: Message, context: Context) -> Iterator[Block]:
    """Name in large type, birth date with age, IPP and NDA; what is missing is said, never left out."""
    patient = message.patient
    if patient is None:
        yield Banner(text=_("NO IDENTITY: GIVE TO NOBODY"))
        return
    yield from _names(_, patient)
    yield Pair(label=_("Born"), value=birth(_, patient, context), tone=Tone.STRONG)
    yield Pair(label=_("IPP"), value=line(visible_ipp(patient)) or _("none"), tone=Tone.STRONG)
    yield Pair(label=_("NDA"), value=line(patient.nda) or _("none"), tone=Tone.STRONG)
    status = words.identity(_, patient.identity_status)
    if status:
        yield Pair(label=_("Identity"), value=status)
    if not identified(patient):
        yield Banner(text=_("INCOMPLETE IDENTITY: CHECK WITH THE LAB"))


def whereabouts(_: Translate, location: Location | None) -> str:
    """Unit, room and bed in one line: where to look, never whom."""
    if location is None:
        return ""
    parts = (
        line(location.unit),
        _("room {room}", room=line(location.room)) if location.room else "",
        _("bed {bed}", bed=line(location.bed)) if location.bed else "",
        line(location.facility),
    )
    return ", ".join(part for part in parts if part)


def person(_: Translate, message: Message, context: Context) -> str:
    """The same identity in running text, for lists."""
    if message.patient is None:
        return _("NO IDENTITY: GIVE TO NOBODY")
    return named(_, message.patient, context)


def running(_: Translate, message: Message, context: Context) -> str:
    """The same identity in one line, for the top of every sheet: names are cut there before numbers are."""
    if message.patient is None:
        return _("NO IDENTITY: GIVE TO NOBODY")
    return named(_, message.patient, context, name=_AT_THE_TOP).replace("\n", " · ")


_AT_THE_TOP = 48  # characters of a name: two lines of a page hold it all


def named(_: Translate, patient: Patient, context: Context, *, name: int = FIELD) -> str:
    """A patient in running text: name, birth name, birth date, numbers, one below the other.

    `name`: how long each name may be.
    """
    birth_name = line(f"{patient.birth_name} {patient.birth_given}", name)
    parts = (
        line(f"{patient.family} {patient.given}", name) or _("NO NAME"),
        f"{_('Birth name')} {birth_name}" if birth_name else "",
        f"{_('Born')} {birth(_, patient, context)}",
        f"{_('IPP')} {line(visible_ipp(patient)) or _('none')}",
        f"{_('NDA')} {line(patient.nda) or _('none')}",
    )
    return "\n".join(filter(None, (*parts[:3], " · ".join(parts[3:]))))


def _names(_: Translate, patient: Patient) -> Iterator[Block]:
    """As sent, capitals and all: a name is compared letter by letter with a bracelet."""
    family, given = line(patient.family), line(patient.given)
    yield Heading(text=family or _("NO NAME"), role=Role.FAMILY)
    if given:
        yield Heading(text=given, role=Role.GIVEN)
    birth_name = line(f"{patient.birth_name} {patient.birth_given}")
    if birth_name:
        yield Pair(label=_("Birth name"), value=birth_name, tone=Tone.STRONG)


def birth(_: Translate, patient: Patient, context: Context) -> str:
    on = moments.birth(_, patient.birth_date, context.timezone) or _("unknown date")
    age = moments.age(_, patient.birth_date, context.timezone, today=context.printed_at)
    parts = (on, f"({age})" if age else "", _("sex {sex}", sex=words.sex(_, patient.sex)))
    return " ".join(part for part in parts[: 3 if patient.sex.strip() else 2] if part)
