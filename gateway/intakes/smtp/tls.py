"""The TLS context of a way in for mail: its certificate, and whose client certificates are believed."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def context(*, certificate: Path, private_key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError is one) when a file is not there or not what it should be.

    A client certificate is asked for, never demanded: who has none is judged by the rest. One that
    `client_ca` did not sign ends the handshake.
    """
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_cert_chain(certificate, private_key)
    if client_ca is not None:
        found.load_verify_locations(client_ca)
        found.verify_mode = ssl.CERT_OPTIONAL
    return found


def names(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """What a checked client certificate (`SSLSocket.getpeercert`) calls its holder."""
    if not certificate:
        return frozenset()
    subject = {
        value
        for relative in certificate.get("subject", ())
        for key, value in relative
        if key == "commonName"
    }
    other = {
        value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "email")
    }
    return frozenset(subject | other)
