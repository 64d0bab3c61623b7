"""What is said of a message: who, what must be known first, then each value with all that belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from gateway.asterisk.speech import name, number
from gateway.asterisk.speech.lexicon import Lexicon, folded
from gateway.asterisk.speech.prose import LONG, clock, date_of, prose
from gateway.asterisk.speech.unit import unit
from gateway.locale import Translate, translator
from gateway.message import Flag, Group, Message, Observation, Patient, Priority, Status
from gateway.render import facts, moments, words
from gateway.render.context import Corrections
from gateway.render.correction import Change, Compared, Relation, compared, corrects, previous
from gateway.render.facts import visible_ipp

# A number by itself: not the 2 of "SARS-CoV-2" or of "B12", and "12 500" is one.
_FIGURES = re.compile(
    r"(?<![^\W_])(?<!\w-)(?:[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+(?![0-9])|[0-9]+)(?:[.,][0-9]+)?"
)
# OBX-5 of a date (DT, DTM, TS) as sent: nobody hears twenty millions.
_DATE = re.compile(r"(?:19|20)[0-9]{6}(?:[0-9]{4}(?:[0-9]{2}(?:\.[0-9]{1,4})?)?)?(?:[-+][0-9]{4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing said. `keyed`: the figures a person keys back, "6*8", where there is just one number."""

    text: str
    critical: bool = False
    heading: bool = False  # of the examination whose values follow
    name: str = ""  # the analyte's, for asking its value back
    value: str = ""  # the value as sent
    keyed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A message as it is heard; `lines` in the order of the slip, critical ones are in there too."""

    opening: tuple[str, ...]  # CRITICAL, CORRECTION, WITHDRAWN: before any value
    lines: tuple[Line, ...]

    @property
    def criticals(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.critical)


def read_out(
    message: Message, lexicon: Lexicon, *, zone: str, corrections: Corrections | None = None
) -> Reading:
    """`message` in words. No content makes it raise, and no value is left out in silence."""
    _ = translator(lexicon.language)
    found = compared(message, corrections or {})
    return Reading(
        opening=tuple(_opening(_, message, found)),
        lines=tuple(_Reader(_, lexicon, zone).lines(message, found)),
    )


def identity(patient: Patient | None, lexicon: Lexicon, *, zone: str) -> str:
    """Name and birth date: said before anything else, and confirmed by a key."""
    _ = translator(lexicon.language)
    if patient is None:
        return _("No identity came with this result: ask the lab.")
    called = " ".join(filter(None, (name.said(patient.family), name.said(patient.given))))
    parts = [called or _("no name")]
    if patient.birth_name and folded(patient.birth_name) != folded(patient.family):
        parts.append(_("birth name {name}", name=name.said(patient.birth_name)))
    born = _day(lexicon, patient.birth_date, zone)
    parts.append(_("born {date}", date=born) if born else _("birth date unknown"))
    if not name.readable(patient.family + patient.given):
        # Whoever has no name to go by gets a number.
        parts.append(_("the name is written in another script"))
        figures = visible_ipp(patient) or patient.nda
        if figures:
            label = _("IPP") if visible_ipp(patient) else _("NDA")
            parts.append(f"{name.letters(lexicon, label)} {number.digits(lexicon, figures)}")
    return ", ".join(parts) + "."


def identity_spelled(patient: Patient, lexicon: Lexicon) -> str:
    """The same name letter by letter, and the numbers figure by figure."""
    _ = translator(lexicon.language)
    parts = [name.spelled(lexicon, n) for n in (patient.family, patient.given) if n.strip()]
    for label, figures in ((_("IPP"), visible_ipp(patient)), (_("NDA"), patient.nda)):
        if figures.strip():
            parts.append(
                f"{name.letters(lexicon, label)} {name.spelled(lexicon, figures)}"
                if not figures.isdecimal()
                else f"{name.letters(lexicon, label)} {number.digits(lexicon, figures)}"
            )
    return ". ".join(parts) + "."


def moment(text: str, lexicon: Lexicon, *, zone: str) -> str:
    """A DTM as sent, in words; what is none is read as it came."""
    read = moments.read(text, ZoneInfo(zone))
    if read is None:
        return prose(lexicon, text[:LONG])
    day = date_of(lexicon, read.at.date(), precision=read.precision)
    if read.precision < 4:
        return day
    return f"{day}, {clock(lexicon, read.at.hour, read.at.minute)}"


def agrees(keyed: str, expected: str) -> bool:
    """Whether what was keyed ("6*8") is the value: the same number, however it is written."""
    try:
        return _decimal(keyed) == _decimal(expected)
    except InvalidOperation:
        return False


def keyed(value: str) -> str:
    """The figures of a value as a telephone has them, "6*8"; "" where there is no number, or several."""
    figures = _number_in(value)
    return re.sub("[.,]", "*", figures)


def _number_in(value: str) -> str:
    """The one number in a value, without its sign and blanks; "" where there are several, or a power."""
    found = _FIGURES.findall(value)
    every = [c for c in value if c.isnumeric()]
    if len(found) != 1 or len(every) != sum(c.isdecimal() for c in found[0]):
        return ""
    return "".join(found[0].split())


def _decimal(keys: str) -> Decimal:
    if not re.fullmatch(r"[0-9]*\*?[0-9]*", keys) or not keys.strip("*"):
        raise InvalidOperation
    return Decimal(keys.replace("*", "."))


def _day(lexicon: Lexicon, text: str, zone: str) -> str:
    read = moments.read(text[:8], ZoneInfo(zone))
    if read is None:
        return prose(lexicon, text[:40])
    return date_of(lexicon, read.at.date(), precision=min(read.precision, 3))


def _opening(_: Translate, message: Message, found: Sequence[Sequence[Compared]]) -> Iterator[str]:
    true = facts.find(message)
    if message.test:
        yield _("This is a test, not a patient's result.")
    if true.withdrawn:
        yield _("A result is withdrawn: do not use it.")
        if not true.all_withdrawn:
            yield _("Only what is said to be withdrawn; the rest holds.")
    if true.void_criticals:
        yield _("A critical value no longer holds.")
    if true.criticals:
        yield _.plural("Critical value: {n}.", "Critical values: {n}.", len(true.criticals))
    elif message.priority is Priority.URGENT:
        yield _("Urgent result.")
    if corrects(found, message):
        yield _("Correction.")
    if true.all_cancelled:
        yield _("Examination cancelled: there will be no result.")
    if not true.count:
        yield _("There is no value in this message: ask the lab.")


class _Reader:
    """Says the lines of one message in one language."""

    def __init__(self, translate: Translate, lexicon: Lexicon, zone: str) -> None:
        self._translate = translate
        self._lexicon = lexicon
        self._zone = zone

    def lines(self, message: Message, found: Sequence[Sequence[Compared]]) -> Iterator[Line]:
        for index in facts.examinations(message.groups):
            group = message.groups[index]
            yield self._heading(group)
            for observation, beside in zip(group.observations, found[index], strict=True):
                yield self._observed(group, observation, beside)
                yield from (self._remark(note) for note in observation.notes)
            yield from (self._remark(note) for note in group.notes)
        yield from (self._remark(note) for note in message.notes)

    def _heading(self, group: Group) -> Line:
        _ = self._translate
        named = group.name.strip() or group.code.strip()
        title = self._named(group.code, group.name) if named else _("Examination")
        if group.parent_value:
            title = f"{title}, {self._prose(group.parent_value)}"
        parts = [title]
        if group.collected_at:
            when = moment(group.collected_at, self._lexicon, zone=self._zone)
            parts.append(_("collected {moment}", moment=when))
        state = words.status(_, group.status, group.status_code)
        if state:
            parts.append(self._prose(state.lower()))
        return Line(text=", ".join(parts) + ".", heading=True)

    def _observed(self, group: Group, observation: Observation, beside: Compared) -> Line:
        _ = self._translate
        called = self._named(observation.code, observation.name)
        state = facts.standing(group, observation)
        if state is Status.WITHDRAWN:
            return Line(text=_("{name}: withdrawn, do not use it.", name=called), name=called)
        if state is Status.CANCELLED:
            return Line(text=_("{name}: cancelled.", name=called), name=called)
        if observation.attachment is not None:
            said = _("a document came with it: it is on paper or at the lab")
            return Line(text=f"{called}: {said}.", name=called)
        critical = observation.flag.critical
        parts = (
            f"{called}: {self._value(observation, state)}",
            self._lexicon.flags.get(observation.flag.value, ""),
            self._state(group, observation, state),
            self._reference(observation),
            self._change(observation, beside),
            self._again(observation) if critical else "",
        )
        return Line(
            text=". ".join(filter(None, parts)) + ".",
            critical=critical,
            name=called,
            value=observation.value,
            keyed=keyed(observation.value),
        )

    def _value(self, observation: Observation, state: Status) -> str:
        _ = self._translate
        if not observation.value.strip():
            return _("to come") if state is Status.PENDING else _("no value")
        if not observation.unit.strip() and _DATE.fullmatch(observation.value.strip()):
            return moment(observation.value.strip(), self._lexicon, zone=self._zone)
        said = self._prose(observation.value)
        return " ".join(filter(None, (said, unit(self._lexicon, observation.unit))))

    def _state(self, group: Group, observation: Observation, state: Status) -> str:
        said = words.status(self._translate, state, observation.status_code)
        of_all = words.status(self._translate, group.status, group.status_code)
        if not said or said == of_all or state in (Status.CORRECTED, Status.PENDING):
            return ""
        return self._prose(said.lower())

    def _reference(self, observation: Observation) -> str:
        _ = self._translate
        if observation.flag is Flag.NONE or not observation.reference.strip():
            return ""
        return _("reference {range}", range=self._prose(observation.reference))

    def _change(self, observation: Observation, beside: Compared) -> str:
        _ = self._translate
        before = previous(beside, observation)
        if before and beside.relation is Relation.CORRECTS:
            return _("correction: replaces {value}", value=self._prose(before))
        if before:
            return _("replaces {value}, which was preliminary", value=self._prose(before))
        if beside.change is Change.SEVERAL:
            return _("several values came under this name: compare with the paper")
        if beside.relation is Relation.CORRECTS:
            same = beside.change is Change.SAME
            return _("value unchanged") if same else _("correction of a value not known here")
        return ""

    def _again(self, observation: Observation) -> str:
        """A critical value a second time, figure by figure."""
        _ = self._translate
        figures = _number_in(observation.value)
        if not figures:
            return ""
        return _("I repeat: {value}", value=number.digits(self._lexicon, figures))

    def _remark(self, note: str) -> Line:
        _ = self._translate
        return Line(text=_("Note: {text}", text=self._prose(note)) + ".")

    def _named(self, code: str, called: str) -> str:
        """By the name the lab sends, by LOINC, else the name read like any text."""
        _ = self._translate
        known = self._lexicon.names.get(folded(called)) or self._lexicon.analytes.get(code.strip())
        return known or self._prose(called) or self._prose(code) or _("no name")

    def _prose(self, text: str) -> str:
        _ = self._translate
        said = prose(self._lexicon, text[:LONG])
        if len(text) <= LONG:
            return said
        rest = number.integer(self._lexicon, min(len(text) - LONG, 999_999))
        more = _("and {n} more characters on paper", n=rest)
        return f"{said}, {more}"
