"""HL7 v2: bytes from a lab or a hospital system read into messages, and answers to them."""

from gateway.hl7.ack import Ack, ack, read_ack, refusal
from gateway.hl7.attachment import Unreadable
from gateway.hl7.batch import Batch, split
from gateway.hl7.envelope import Envelope, peek
from gateway.hl7.extract import extract
from gateway.hl7.frame import Fault, FaultKind, Frame, Framer, wrap
from gateway.hl7.handback import mark_delivered
from gateway.hl7.limits import Limits, Range
from gateway.hl7.reader import read
from gateway.hl7.record import Form, Said, dtm, record
from gateway.hl7.write import write

__all__ = [
    "Ack",
    "Batch",
    "Envelope",
    "Fault",
    "FaultKind",
    "Form",
    "Frame",
    "Framer",
    "Limits",
    "Range",
    "Said",
    "Unreadable",
    "ack",
    "dtm",
    "extract",
    "mark_delivered",
    "peek",
    "read",
    "read_ack",
    "record",
    "refusal",
    "split",
    "wrap",
    "write",
]
