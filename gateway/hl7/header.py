"""MSH checked: what a message is, before anything in it is believed."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import Rejected
from gateway.hl7.syntax import Syntax
from gateway.hl7.tables import KINDS, VERSIONS
from gateway.locale import N_
from gateway.message import Kind

VERSION_UNKNOWN = "version-unknown"
PROCESSING_UNKNOWN = "processing-id-unknown"
_LONGEST_CONTROL_ID = 199  # v2.7 and later; earlier versions say 20
_FIELDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    control_id: str
    sender: str  # "MSH-3|MSH-4"
    type: str
    event: str
    kind: Kind
    test: bool
    sent_at: str


def header_of(msh: list[str], syntax: Syntax) -> Header:
    """Raises `Rejected`: 101 or 102 at MSH-9 or MSH-10, 200 at MSH-9."""
    msh = msh + [""] * (_FIELDS - len(msh))
    code, event = _type(msh[8], syntax)
    processing = syntax.value(msh[10]).upper()
    if processing not in ("P", "T", "D", ""):
        syntax.warnings[PROCESSING_UNKNOWN] = None
    if syntax.value(msh[11]) not in VERSIONS:
        syntax.warnings[VERSION_UNKNOWN] = None
    return Header(
        control_id=_control_id(msh[9], syntax),
        sender=f"{syntax.text(msh[2])}|{syntax.text(msh[3])}",
        type=f"{code}^{event}" if event else code,
        event=event,
        kind=KINDS.get(code, Kind.OTHER),
        test=processing in ("T", "D"),
        sent_at=syntax.value(msh[6]),
    )


def _type(raw: str, syntax: Syntax) -> tuple[str, str]:
    parts = syntax.components(raw)
    code, event = syntax.part(parts, 1).upper(), syntax.part(parts, 2).upper()
    if not code:
        raise Rejected(N_("no message type"), code=101, location="MSH-9")
    if not (len(code) <= 16 and code.isascii() and code.isalnum()):
        raise Rejected("not a message type", code=200, location="MSH-9")
    return code, event


def _control_id(raw: str, syntax: Syntax) -> str:
    """MSH-10 as text. It must come back in the acknowledgement exactly as it was sent, so it may
    hold no control character."""
    control_id = syntax.text(raw)
    if not control_id.strip():
        raise Rejected(N_("no message control id"), code=101, location="MSH-10")
    if len(control_id) > _LONGEST_CONTROL_ID:
        raise Rejected(
            f"message control id is longer than {_LONGEST_CONTROL_ID}", code=102, location="MSH-10"
        )
    if not control_id.isprintable() and any(map(_is_control, control_id)):
        raise Rejected("message control id holds control characters", code=102, location="MSH-10")
    return control_id


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"
