"""The listening endpoint of an intake, in TLS where its settings hold a certificate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from twisted.internet.endpoints import serverFromString, wrapServerTLS
from twisted.internet.interfaces import IReactorTime, IStreamServerEndpoint
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    trustRootFromCertificates,
)

if TYPE_CHECKING:
    from gateway.intakes.mllp import Settings

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def endpoint(settings: Settings, reactor: IReactorTime, base: Path) -> IStreamServerEndpoint:
    """Where to listen. Raises OSError when a file is not there, ValueError when it holds no certificate.

    Twisted's own `ssl:` endpoint strings have no word for asking a client for its certificate, so
    TLS here goes around a `tcp:` endpoint.
    """
    plain: IStreamServerEndpoint = serverFromString(reactor, settings.listen)
    if settings.certificate is None or settings.private_key is None:
        return plain
    own = (base / settings.certificate).read_bytes()
    both = own + b"\n" + (base / settings.private_key).read_bytes()
    mine = PrivateCertificate.loadPEM(both)
    trusted = None
    if settings.client_ca is not None:
        trusted = trustRootFromCertificates(_certificates(base / settings.client_ca))
    options = CertificateOptions(
        privateKey=mine.privateKey.original,
        certificate=mine.original,
        extraCertChain=[c.original for c in _certificates(base / settings.certificate)[1:]],
        trustRoot=trusted,
    )
    return wrapServerTLS(options, plain)


def common_name(certificate: object) -> str:
    """Whom a client's certificate (pyOpenSSL X509) names."""
    return str(certificate.get_subject().CN or "")  # type: ignore[attr-defined] # untyped library


def _certificates(path: Path) -> list[Certificate]:
    found = [Certificate.loadPEM(pem) for pem in _PEM.findall(path.read_bytes())]
    if not found:
        raise ValueError(f"{path}: no certificate in it")
    return found
