"""The reader: one HL7 v2 message in, one `Message` out, or a refusal that says where the fault is.

Tolerant of form (line ends, unknown segments, wrong data types, lies about character sets), strict
about persons: a result whose patient is missing, doubtful or twofold is refused, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.errors import Rejected
from gateway.hl7.delimiters import Delimiters
from gateway.hl7.groups import Groups
from gateway.hl7.header import Header, header_of
from gateway.hl7.limits import Limits
from gateway.hl7.opening import open_message
from gateway.hl7.patient import location_of, merged_ipp, patient_of, same_person
from gateway.hl7.segments import segments
from gateway.hl7.syntax import CHARSET_DOUBTFUL, Syntax
from gateway.locale import N_
from gateway.message import Group, Kind, Message, Movement, Patient, Priority

LINE_BREAK_IN_FIELD = "line-break-in-field"
SEVERAL_PATIENTS = "several-patients"
NO_PATIENT = "no-patient"
NO_IDENTIFIER = "no-identifier"
NO_NAME = "no-name"
IDENTITY_DOUBTFUL = "identity-doubtful"

# A message of this many characters is counted before it is read: what its length allows up to here
# is read in half a second, whatever it is made of.
_LARGE = 2**18
_MOST_PARTS = 150_000  # segments and repetitions: each costs up to 10 µs
_MOST_ESCAPES = 2_000_000  # characters that begin or end an escape sequence: 0.2 µs

_ABOUT_A_PATIENT = (Kind.RESULT, Kind.ORDER)


def read(
    raw: bytes,
    *,
    default_charset: str = "utf-8",
    limits: Limits | None = None,
    brief: bool = False,
) -> Message:
    """The message in `raw`, without its MLLP framing.

    `default_charset` is the codec where MSH-18 is empty; `limits` are the site's critical limits.
    `brief` leaves out what was observed but for flags and statuses: all else, refusals and doubts among
    it, is as in full. That is what a plan is made of, and a third less work.
    Raises `Rejected` with a code of table 0357 and the segment or field at fault. Time and memory
    are linear, and 16 MB of anything are read or refused within two seconds.
    """
    opened = open_message(raw, default_charset=default_charset)
    if len(opened.text) > _LARGE:
        _check_size(opened.text, opened.delimiters)
    cut = segments(opened.text, opened.delimiters.field)
    syntax = Syntax(opened.delimiters, codec=opened.codec)
    header = header_of(syntax.fields(cut.lines[0]), syntax)
    if opened.doubtful:
        syntax.warnings[CHARSET_DOUBTFUL] = None
    if cut.rejoined:
        syntax.warnings[LINE_BREAK_IN_FIELD] = None
    return _message(header, cut.lines, syntax, limits, brief=brief)


def _check_size(text: str, delimiters: Delimiters) -> None:
    """Raises `Rejected` (102 at MSH) for what no lab ever meant: hundreds of thousands of parts."""
    parts = text.count("\r") + text.count("\n") + text.count(delimiters.repetition)
    if parts > _MOST_PARTS or text.count(delimiters.escape) > _MOST_ESCAPES:
        raise Rejected(N_("more parts than a message may have"), code=102, location="MSH")


@dataclass(slots=True)
class _Persons:
    """PID, PV1, MRG, EVN and MSA as they come by."""

    pid: list[list[str]] = field(default_factory=list)
    pv1: list[str] | None = None
    others: dict[str, list[str]] = field(default_factory=dict)  # the first MRG, EVN, MSA
    late: bool = False  # the first PID came after an order or a result


def _message(
    header: Header, lines: list[str], syntax: Syntax, limits: Limits | None, *, brief: bool
) -> Message:
    if limits is not None and not limits.ranges:
        limits = None  # a site without any: asking for each value was a sixth of all reading
    groups = Groups(
        syntax,
        type=header.type,
        shared_orc=header.kind is Kind.ORDER,
        limits=limits,
        brief=brief,
    )
    persons = _Persons()
    _walk(lines, groups, persons, syntax)
    patient = _patient(header, persons, syntax)
    examined = groups.close()
    kind = header.kind
    if kind is Kind.MOVEMENT and patient is None:
        kind = Kind.OTHER
    msa = persons.others.get("MSA")
    return Message(
        control_id=header.control_id,
        sender=header.sender,
        type=header.type,
        kind=kind,
        priority=_priority(examined, critical=groups.critical),
        test=header.test,
        sent_at=header.sent_at,
        charset=syntax.codec,
        patient=patient,
        location=location_of(_at(persons.pv1, 3), syntax),
        movement=_movement(header.event, persons, syntax) if kind is Kind.MOVEMENT else None,
        groups=examined,
        notes=tuple(groups.notes),
        acknowledges=syntax.text(_at(msa, 2)),
        acknowledgement=syntax.value(_at(msa, 1)).upper(),
        warnings=tuple(syntax.warnings),
    )


def _walk(lines: list[str], groups: Groups, persons: _Persons, syntax: Syntax) -> None:
    take = groups.take
    examined = False
    for line in lines[1:]:
        name = line[:3]
        handler = take.get(name)
        if handler is not None:
            handler(line)
            examined = examined or name != "NTE"
        elif name == "PID":
            persons.late = persons.late or (examined and not persons.pid)
            persons.pid.append(syntax.fields(line))
        elif name == "PV1":
            persons.pv1 = persons.pv1 or syntax.fields(line)
        elif name == "MSH":
            raise Rejected("a second message without framing", code=100, location="MSH")
        elif name in ("MRG", "EVN", "MSA"):
            persons.others.setdefault(name, syntax.fields(line))


def _patient(header: Header, persons: _Persons, syntax: Syntax) -> Patient | None:
    """The one person a message is about. Raises `Rejected` (100, 101 at PID) when a result or an
    order has none, has two, or names one only after what was found."""
    strict = header.kind in _ABOUT_A_PATIENT
    if not persons.pid:
        if strict:
            raise Rejected(N_("no patient"), code=101, location="PID")
        if header.kind is Kind.MOVEMENT:
            syntax.warnings[NO_PATIENT] = None
        return None
    if strict and persons.late:
        raise Rejected(N_("patient after what was found"), code=100, location="PID")
    patient, *others = (patient_of(pid, persons.pv1, syntax) for pid in persons.pid)
    if any(not same_person(patient, other) for other in others):
        if strict:
            raise Rejected(N_("two patients in one message"), code=100, location="PID")
        syntax.warnings[SEVERAL_PATIENTS] = None
        return None
    return _identified(patient, syntax, strict=strict)


def _identified(patient: Patient, syntax: Syntax, *, strict: bool) -> Patient:
    named = bool(patient.family or patient.given)
    numbered = bool(patient.identifiers or patient.nda)
    if strict and not (named or numbered):
        raise Rejected(N_("patient without name and number"), code=101, location="PID-3")
    if not numbered:
        syntax.warnings[NO_IDENTIFIER] = None
    if not named:
        syntax.warnings[NO_NAME] = None
    if _out_of_step(patient):
        syntax.warnings[IDENTITY_DOUBTFUL] = None
    return patient


def _out_of_step(patient: Patient) -> bool:
    """A date where the sex belongs, or no digit in the birth date: a delimiter in the name was not
    escaped, and what follows it stands in the wrong fields."""
    sex, born = patient.sex, patient.birth_date
    return (sex.isdigit() and len(sex) >= 6) or (born != "" and not any(map(str.isdigit, born)))


def _movement(event: str, persons: _Persons, syntax: Syntax) -> Movement:
    return Movement(
        event=event or syntax.value(_at(persons.others.get("EVN"), 1)),
        merged=merged_ipp(_at(persons.others.get("MRG"), 1), syntax),
        previous=location_of(_at(persons.pv1, 6), syntax),
    )


def _priority(groups: tuple[Group, ...], *, critical: bool) -> Priority:
    """The most pressing: a critical value, else the most urgent order."""
    if critical:
        return Priority.CRITICAL
    urgent = any(group.priority is Priority.URGENT for group in groups)
    return Priority.URGENT if urgent else Priority.ROUTINE


def _at(fields: list[str] | None, number: int) -> str:
    return fields[number] if fields and number < len(fields) else ""
