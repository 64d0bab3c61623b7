"""Who a message is about (PID) and where they are (PV1), by the French identity rules and others'.

PID-5 may bring several names. In France (IHE PAM FR, RNIV) type L is the birth name and D the name
in use; elsewhere L is the legal name and M or B the maiden or birth name. Both are told apart here.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.hl7.syntax import Syntax
from gateway.message import Identifier, Location, Patient

_NONE = Identifier(value="")
_IPP = ("PI", "MR")  # table 0203: patient internal identifier, medical record number
_VISIT = ("VN", "AN")  # visit number, account number
_INS = "ASIP-SANTE-INS"  # authority of the national identity number: no hospital number


def patient_of(pid: list[str], pv1: list[str] | None, syntax: Syntax) -> Patient:
    """The patient of a PID segment and the PV1 that belongs to it."""
    pid = pid + [""] * (33 - len(pid))
    used, birth = _names(pid[5], syntax)
    numbers = [_identifier(cx, syntax) for cx in syntax.repetitions(pid[3])]
    numbers = [n for n in numbers if n.value] or _old_identifier(pid[2], syntax)
    account = _identifier(syntax.first(pid[18]), syntax, kind="AN") if pid[18] else _NONE
    return Patient(
        family=used.family,
        given=used.given,
        birth_name=birth.family if birth.family != used.family else "",
        birth_given=birth.given if birth.given != used.given else "",
        birth_date=syntax.value(pid[7]),
        sex=syntax.value(pid[8]),
        ipp=_ipp(numbers),
        nda=_visit(pv1, account.value, syntax),
        identifiers=(*numbers, account) if account.value else tuple(numbers),
        identity_status=syntax.value(pid[32]),
    )


def location_of(raw: str, syntax: Syntax) -> Location | None:
    """PL (PV1-3, PV1-6): point of care, room, bed, facility; None where it is empty."""
    if not raw:
        return None
    parts = syntax.components(raw)
    unit, room, bed, facility = (syntax.head(parts, n) for n in (1, 2, 3, 4))
    if not (unit or room or bed or facility):
        return None
    return Location(unit=unit, room=room, bed=bed, facility=facility)


def merged_ipp(raw: str, syntax: Syntax) -> str:
    """MRG-1: the hospital number that is no more."""
    return _ipp([_identifier(cx, syntax) for cx in syntax.repetitions(raw)])


def same_person(one: Patient, other: Patient) -> bool:
    """Whether two PID of one message speak of one person: they share a number, and neither
    name nor birth date gainsays it. In doubt they do not."""
    for here, there in (
        (one.family, other.family),
        (one.given, other.given),
        (one.birth_date[:8], other.birth_date[:8]),
        (one.ipp, other.ipp),
    ):
        if here and there and here.casefold() != there.casefold():
            return False
    if not one.identifiers or not other.identifiers:
        return (one.family, one.given, one.birth_date) == (
            other.family,
            other.given,
            other.birth_date,
        )
    mine = {(i.value, i.authority) for i in one.identifiers}
    return any((i.value, i.authority) in mine for i in other.identifiers)


@dataclass(frozen=True, slots=True)
class _Name:
    family: str = ""
    given: str = ""
    kind: str = ""  # table 0200


def _names(raw: str, syntax: Syntax) -> tuple[_Name, _Name]:
    """The name in use and the birth name of PID-5; the same when only one came."""
    if syntax.repetition not in raw:
        only = _name(raw, syntax)
        return only, only
    names = [n for xpn in syntax.repetitions(raw) if (n := _name(xpn, syntax)).family or n.given]
    if not names:
        return _Name(), _Name()
    legal = _of_kind(names, "L")
    used = _of_kind(names, "D") or legal or names[0]
    birth = _of_kind(names, "B") or _of_kind(names, "M") or legal
    return used, birth or used


def _name(xpn: str, syntax: Syntax) -> _Name:
    parts = xpn.split(syntax.component)
    return _Name(syntax.head(parts, 1), syntax.part(parts, 2), syntax.part(parts, 7).upper())


def _of_kind(names: list[_Name], kind: str) -> _Name | None:
    return next((n for n in names if n.kind == kind), None)


def _identifier(cx: str, syntax: Syntax, kind: str = "") -> Identifier:
    parts = cx.split(syntax.component)
    return Identifier(
        value=syntax.part(parts, 1),
        kind=syntax.part(parts, 5) or kind,
        authority=syntax.head(parts, 4),
    )


def _old_identifier(pid_2: str, syntax: Syntax) -> list[Identifier]:
    """PID-2, where systems older than v2.3 keep the patient's number."""
    number = _identifier(syntax.first(pid_2), syntax)
    return [number] if number.value else []


def _ipp(numbers: list[Identifier]) -> str:
    if numbers and numbers[0].kind == _IPP[0]:
        return numbers[0].value
    for kind in _IPP:
        for number in numbers:
            if number.kind == kind:
                return number.value
    return next((n.value for n in numbers if not _national(n)), "")


def _national(number: Identifier) -> bool:
    return number.kind.startswith("INS") or number.authority.startswith(_INS)


def _visit(pv1: list[str] | None, account: str, syntax: Syntax) -> str:
    """PV1-19, else PID-18; else PV1-18 when it holds a typed visit number, as from systems that
    count PV1 one field short."""
    if pv1 is None:
        return account
    visit = syntax.value(pv1[19]) if len(pv1) > 19 else ""
    if visit or account or len(pv1) < 19:
        return visit or account
    shifted = _identifier(syntax.first(pv1[18]), syntax)
    return shifted.value if shifted.kind in _VISIT else ""
