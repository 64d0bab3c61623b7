"""What came in: a message, its patient, its observations and orders, whatever way it came.

Readers (`gateway.hl7.read` for HL7 v2) turn raw bytes into a `Message`; everything after them
speaks only of these records. Text fields hold decoded, un-escaped text exactly as it was sent:
making it printable is the printer's business (`printers.text.clean`), never the reader's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a message is about; decides its plan and its layout."""

    RESULT = "result"  # ORU^R01, ORU^R30..32, OUL^R22
    ORDER = "order"  # ORM^O01, OML^O21, OMG^O19
    MOVEMENT = "movement"  # ADT^A01..: where a patient is
    DOCUMENT = "document"  # a page for a ward: mail, PDF
    NOTICE = "notice"  # Wardline's own words: outage notice, summary slip, refusal
    OTHER = "other"  # passed on to the platform, never printed


class Priority(StrEnum):
    ROUTINE = "routine"
    URGENT = "urgent"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the most pressing, for `ORDER BY`."""
        return _RANK[self]


_RANK = {Priority.CRITICAL: 0, Priority.URGENT: 1, Priority.ROUTINE: 2}


class Status(StrEnum):
    """How firm a result is, from OBX-11, else OBR-25 (HL7 tables 0085 and 0123)."""

    FINAL = "final"  # F, U
    PRELIMINARY = "preliminary"  # P, R, S
    PENDING = "pending"  # I, O: no result yet
    CORRECTED = "corrected"  # C
    WITHDRAWN = "withdrawn"  # D, W: deleted, or entered for the wrong patient
    CANCELLED = "cancelled"  # X: cannot be obtained
    UNKNOWN = "unknown"  # anything else: printed with the code as it came


class Flag(StrEnum):
    """How far from normal a value is, from OBX-8 (table 0078) or the site's own limits."""

    NONE = ""
    ABNORMAL = "abnormal"  # A
    LOW = "low"  # L, <
    HIGH = "high"  # H, >
    CRITICAL = "critical"  # AA
    CRITICAL_LOW = "critical-low"  # LL
    CRITICAL_HIGH = "critical-high"  # HH
    RESISTANT = "resistant"  # R
    INTERMEDIATE = "intermediate"  # I
    SUSCEPTIBLE = "susceptible"  # S

    @property
    def critical(self) -> bool:
        return self in (Flag.CRITICAL, Flag.CRITICAL_LOW, Flag.CRITICAL_HIGH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One of a patient's numbers: PID-3 repetition or PID-18 (CX)."""

    value: str
    kind: str = ""  # CX-5: PI (IPP), INS, AN/VN (NDA)…
    authority: str = ""  # CX-4, its first subcomponent


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who a result is about. Two of these identifiers at least stand on every slip, never a room alone."""

    family: str = ""
    given: str = ""
    birth_name: str = ""  # PID-5 repetition of type L/B/M as sent; "" when only one name came
    birth_given: str = ""  # the given name beside it; "" when it is the same as `given`
    birth_date: str = ""  # YYYYMMDD… as sent (PID-7); may be partial or wrong
    sex: str = ""  # PID-8 as sent
    ipp: str = ""  # permanent hospital number: PID-3 of type PI or MR, else its first
    nda: str = ""  # visit number: PV1-19, else PID-18
    identifiers: tuple[Identifier, ...] = ()
    identity_status: str = ""  # PID-32 as sent: VALI, PROV, DOUB…

    @property
    def key(self) -> str:
        """What two messages about the same person share: the IPP, else the NDA. "" when neither came."""
        return self.ipp or self.nda


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the patient is (PL: PV1-3): point of care, room, bed, facility."""

    unit: str = ""
    room: str = ""
    bed: str = ""
    facility: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document inside a message (OBX-2 ED): kept in the raw bytes, announced on the slip."""

    title: str
    media_type: str  # "application/pdf", or "" when unknown
    size: int  # bytes once decoded; 0 when it could not be
    fault: str = ""  # why it cannot be read, in English: "bad base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One value: an OBX with the notes that follow it."""

    code: str  # OBX-3.1
    name: str  # OBX-3.2, else OBX-3.1
    value: str  # OBX-5 as a person reads it; structured numerics joined ("≥ 32"); lines by "\n"
    sub_id: str = ""  # OBX-4
    unit: str = ""  # OBX-6
    reference: str = ""  # OBX-7
    flag: Flag = Flag.NONE
    flag_text: str = ""  # OBX-8 as sent
    status: Status = Status.FINAL
    status_code: str = ""  # OBX-11 as sent
    observed_at: str = ""  # OBX-14, HL7 DTM as sent
    notes: tuple[str, ...] = ()
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One examination: an OBR (with its ORC) and what was observed, or what was asked."""

    placer: str = ""  # OBR-2 / ORC-2, first component
    filler: str = ""  # OBR-3 / ORC-3, first component
    code: str = ""  # OBR-4.1
    name: str = ""  # OBR-4.2
    control: str = ""  # ORC-1: NW, CA, XO, SC, RE…
    priority: Priority = Priority.ROUTINE  # OBR-5 / ORC-7.6 / OBR-27.6 / TQ1-9
    priority_text: str = ""  # as sent: "S", "STAT", "A"…
    collected_at: str = ""  # OBR-7, else SPM-17
    wanted_at: str = ""  # ORC-7.4 / OBR-6 / TQ1-7
    reported_at: str = ""  # OBR-22
    requester: str = ""  # OBR-16 / ORC-12, as a name
    requester_phone: str = ""  # OBR-17 / ORC-14
    specimen: str = ""  # OBR-15 / SPM-4, as text
    section: str = ""  # OBR-24
    status: Status = Status.UNKNOWN  # OBR-25
    status_code: str = ""
    parent: str = ""  # OBR-26 (what it descends from), as text: "600-7 Hémoculture, 1"
    parent_value: str = ""  # what was found there: "Escherichia coli", whose antibiogram this is
    parent_filler: str = ""  # OBR-29: the parent's order number
    notes: tuple[str, ...] = ()
    observations: tuple[Observation, ...] = ()

    @property
    def order_key(self) -> str:
        """What a correction shares with what it corrects: filler number, else placer number."""
        return self.filler or self.placer


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What an ADT message says of a patient's whereabouts."""

    event: str  # "A01"
    merged: str = ""  # MRG-1: the IPP that is no more (A40)
    previous: Location | None = None  # PV1-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as its reader understood it. The raw bytes stay in the store, beside it."""

    control_id: str  # MSH-10
    sender: str  # "MSH-3|MSH-4": with control_id, the key for duplicates
    type: str  # "ORU^R01"
    kind: Kind
    priority: Priority = Priority.ROUTINE
    test: bool = False  # MSH-11 is T or D: never to look real
    sent_at: str = ""  # MSH-7 as sent
    charset: str = "utf-8"  # Python codec that read it
    patient: Patient | None = None
    location: Location | None = None
    movement: Movement | None = None
    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()  # NTE before any group
    acknowledges: str = ""  # MSA-2, in an acknowledgement: the control id it confirms
    acknowledgement: str = ""  # MSA-1: AA, AE, AR, CA, CE, CR
    warnings: tuple[
        str, ...
    ] = ()  # what the reader doubts, in English keywords: "charset-doubtful"

    @property
    def order_keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(g.order_key for g in self.groups if g.order_key))
