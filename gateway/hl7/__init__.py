"""HL7 v2: bytes from a lab or a hospital system read into messages, and answers to them."""

from gateway.hl7.envelope import Envelope, peek
from gateway.hl7.frame import Fault, FaultKind, Frame, Framer, wrap
from gateway.hl7.limits import Limits, Range
from gateway.hl7.reader import read

__all__ = [
    "Envelope",
    "Fault",
    "FaultKind",
    "Frame",
    "Framer",
    "Limits",
    "Range",
    "peek",
    "read",
    "wrap",
]
