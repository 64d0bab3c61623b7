"""One HL7 v2 message as a bus carries it: where to, under which name, and what a hand-back says of itself."""

from __future__ import annotations

import re
from hashlib import sha256

from gateway.bus.role import Parcel
from gateway.hl7 import peek

CONTENT_TYPE = (
    "x-application/hl7-v2+er7"  # HL7 v2 over HTTP (HAPI), the nearest there is to a standard
)

FHIR_CONTENT_TYPE = "application/fhir+json"

#: What stands in the places of an address for a record in FHIR, which has no MSH.
_RECORD = {"message": "FHIR", "event": "Communication", "application": "WARDLINE"}
#: Bytes of an address that mean something to a bus (AMQP topics, NATS subjects), or that nobody can type.
_UNSAFE = re.compile(r"[^0-9A-Za-z_-]+")
#: Of what a sender wrote: a routing key has 255 octets, a message id as many.
_LONGEST_PLACE, _LONGEST_ID, _LONGEST_ADDRESS = 40, 199, 255
_PLACES = re.compile(r"\{([a-z]+)\}")
#: The fields of ZWL, in their order, as headers.
_HEADERS = ("outcome", "ward", "slip", "device", "at")
#: What an address may be made of, each with the MSH field and component it comes from.
PLACES = {
    "message": (9, 1),  # ORU
    "event": (9, 2),  # R01
    "application": (3, 1),
    "facility": (4, 1),
    "receiver": (5, 1),
}


def parcel(
    raw: bytes, *, address: str, control_id: str, token: object, again: bool = False
) -> Parcel:
    """The message `raw` for the bus; `token` names it, over every try and the hand-back. `again`: the
    bus may have it already, and its receivers are told so."""
    said = headers(raw)
    return Parcel(
        body=raw,
        address=addressed(address, raw),
        message_id=message_id(token, control_id),
        content_type=FHIR_CONTENT_TYPE if _is_json(raw) else CONTENT_TYPE,
        headers={**said, "wardline-resent": "true"} if again else said,
    )


def message_id(token: object, control_id: str) -> str:
    """The name under which receivers know a message: the same however often it is sent.

    Buses take names of 255 octets, in one line: a control id that would not fit is told by its digest.
    """
    plain = len(control_id) <= _LONGEST_ID and control_id.isascii() and control_id.isprintable()
    return f"wardline:{token}:{control_id if plain else digest(control_id.encode())}"


def control_id_of(name: str) -> str:
    """The control id in one of our message ids; any other name as it is."""
    if not name.startswith("wardline:"):
        return name
    return name.split(":", 2)[-1]


def digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()[:16]


def addressed(template: str, raw: bytes) -> str:
    """`template` with its {places} filled from MSH; a place that is empty there is "-"."""
    if _is_json(raw):
        return _PLACES.sub(lambda place: _RECORD.get(place[1], "-"), template)
    fields = peek(raw).fields
    component = (raw[4:5] if raw.startswith(b"MSH") else b"") or b"^"

    def fill(place: re.Match[str]) -> str:
        number, part = PLACES[place[1]]
        field = fields[number - 1] if number <= len(fields) else b""
        parts = field.split(component)
        word = (
            parts[part - 1][:_LONGEST_PLACE].decode("utf-8", "replace")
            if part <= len(parts)
            else ""
        )
        return _UNSAFE.sub("-", word) or "-"

    return _PLACES.sub(fill, template)


def _is_json(raw: bytes) -> bool:
    return raw.startswith(b"{")


def check_address(template: str) -> str:
    """`template`, or ValueError naming the places there are."""
    for place in _PLACES.findall(template):
        if place not in PLACES:
            known = " ".join(f"{{{name}}}" for name in PLACES)
            raise ValueError(f"no place {{{place}}}: there is {known}")
    if len(_PLACES.sub("x" * _LONGEST_PLACE, template).encode()) > _LONGEST_ADDRESS:
        raise ValueError("too long: with its places filled it may have 255 octets")
    return template


def headers(raw: bytes) -> dict[str, str]:
    """What a hand-back says of itself: how, where and when it was delivered meanwhile (segment ZWL).

    Empty for a message that was not delivered by another way.
    """
    last = raw.rstrip(b"\r\n")
    last = last[max(last.rfind(b"\r"), last.rfind(b"\n")) + 1 :]
    if not last.startswith(b"ZWL"):
        return {}
    fields = last[3:].split(raw[3:4] or b"|")[1:]
    named = zip(_HEADERS, fields, strict=False)
    said = {f"wardline-{name}": value.decode("utf-8", "replace") for name, value in named if value}
    return {"wardline-handback": "true", **said}
