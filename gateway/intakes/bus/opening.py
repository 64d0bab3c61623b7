"""What a bus gave, opened: HL7 v2 messages, a receipt, or what a FHIR resource says, under its name."""

from __future__ import annotations

from gateway.bus.body import Receipt, Resource, read_body
from gateway.bus.letter import control_id_of
from gateway.bus.role import Arrived
from gateway.errors import Rejected
from gateway.fhir import Part, read_all
from gateway.hl7 import Batch, Limits

#: Who sends a FHIR resource that does not say.
NOBODY = "FHIR"


def opened(
    arrived: Arrived, *, intake: str, longest: int, limits: Limits
) -> Batch | Receipt | tuple[Part, ...]:
    """Raises Rejected for a body that is none of them, or longer than `longest`."""
    if len(arrived.body) > longest:
        raise Rejected(f"longer than {longest} bytes", code=207)
    found = read_body(arrived.body)
    if not isinstance(found, Resource):
        return found
    # HL7 v2 has its name in MSH-10; here it is the Bundle's, the envelope's, else the bus's own.
    name = found.name or control_id_of(arrived.message_id)
    return read_all(found.raw, sender=sender(found.sender, intake), control_id=name, limits=limits)


def sender(said: str, intake: str) -> str:
    """As MSH-3|MSH-4."""
    application, _, facility = (said or f"{NOBODY}|{intake}").partition("|")
    return f"{application}|{facility.replace('|', ' ')}"
