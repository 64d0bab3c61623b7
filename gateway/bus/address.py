"""Where a bus is and who we are there, as every bus lets a site say it."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator

from gateway.settings import Duration, Endpoint, Settings

_COLON = re.compile(r"(?<!\\):")
_TLS = ("tls", "ssl")


class Broker(Settings):
    """The keys of a bus's connection. The endpoint is `tcp:HOST:PORT` or `tls:HOST:PORT`."""

    connect: Endpoint
    user: str = ""
    password: str = ""
    password_file: Path | None = None  # one line; instead of `password`
    ca: Path | None = None  # PEM of who signs the bus's certificate; none: whom the machine trusts
    certificate: Path | None = None  # PEM of ours, where the bus asks for one
    private_key: Path | None = None
    connect_within: Duration = 5.0  # for the network, and again for the greeting

    @field_validator("connect")
    @classmethod
    def _is_tcp(cls, text: str) -> str:
        split(text)
        return text

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.password and self.password_file:
            raise ValueError("password and password_file: one of them")
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if (self.ca or self.certificate) and not self.tls:
            raise ValueError("ca and certificate are for a tls: endpoint")
        return self

    @property
    def host(self) -> str:
        return split(self.connect)[1]

    @property
    def port(self) -> int:
        return split(self.connect)[2]

    @property
    def tls(self) -> bool:
        return split(self.connect)[0]

    def secret(self, base: Path) -> str:
        """The password. Raises OSError when its file cannot be read."""
        if self.password_file is None:
            return self.password
        return (base / self.password_file).read_text("utf-8").rstrip("\r\n")

    def trust(self, base: Path) -> ssl.SSLContext | None:
        """How the bus is trusted and told who we are; None in clear. Raises OSError for a file."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=base / self.ca if self.ca else None)
        if self.certificate is not None and self.private_key is not None:
            context.load_cert_chain(base / self.certificate, base / self.private_key)
        return context


def split(endpoint: str) -> tuple[bool, str, int]:
    """Whether TLS, the host and the port of a client endpoint. Raises ValueError."""
    kind, *parts = (part.replace("\\:", ":") for part in _COLON.split(endpoint))
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    plain = [part for part in parts if "=" not in part]
    host = named.get("host") or (plain.pop(0) if plain else "")
    port = named.get("port") or (plain.pop(0) if plain else "")
    if kind not in ("tcp", *_TLS) or not host or not port.isdecimal():
        raise ValueError('a bus is at "tcp:HOST:PORT" or "tls:HOST:PORT"')
    return kind in _TLS, host, int(port)
