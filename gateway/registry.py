"""What can be plugged in: one line per way in, way out, platform and bus, imported on first use.

A bus is a way in and a platform at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

BUSES: Mapping[str, str] = {
    "amqp": "gateway.bus.amqp",
    "nats": "gateway.bus.nats",
}

INTAKES: Mapping[str, str] = {
    "http": "gateway.intakes.http",
    "mllp": "gateway.intakes.mllp",
    "smtp": "gateway.intakes.smtp",
    "lmtp": "gateway.intakes.smtp",
    **dict.fromkeys(BUSES, "gateway.intakes.bus"),
}

CHANNELS: Mapping[str, str] = {
    "escpos": "gateway.channels.escpos",
    "ipp": "gateway.channels.ipp",
    "fax": "gateway.channels.fax",
    "cups": "gateway.channels.cups",
    "zpl": "gateway.channels.zpl",
}

PLATFORMS: Mapping[str, str] = {
    "mllp": "gateway.channels.platform",
    **dict.fromkeys(BUSES, "gateway.channels.bus"),
}


#: Who reads a stored message of each format again: a module with `read(stored, *, limits) -> Message` (and
#: `hl7(stored) -> bytes`, where a platform can be given it), or with `open(stored, context, *, kit) -> Slip`
#: where it is no message but a document. HL7 v2 needs no line.
FORMATS: Mapping[str, str] = {
    "document": "gateway.document",
    "fhir": "gateway.fhir.again",
    "dictation": "gateway.dictation",
    "mail": "gateway.mail.opening",
    "fax": "gateway.fax.opening",
}


class Unknown(Exception):
    """No such kind; the message names those there are."""


def load(registry: Mapping[str, str], kind: str) -> Any:
    """The module (or what stands for one) that fills `kind`: it has a `Settings` model, and `build`
    or `PlatformLink`.

    Raises Unknown, also when an optional package that the kind needs is not installed.
    """
    if kind not in registry:
        raise Unknown(f'no kind "{kind}": there is {", ".join(sorted(registry))}')
    try:
        module = import_module(registry[kind])
        # A room that serves many kinds gives out the one that is meant.
        return module.of(kind) if hasattr(module, "of") else module
    except ModuleNotFoundError as missing:
        raise Unknown(f'kind "{kind}" needs the package {missing.name}: install it') from missing


def medium(kind: str) -> str:
    """What devices of this kind put out: "slip" unless their module says otherwise."""
    return str(getattr(load(CHANNELS, kind), "MEDIUM", "slip"))
