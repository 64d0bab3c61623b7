"""One OBX and its notes as an `Observation` (HL7 v2.5, 7.4.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from gateway.hl7.attachment import attachment_of, is_document
from gateway.hl7.limits import Limits, Range, judge
from gateway.hl7.syntax import Syntax
from gateway.hl7.tables import CRITICAL, FLAG_ORDER, FLAGS, RESULT_STATUS
from gateway.hl7.values import PLAIN, TEXT, value_of
from gateway.message import Flag, Observation, Status

LIMIT_UNIT = "limit-unit"  # warning: a limit was not applied, the value came in another unit
OBX = [""] * 15  # an empty OBX, up to OBX-14
_UNKNOWN = Status.UNKNOWN


def observation_of(
    obx: list[str],
    notes: list[str],
    syntax: Syntax,
    *,
    verbatim: bool = False,
    fallback: Status = _UNKNOWN,
    limits: Limits | None = None,
) -> Observation:
    """The observation of an OBX of at least the length of `OBX`.

    `fallback` is the status of its OBR, for an empty OBX-11. `verbatim` says that nothing in the
    segment needs un-escaping, which saves asking every field.
    """
    identifier = obx[3].split(syntax.component)
    if verbatim and len(identifier) > 1 and identifier[0] and identifier[1]:
        code, name = identifier[0].strip(), identifier[1].strip()
    else:
        code, name = syntax.code_and_name(obx[3])
    value, unit, reference = obx[5], obx[6], obx[7]
    if not verbatim or obx[2] not in PLAIN or syntax.repetition in value:
        value = value_of(obx[2], value, syntax)
    if not verbatim or syntax.component in unit or syntax.repetition in unit:
        unit = syntax.value(unit)
    else:
        unit = unit.strip()
    if not verbatim or syntax.repetition in reference:
        reference = syntax.lines(reference)
    flag, flag_text = FLAGS.get(obx[8]), obx[8]
    if flag is None:
        flag, flag_text = flag_of(obx[8], syntax)
    if limits is not None and flag not in CRITICAL:
        flag = _judged(identifier, value, unit, limits, syntax) or flag
    status, status_code = RESULT_STATUS.get(obx[11]), obx[11]
    if status is None:
        status, status_code = _status(obx[11], fallback, syntax)
    return seal(
        Draft(
            code,
            name,
            value,
            syntax.value(obx[4]) if obx[4] else "",
            unit,
            reference,
            flag,
            flag_text,
            status,
            status_code,
            syntax.value(obx[14]),
            tuple(notes),
        )
    )


def in_brief(obx: list[str], syntax: Syntax, limits: Limits | None) -> Observation | None:
    """Flag and status of an OBX in which nothing needs un-escaping; None for one that must be read whole."""
    if limits is not None and _limit(obx[3].split(syntax.component), limits, syntax) is not None:
        return None
    return _BRIEF.get((obx[8], obx[11]))


_BRIEF = {
    (said, code): Observation(code="", name="", value="", flag=flag, status=status)
    for said, flag in FLAGS.items()
    for code, status in RESULT_STATUS.items()
}


def documents_of(bare: Observation, raw: str, syntax: Syntax) -> list[Observation]:
    """`bare`, whose OBX-5 (`raw`) carries documents, once for each of them."""
    return [
        replace(bare, attachment=attachment_of(document, bare.name, syntax))
        for document in syntax.repetitions(raw)
    ]


def continues(before: list[str], obx: list[str]) -> bool:
    """Whether `obx` is the next line of the text `before` began: both text of the same code and
    sub-id and status, and the later one says nothing of its own beside the text.
    """
    return (
        obx[2] in TEXT
        and obx[2] == before[2]
        and obx[3] == before[3]
        and obx[3] != ""
        and obx[4] == before[4]
        and obx[11] == before[11]
        and all(obx[n] in ("", before[n]) for n in (6, 7, 8, 14))
        and not (is_document(obx[2], obx[5]) or is_document(before[2], before[5]))
    )


def flag_of(raw: str, syntax: Syntax) -> tuple[Flag, str]:
    """OBX-8: the flag that matters most, and all of them as text."""
    codes = [t for r in syntax.repetitions(raw) if (t := syntax.value(r))]
    flags = {FLAGS.get(code.upper(), Flag.NONE) for code in codes} or {Flag.NONE}
    return next(flag for flag in FLAG_ORDER if flag in flags), " ".join(codes)


def _status(raw: str, fallback: Status, syntax: Syntax) -> tuple[Status, str]:
    code = syntax.value(raw)
    return RESULT_STATUS.get(code.upper(), _UNKNOWN) if code else fallback, code


def _limit(identifier: list[str], limits: Limits, syntax: Syntax) -> Range | None:
    return limits.of(syntax.part(identifier, 1), syntax.part(identifier, 4))


def _judged(identifier: list[str], value: str, unit: str, limits: Limits, syntax: Syntax) -> Flag:
    limit = _limit(identifier, limits, syntax)
    if limit is None:
        return Flag.NONE
    if limit.unit and unit != limit.unit:
        syntax.warnings[LIMIT_UNIT] = None
        return Flag.NONE
    return judge(value, limit)


class Draft:
    """An `Observation` in the making.

    Filling a frozen record costs 1.6 µs, of which a quarter is the record: with twenty to a
    message that was a third of all reading. A draft has the same slots, so it becomes the record
    by changing its class; nobody sees it before.
    """

    __slots__ = Observation.__slots__

    def __init__(  # noqa: PLR0917
        self,
        code: str,
        name: str,
        value: str,
        sub_id: str,
        unit: str,
        reference: str,
        flag: Flag,
        flag_text: str,
        status: Status,
        status_code: str,
        observed_at: str,
        notes: tuple[str, ...],
    ) -> None:
        self.code = code
        self.name = name
        self.value = value
        self.sub_id = sub_id
        self.unit = unit
        self.reference = reference
        self.flag = flag
        self.flag_text = flag_text
        self.status = status
        self.status_code = status_code
        self.observed_at = observed_at
        self.notes = notes
        self.attachment = None


def seal(draft: Draft) -> Observation:
    draft.__class__ = Observation  # type: ignore[assignment]
    return cast(Observation, draft)
