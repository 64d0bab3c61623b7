"""HL7's code tables as Wardline understands them."""

from __future__ import annotations

import re

from gateway.message import Flag, Kind, Priority, Status

# MSH-9.1. Everything else is passed on and never printed.
KINDS = {
    "ORU": Kind.RESULT,
    "OUL": Kind.RESULT,
    "ORM": Kind.ORDER,
    "OML": Kind.ORDER,
    "OMG": Kind.ORDER,
    "OMI": Kind.ORDER,  # imaging
    "OMB": Kind.ORDER,  # blood products
    "ADT": Kind.MOVEMENT,
}

# Messages built around the specimen: SPM leads the orders or results it belongs to.
SPECIMEN_FIRST = ("OUL^R22", "OUL^R23", "OML^O33", "OML^O35")
# Messages in which ORC follows its OBR.
ORC_AFTER_OBR = ("OUL^R22", "OUL^R23", "OUL^R24")

VERSIONS = frozenset(
    "2.0 2.1 2.2 2.3 2.3.1 2.3.2 2.4 2.5 2.5.1 2.6 2.7 2.7.1 2.8 2.8.1 2.8.2 2.9 2.9.1".split()
)

# Table 0085, of one observation (OBX-11).
RESULT_STATUS = {
    "F": Status.FINAL,
    "U": Status.FINAL,  # became final, not sent again
    "B": Status.FINAL,  # appended
    "V": Status.FINAL,  # verified
    "P": Status.PRELIMINARY,
    "R": Status.PRELIMINARY,  # entered, not verified
    "S": Status.PRELIMINARY,  # partial
    "I": Status.PENDING,  # specimen in the lab
    "O": Status.PENDING,  # order detail only
    "C": Status.CORRECTED,
    "D": Status.WITHDRAWN,  # deleted
    "W": Status.WITHDRAWN,  # was entered for the wrong patient
    "X": Status.CANCELLED,
}

# Table 0123, of a whole examination (OBR-25); D and W as in 0085, which senders put here too.
REPORT_STATUS = {
    "F": Status.FINAL,
    "A": Status.PRELIMINARY,  # some results
    "P": Status.PRELIMINARY,
    "R": Status.PRELIMINARY,  # stored, not verified
    "I": Status.PENDING,
    "O": Status.PENDING,
    "S": Status.PENDING,  # scheduled
    "C": Status.CORRECTED,
    "M": Status.CORRECTED,  # corrected, not final
    "D": Status.WITHDRAWN,
    "W": Status.WITHDRAWN,
    "X": Status.CANCELLED,
}

# Table 0074, diagnostic sections (OBR-24): told from statuses by their length.
SECTIONS = frozenset(
    "AU BG BLB CG CH CP CT CTH CUS EC EN GE HM ICU IMG IMM LAB MB MCB MYC NMR NMS NRS OSL OT OTH "
    "OUS PAR PAT PF PHR PHY PT RAD RC RT RUS RX SP SR TX URN VR VUS XRC".split()
)

# Table 0078 (OBX-8). `<` and `>` mean off the instrument's scale, which is not a judgement.
FLAGS = {
    "": Flag.NONE,
    "N": Flag.NONE,
    "A": Flag.ABNORMAL,
    "L": Flag.LOW,
    "LU": Flag.LOW,
    "<": Flag.LOW,
    "H": Flag.HIGH,
    "HU": Flag.HIGH,
    ">": Flag.HIGH,
    "AA": Flag.CRITICAL,
    "LL": Flag.CRITICAL_LOW,
    "HH": Flag.CRITICAL_HIGH,
    "R": Flag.RESISTANT,
    "I": Flag.INTERMEDIATE,
    "MS": Flag.INTERMEDIATE,  # moderately susceptible
    "S": Flag.SUSCEPTIBLE,
    "VS": Flag.SUSCEPTIBLE,
}

CRITICAL = tuple(flag for flag in Flag if flag.critical)  # asked of every value: ten times as fast

# Of several flags the one that matters most stands for the value; all are kept as text.
FLAG_ORDER = (
    Flag.CRITICAL_LOW,
    Flag.CRITICAL_HIGH,
    Flag.CRITICAL,
    Flag.LOW,
    Flag.HIGH,
    Flag.RESISTANT,
    Flag.INTERMEDIATE,
    Flag.ABNORMAL,
    Flag.SUSCEPTIBLE,
    Flag.NONE,
)

# Tables 0027 and 0485 (OBR-5, ORC-7.6, OBR-27.6, TQ1-9) and what senders write in words.
_URGENT = frozenset("S STAT A ASAP T U URG URGENT URGENCE EMERGENCY CITO".split())
_TIMING_CRITICAL = re.compile(r"T[SMHDWL][0-9]+")  # within so many seconds, minutes, hours…


def priority_of(code: str) -> Priority:
    """The priority a code of table 0485 asks for; what is unknown is routine."""
    code = code.upper()
    if code in _URGENT or _TIMING_CRITICAL.fullmatch(code):
        return Priority.URGENT
    return Priority.ROUTINE


def is_priority(code: str) -> bool:
    return code.upper() in ("R", "ROUTINE") or priority_of(code) is Priority.URGENT
