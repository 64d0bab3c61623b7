"""What is answered to each command before DATA: who may send, from whom, to whom, how much."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from twisted.internet.defer import Deferred, DeferredLock

from gateway.bridge import to_asyncio
from gateway.errors import StoreBroken
from gateway.intakes.smtp import users, words
from gateway.intakes.smtp.addresses import NOBODY, Book
from gateway.intakes.smtp.pace import Pace
from gateway.service import Aside

_log = structlog.get_logger()

#: Wrong passwords from one address within an hour; then it has to wait.
FAILURES = 20

_NAME = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


class Hooks:
    """aiosmtpd's handler: one for all conversations of an intake."""

    def __init__(
        self,
        *,
        intake: str,
        book: Book,
        logins: Mapping[str, str],
        recipients: int,
        tls_first: bool,
        objection: Callable[[str, str, int], str],
        aside: Aside,
        lmtp: bool,
        failures: Pace,
        on_broken: Callable[[object], None],
    ) -> None:
        self._intake = intake
        self._book = book
        self._logins = logins
        self._recipients = recipients
        self._tls_first = tls_first
        self._objection = objection
        self._aside = aside
        self._lmtp = lmtp
        self._failures = failures
        self._one = DeferredLock()  # a hash takes 64 MB and 50 ms
        self._on_broken = on_broken

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, hostname: str) -> str:
        if not _NAME.fullmatch(hostname):
            return words.NO_NAME
        session.host_name = hostname
        return f"250 {server.hostname}"

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: Sequence[str]
    ) -> list[str]:
        if not _NAME.fullmatch(hostname):
            return [words.NO_NAME]
        session.host_name = hostname
        kept = [r for r in responses if self._logins or not r.startswith("250-AUTH")][:-1]
        more = ["250-PIPELINING"] if self._lmtp else []
        return [*kept, *more, "250 ENHANCEDSTATUSCODES"]

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self._tls_first and session.ssl is None:
            return words.NEEDS_TLS
        if address == NOBODY:
            return words.NO_BOUNCES
        size = next((int(o[5:]) for o in options if re.fullmatch(r"SIZE=\d{1,12}", o)), 0)
        objection = self._objection(server.peer, address, size)
        if objection:
            return objection
        envelope.mail_from = address
        return words.OK

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address == NOBODY:
            return words.BAD_RECIPIENT
        if not self._book.ours(address):
            return words.NO_RELAY
        recipient = self._book.find(address)
        if recipient is None:
            return words.NO_SUCH_WARD
        if len(envelope.rcpt_tos) >= self._recipients:
            return words.TOO_MANY_RECIPIENTS
        envelope.rcpt_tos.append(recipient.address)
        return "250 2.1.5 OK"

    async def handle_VRFY(self, server: Any, session: Any, envelope: Any, address: str) -> str:
        return words.NO_VRFY

    async def handle_AUTH(
        self, server: Any, session: Any, envelope: Any, args: list[str]
    ) -> str | None:
        """PLAIN and LOGIN (RFC 4954), checked beside the reactor; only reached within TLS."""
        if not self._logins:
            return words.NO_AUTH
        mechanism = args[0].upper()
        if mechanism not in ("PLAIN", "LOGIN"):
            return words.AUTH_TYPE
        said = await (_plain if mechanism == "PLAIN" else _login)(server, args[1:])
        if said is None:
            return None  # answered already
        if not said[0]:
            return words.AUTH_FORM
        if self._failures.count(server.peer) >= FAILURES:
            return words.AUTH_LATER
        if not await to_asyncio(self._one.run(self._checked, *said)):
            self._failures.add(server.peer, 0)
            _log.warning("smtp.auth_failed", intake=self._intake, peer=server.peer)
            return words.AUTH_WRONG
        session.authenticated, session.auth_data = True, said[0]
        return words.AUTH_DONE

    def _checked(self, name: str, password: str) -> Deferred[bool]:
        return Deferred.fromCoroutine(self._check(name, password))

    async def _check(self, name: str, password: str) -> bool:
        return await self._aside(lambda: users.check(self._logins, name, password))

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, StoreBroken):
            self._on_broken(error)
        _log.error("smtp.failed", intake=self._intake, error=type(error).__name__)
        return words.INTERNAL


async def _plain(server: Any, given: list[str]) -> tuple[str, str] | None:
    blob = _decoded(given[0]) if given else await server.challenge_auth("")
    if not isinstance(blob, bytes):
        return None if not given else ("", "")
    parts = blob.split(b"\x00")
    if len(parts) != 3:
        return "", ""
    return parts[1].decode("utf-8", "replace"), parts[2].decode("utf-8", "replace")


async def _login(server: Any, given: list[str]) -> tuple[str, str] | None:
    name = _decoded(given[0]) if given else await server.challenge_auth("Username:")
    if not isinstance(name, bytes):
        return None if not given else ("", "")
    password = await server.challenge_auth("Password:")
    if not isinstance(password, bytes):
        return None
    return name.decode("utf-8", "replace"), password.decode("utf-8", "replace")


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except (BadBase64, ValueError):
        return None
