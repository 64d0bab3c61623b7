"""The listening endpoint of an intake, in TLS where its settings hold a certificate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509
from twisted.internet.endpoints import serverFromString, wrapServerTLS
from twisted.internet.interfaces import IReactorTime, IStreamServerEndpoint
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    trustRootFromCertificates,
)

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Listening(Protocol):
    """The settings of an intake that listens: where, and the PEM files of its TLS."""

    @property
    def listen(self) -> str: ...
    @property
    def certificate(self) -> Path | None: ...
    @property
    def private_key(self) -> Path | None: ...
    @property
    def client_ca(self) -> Path | None: ...


def endpoint(settings: Listening, reactor: IReactorTime, base: Path) -> IStreamServerEndpoint:
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
    # pyOpenSSL deprecates its own certificate and key classes in favour of `cryptography`'s.
    chain = [c.original.to_cryptography() for c in _certificates(base / settings.certificate)]
    options = CertificateOptions(
        privateKey=mine.privateKey.original.to_cryptography_key(),
        certificate=chain[0],
        extraCertChain=chain[1:],
        trustRoot=trusted,
    )
    return wrapServerTLS(options, plain)


def common_name(certificate: X509) -> str:
    """Whom a client's certificate names; "" when it names nobody."""
    names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _certificates(path: Path) -> list[Certificate]:
    found = [Certificate.loadPEM(pem) for pem in _PEM.findall(path.read_bytes())]
    if not found:
        raise ValueError(f"{path}: no certificate in it")
    return found
