"""Who may send over HTTP: each has a token of its own, of which only the digest is kept here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from gateway.intakes.http import SenderSettings

_log = structlog.get_logger()

_BEARER = re.compile(rb"[Bb]earer +([A-Za-z0-9._~+/-]{8,512}=*)")  # RFC 6750, 2.1
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A system with a token."""

    name: str
    sends_as: tuple[str, ...]  # "MSH-3|MSH-4"
    may: tuple[str, ...]  # "hl7", "fhir", "document", "status", "outage", "pack"
    digests: tuple[bytes, ...]

    @property
    def own(self) -> str:
        """Under which name what has no MSH of its own is kept."""
        return self.sends_as[0] if self.sends_as else "|"


class Senders:
    """All senders of one intake. A file of tokens counts as it stands: who takes a token out of it need
    stop nothing."""

    def __init__(self, settings: Sequence[SenderSettings] = (), *, base: Path = Path()) -> None:
        """Raises OSError for a file that is not there, ValueError for one without a digest."""
        self._settings = settings
        self._base = base
        self._seen = [_stamp(base / one.token_file) for one in settings]
        self._senders = [_sender(one, _digests(base / one.token_file)) for one in settings]

    def find(self, authorization: Sequence[bytes]) -> Sender | None:
        """Whose token this is. Every digest is compared, so that time tells nothing."""
        token = _BEARER.fullmatch(authorization[0]) if len(authorization) == 1 else None
        if token is None:
            return None
        self._look()
        given = sha256(token[1]).digest()
        found = None
        for sender in self._senders:
            for digest in sender.digests:
                if compare_digest(given, digest):
                    found = sender
        return found

    def _look(self) -> None:
        """Read again what was changed. A file that is gone, or holds nothing, vouches for nobody."""
        for number, one in enumerate(self._settings):
            path = self._base / one.token_file
            stamp = _stamp(path)
            if stamp == self._seen[number]:
                continue
            self._seen[number] = stamp
            try:
                digests = _digests(path)
            except (OSError, ValueError) as fault:
                _log.error("http.tokens", sender=one.name, fault=str(fault))
                digests = ()
            else:
                _log.info("http.tokens", sender=one.name, tokens=len(digests))
            self._senders[number] = _sender(one, digests)


def _sender(one: SenderSettings, digests: tuple[bytes, ...]) -> Sender:
    return Sender(name=one.name, sends_as=one.sends_as, may=one.may, digests=digests)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file does."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digests(path: Path) -> tuple[bytes, ...]:
    words = path.read_text("utf-8").split()
    if not words or not all(_DIGEST.fullmatch(word) for word in words):
        raise ValueError(f"{path}: holds no SHA-256 digests of tokens (64 hexadecimal digits each)")
    return tuple(bytes.fromhex(word) for word in words)
