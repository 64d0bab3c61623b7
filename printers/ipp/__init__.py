"""The messages of the Internet Printing Protocol, bytes to words and back (RFC 8010, RFC 8011)."""

from printers.ipp.decode import decode
from printers.ipp.encode import encode
from printers.ipp.names import JobState, Operation, PrinterState, Tag
from printers.ipp.packet import Group, Localised, Malformed, Packet, Range, Resolution, Value

__all__ = [
    "Group",
    "JobState",
    "Localised",
    "Malformed",
    "Operation",
    "Packet",
    "PrinterState",
    "Range",
    "Resolution",
    "Tag",
    "Value",
    "decode",
    "encode",
]
