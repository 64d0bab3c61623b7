"""A message written as HL7 v2.5.1, for a platform that speaks nothing else: what came as FHIR or a document.

What HL7 can carry is there again when it is read; what it cannot (a document's bytes among them) is
said in words. UTF-8, the standard delimiters, segments ended by CR.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence

from gateway.hl7.delimiters import STANDARD
from gateway.hl7.escape import escape
from gateway.hl7.tables import FLAGS, REPORT_STATUS, RESULT_STATUS, is_priority
from gateway.message import (
    Flag,
    Group,
    Identifier,
    Kind,
    Message,
    Observation,
    Patient,
    Priority,
    Status,
)

# What kinds become, where their own type is none of HL7's: MSH-9 and its structure.
_TYPES = {
    Kind.RESULT: ("ORU", "R01", "ORU_R01"),
    Kind.ORDER: ("ORM", "O01", "ORM_O01"),
    Kind.DOCUMENT: ("ORU", "R01", "ORU_R01"),
}
_STATUS = {
    Status.FINAL: "F",
    Status.PRELIMINARY: "P",
    Status.PENDING: "I",
    Status.CORRECTED: "C",
    Status.WITHDRAWN: "W",
    Status.CANCELLED: "X",
    Status.UNKNOWN: "",
}
_FLAGS = {
    Flag.NONE: "",
    Flag.ABNORMAL: "A",
    Flag.LOW: "L",
    Flag.HIGH: "H",
    Flag.CRITICAL: "AA",
    Flag.CRITICAL_LOW: "LL",
    Flag.CRITICAL_HIGH: "HH",
    Flag.RESISTANT: "R",
    Flag.INTERMEDIATE: "I",
    Flag.SUSCEPTIBLE: "S",
}
_LINE = "\\.br\\"
_OBR, _PID, _PV1 = 25, 32, 19

Field = str  # already written


def write(message: Message, documents: Sequence[bytes] = ()) -> bytes:
    """`message` as ORU^R01, or ORM^O01 for an order. `control_id` and sender stay what they are.

    `documents` are the bytes of its attachments, in their order; one that is not there or is b"" is only
    announced. Raises ValueError for a kind that has no such form (movements, notices).
    """
    kind = _TYPES.get(message.kind)
    if kind is None:
        raise ValueError(f"a {message.kind} is not written as HL7")
    lines = [_msh(message, kind)]
    if message.patient is not None:
        lines += [_pid(message.patient), _pv1(message)]
    lines += [_nte(note) for note in message.notes]
    enclosed = iter(documents)
    for number, group in enumerate(message.groups, start=1):
        lines += _group(group, number, order=message.kind is Kind.ORDER, enclosed=enclosed)
    return b"".join(line.encode("utf-8", "replace") + b"\r" for line in lines)


def _msh(message: Message, kind: tuple[str, str, str]) -> str:
    application, _, facility = message.sender.partition("|")
    return _segment(
        "MSH",
        "^~\\&",
        _text(application),
        _text(facility),
        "",
        "",
        _text(message.sent_at),
        "",
        "^".join(kind),
        _text(message.control_id),
        "T" if message.test else "P",
        "2.5.1",
        *[""] * 5,
        "UNICODE UTF-8",
    )


def _pid(patient: Patient) -> str:
    fields = [""] * _PID
    fields[2] = "~".join(_cx(number) for number in _numbers(patient))
    fields[4] = "~".join(_names(patient))
    fields[6] = _text(patient.birth_date)
    fields[7] = _text(patient.sex)
    fields[31] = _text(patient.identity_status)
    return _segment("PID", *fields)


def _numbers(patient: Patient) -> list[Identifier]:
    """The hospital number first where a reader would not find it by its type."""
    numbers = list(patient.identifiers)
    if patient.ipp and not any(n.value == patient.ipp for n in numbers):
        numbers.insert(0, Identifier(value=patient.ipp, kind="PI"))
    return numbers


def _cx(number: Identifier) -> str:
    return _parts(number.value, "", "", number.authority, number.kind)


def _names(patient: Patient) -> Iterator[str]:
    """In France type D is the name in use and L the name at birth; one name alone is L."""
    used = patient.family, patient.given
    if not (patient.birth_name or patient.birth_given):
        yield _parts(*used, "", "", "", "", "L") if any(used) else ""
        return
    yield _parts(*used, "", "", "", "", "D")
    birth = patient.birth_name or patient.family, patient.birth_given or patient.given
    yield _parts(*birth, "", "", "", "", "L")


def _pv1(message: Message) -> str:
    fields = [""] * _PV1
    fields[1] = "U"  # table 0004: unknown
    if place := message.location:
        fields[2] = _parts(place.unit, place.room, place.bed, place.facility)
    assert message.patient is not None
    fields[18] = _text(message.patient.nda)
    return _segment("PV1", *fields)


def _group(group: Group, number: int, *, order: bool, enclosed: Iterator[bytes]) -> Iterator[str]:
    control = group.control or ("NW" if order else "")
    if control:
        yield _segment("ORC", _text(control), _text(group.placer), _text(group.filler))
    fields = [""] * _OBR
    fields[0] = str(number)
    fields[1], fields[2] = _text(group.placer), _text(group.filler)
    fields[3] = _parts(group.code, group.name)
    fields[4] = _priority(group)
    fields[5] = _text(group.wanted_at)
    fields[6] = _text(group.collected_at)
    fields[14] = escape(group.specimen, STANDARD)  # SPS: its first component may be text
    fields[15] = _parts("", group.requester) if group.requester else ""
    fields[16] = _text(group.requester_phone)
    fields[21] = _text(group.reported_at)
    fields[23] = _text(group.section)
    fields[24] = _code(group.status, group.status_code, REPORT_STATUS)
    yield _segment("OBR", *fields)
    for note in group.notes:
        yield _nte(note)
    for index, observation in enumerate(group.observations, start=1):
        document = b"" if observation.attachment is None else next(enclosed, b"")
        yield _obx(observation, index, document)
        for note in observation.notes:
            yield _nte(note)


def _priority(group: Group) -> str:
    if group.priority is Priority.ROUTINE:
        return _text(group.priority_text)
    return _text(group.priority_text if is_priority(group.priority_text) else "S")


def _obx(observation: Observation, index: int, document: bytes) -> str:
    kind, value = _value(observation, document)
    return _segment(
        "OBX",
        str(index),
        kind,
        _parts(observation.code, observation.name),
        _text(observation.sub_id),
        value,
        _text(observation.unit),
        _text(observation.reference),
        _flag(observation),
        "",
        "",
        _code(observation.status, observation.status_code, RESULT_STATUS),
        "",
        "",
        _text(observation.observed_at),
    )


def _value(observation: Observation, document: bytes) -> tuple[str, Field]:
    """OBX-2 and OBX-5."""
    if document and observation.attachment is not None:
        subtype = observation.attachment.media_type.rpartition("/")[2].upper()
        return "ED", f"^AP^{_text(subtype)}^Base64^{b64encode(document).decode()}"
    value = observation.value
    if observation.attachment is not None and not value:
        value = _announced(observation)
    return "TX" if "\n" in value else "ST", _text(value)


def _announced(observation: Observation) -> str:
    document = observation.attachment
    assert document is not None
    words = (document.title, document.media_type, document.fault or f"{document.size} bytes")
    return f"[{', '.join(w for w in words if w)}]"


def _flag(observation: Observation) -> str:
    """The flag's own letters; those it came with, where they say the same."""
    codes = observation.flag_text.split()
    if codes and any(FLAGS.get(c.upper(), Flag.NONE) is observation.flag for c in codes):
        return "~".join(_text(c) for c in codes)
    return _FLAGS[observation.flag]


def _code(status: Status, sent: str, table: dict[str, Status]) -> str:
    """A status in HL7's letter; an unknown one as it came, so that it stays unknown."""
    if status is Status.UNKNOWN:
        return _text(sent) if sent.upper() not in table else ""
    return _text(sent) if table.get(sent.upper()) is status else _STATUS[status]


def _nte(note: str) -> str:
    return _segment("NTE", "1", "", _text(note))


def _parts(*components: str) -> Field:
    return "^".join(map(_text, components)).rstrip("^")


def _text(words: str) -> Field:
    """Text fit for a field: escaped, its lines parted by the command for it, without framing bytes."""
    if words == '""':
        return "\\X22\\\\X22\\"  # two quotes that are text, not HL7's null
    written = escape(words.replace("\r\n", "\n").replace("\r", "\n"), STANDARD)
    if written.isprintable():
        return written
    return "".join(_LINE if c == "\n" else c if c >= " " else f"\\X{ord(c):02X}\\" for c in written)


def _segment(name: str, *fields: Field) -> str:
    return "|".join((name, *fields)).rstrip("|")
