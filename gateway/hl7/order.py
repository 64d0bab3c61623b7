"""What was asked or examined: ORC, OBR, TQ1 and SPM as the head of a `Group` (HL7 v2.5, ch. 4, 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.hl7.syntax import Syntax
from gateway.hl7.tables import REPORT_STATUS, SECTIONS, is_priority, priority_of
from gateway.hl7.values import coded, phone, provider
from gateway.message import Priority, Status

_OBR = [""] * 32
_ORC = [""] * 16


@dataclass(slots=True, kw_only=True)
class Order:
    """The segments that head one group, as they come in; empty lists where none came."""

    orc: list[str] = field(default_factory=list)
    obr: list[str] = field(default_factory=list)
    tq1: list[str] = field(default_factory=list)
    spm: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Which observation an examination descends from; all "" when it has no parent."""

    filler: str = ""  # OBR-29: the parent's order number
    code: str = ""  # OBR-26.1
    sub_id: str = ""  # OBR-26.2


NO_PARENT = Lineage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the heading segments say of a group."""

    fields: dict[str, Any]  # those of `Group`, but its notes and observations
    lineage: Lineage


def head_of(order: Order, syntax: Syntax) -> Head:
    orc, obr = order.orc + _ORC[len(order.orc) :], order.obr + _OBR[len(order.obr) :]
    late = shift_of(obr)
    value = syntax.value
    code, name = syntax.code_and_name(obr[4])
    priority, priority_text = _priority(orc, obr, order.tq1, syntax)
    specimen, collected = _specimen(order.spm, syntax) if order.spm else ("", "")
    prl = syntax.components(obr[26 + late])
    lineage = _lineage(prl, obr[29 + late], syntax)
    status_code = value(obr[25 + late])
    return Head(
        fields={
            "placer": value(obr[2]) or value(orc[2]),
            "filler": value(obr[3]) or value(orc[3]),
            "code": code,
            "name": name,
            "control": value(orc[1]).upper(),
            "priority": priority,
            "priority_text": priority_text,
            "collected_at": value(obr[7]) or collected,
            "wanted_at": _wanted(orc, obr, order.tq1, syntax),
            "reported_at": value(obr[22 + late]),
            "requester": _person(obr[16] or orc[12], syntax),
            "requester_phone": _phone(obr[17] or orc[14], syntax),
            "specimen": _source(obr[15], syntax) or specimen,
            "section": value(obr[24 + late]),
            "status": REPORT_STATUS.get(status_code.upper(), Status.UNKNOWN),
            "status_code": status_code,
            "parent": _parent(prl, syntax) if obr[26 + late] else "",
            "parent_value": syntax.part(prl, 3),
            "parent_filler": lineage.filler,
        },
        lineage=lineage,
    )


def status_of(obr: list[str], syntax: Syntax) -> Status:
    """OBR-25, for the observations that have no status of their own."""
    at = 25 + (shift_of(obr) if len(obr) > 26 else 0)
    code = syntax.value(obr[at]) if len(obr) > at else ""
    return REPORT_STATUS.get(code.upper(), Status.UNKNOWN)


def shift_of(obr: list[str]) -> int:
    """1 for senders that count OBR one field too far from OBR-22 on: a diagnostic section where
    the status belongs, and a status letter where the parent result (a composite) belongs."""
    return int(obr[25] in SECTIONS and obr[26] in REPORT_STATUS)


def _priority(
    orc: list[str], obr: list[str], tq1: list[str], syntax: Syntax
) -> tuple[Priority, str]:
    """The most pressing of all the places HL7 has kept priority in, and how it was written.

    A parent number (OBR-29, an EIP) has two components: with six it is a misplaced
    quantity/timing, which some order entry systems send there.
    """
    codes = [syntax.value(tq1[9])] if len(tq1) > 9 else []
    codes += [syntax.value(obr[5])] if obr[5] else []
    codes += [syntax.part(syntax.components(tq), 6) for tq in (orc[7], obr[27], obr[29]) if tq]
    if not codes:
        return Priority.ROUTINE, ""
    said = [c for c in codes if is_priority(c)]
    urgent = next((c for c in said if priority_of(c) is Priority.URGENT), "")
    if urgent:
        return Priority.URGENT, urgent
    return Priority.ROUTINE, next(iter(said), syntax.value(obr[5]))


def _wanted(orc: list[str], obr: list[str], tq1: list[str], syntax: Syntax) -> str:
    start = syntax.value(tq1[7]) if len(tq1) > 7 else ""
    timed = (syntax.part(syntax.components(tq), 4) for tq in (orc[7], obr[27]) if tq)
    return start or next(filter(None, timed), "") or syntax.value(obr[6])


def _specimen(spm: list[str], syntax: Syntax) -> tuple[str, str]:
    """SPM-4 as text, and when it was taken (SPM-17, a DR: its start)."""
    kind = coded(syntax.first(spm[4]), syntax) if len(spm) > 4 else ""
    return kind, syntax.value(spm[17]) if len(spm) > 17 else ""


def _source(raw: str, syntax: Syntax) -> str:
    """OBR-15 (SPS): its first component is a code with text, one level down."""
    if not raw:
        return ""
    first, *rest = syntax.components(raw)
    code, *texts = first.split(syntax.sub)
    text = syntax.text(texts[0]) if texts else ""
    return text or syntax.text(code) or next(filter(None, map(syntax.text, rest)), "")


def _person(raw: str, syntax: Syntax) -> str:
    return provider(syntax.first(raw), syntax) if raw else ""


def _phone(raw: str, syntax: Syntax) -> str:
    return phone(syntax.first(raw), syntax) if raw else ""


def _parent(prl: list[str], syntax: Syntax) -> str:
    """OBR-26 (PRL) for a person: "600-7 Hémoculture, 1"."""
    code, *texts = prl[0].split(syntax.sub)
    words = " ".join(filter(None, (syntax.text(code), syntax.text(texts[0]) if texts else "")))
    return ", ".join(filter(None, (words, syntax.part(prl, 2))))


def _lineage(prl: list[str], eip: str, syntax: Syntax) -> Lineage:
    """From OBR-26 and OBR-29 (EIP): the parent's filler number, else its placer number."""
    if not eip and len(prl) == 1 and not prl[0]:
        return NO_PARENT
    numbers = syntax.components(eip)
    return Lineage(
        filler=syntax.head(numbers, 2) or syntax.head(numbers, 1),
        code=syntax.head(prl, 1),
        sub_id=syntax.part(prl, 2),
    )
