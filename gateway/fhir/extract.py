"""The documents of a FHIR message, taken out of its raw bytes when a channel wants them."""

from __future__ import annotations

from gateway.fhir.bundle import open_bundle
from gateway.fhir.reader import FOCI
from gateway.fhir.report import attachment_of, content_of, documents_of
from gateway.fhir.text import parse


def extract(raw: bytes) -> tuple[bytes, ...]:
    """The bytes of each attachment `read` announces in `raw`, in that order; b"" for one with a fault: it
    cannot be read, is only an address, or is not what its hash or its type says. Nobody prints it."""
    room = open_bundle(parse(raw), known=FOCI).room
    found = []
    for kind in ("DiagnosticReport", "Communication"):
        for resource in room.entries:
            if resource.type == kind:
                for view in documents_of(resource.view):
                    sound = not attachment_of(view, "").fault
                    found.append(content_of(view) if sound else b"")
    return tuple(found)
