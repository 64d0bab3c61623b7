"""Where a printer is and who it must be: ipp:// or ipps:// with the certificate it was installed with."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from OpenSSL.crypto import FILETYPE_PEM, X509, load_certificate
from pydantic import AfterValidator
from twisted.internet.endpoints import HostnameEndpoint, SSL4ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import CertificateOptions

PORT = 631


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A printer's URI, taken apart; `pin` is the SHA-256 of its certificate (DER), "" over plain ipp."""

    uri: str
    host: str
    port: int
    path: str
    pin: str = ""

    @property
    def secure(self) -> bool:
        return self.uri.startswith("ipps:")

    def trusts(self, certificate: X509 | None) -> bool:
        return certificate is not None and hmac.compare_digest(_digest(certificate), self.pin)

    def endpoint(self, reactor: Any) -> IStreamClientEndpoint:
        if not self.secure:
            return HostnameEndpoint(reactor, self.host.encode("idna"), self.port)
        # Printers sign their own certificates: nobody vouches for them but the pin.
        options = CertificateOptions(verify=False)
        return SSL4ClientEndpoint(reactor, self.host, self.port, options)


def address(uri: str, *, pin: str = "") -> Address:
    """`uri` taken apart: "ipp://10.20.4.30/ipp/print". Raises ValueError saying how to write it."""
    parts = urlsplit(uri)
    if parts.scheme not in ("ipp", "ipps") or not parts.hostname or parts.query or parts.username:
        raise ValueError('a printer is written like "ipp://10.20.4.30/ipp/print"')
    if not re.fullmatch(r"[\x21-\x7e]*", uri):
        raise ValueError("a printer's address is plain ASCII without spaces")
    return Address(
        uri=uri,
        host=parts.hostname,
        port=parts.port or PORT,
        path=parts.path or "/",
        pin=pin,
    )


def _uri(text: str) -> str:
    return address(text).uri


def _fingerprint(text: str) -> str:
    plain = text.replace(":", "").replace(" ", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", plain):
        raise ValueError("a fingerprint is the SHA-256 of the certificate: 64 hexadecimal digits")
    return plain


Uri = Annotated[str, AfterValidator(_uri)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


def pinned(file: Path) -> str:
    """The fingerprint of the certificate in a PEM file. Raises ValueError, OSError."""
    try:
        return _digest(load_certificate(FILETYPE_PEM, file.read_bytes()))
    except Exception as fault:
        raise ValueError(f"{file}: no certificate in PEM: {fault}") from fault


def _digest(certificate: X509) -> str:
    return certificate.digest("sha256").decode("ascii").replace(":", "").lower()
