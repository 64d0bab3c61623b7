"""One sender's connection: aiosmtpd's, with what it leaves open closed.

It keeps an endless line for ever, cancels a commit when its sender hangs up, counts neither connections
nor recipients, answers with the text of exceptions, and takes bare CR and LF in commands.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, syntax

from gateway.intakes.smtp import words
from gateway.intakes.smtp.addresses import path
from gateway.intakes.smtp.body import Body

#: Commands of one connection; past that it is closed. A mailer may hand in a hundred mails on one.
COMMANDS = {
    "*": 20,
    "MAIL": 100,
    "DATA": 100,
    "RSET": 100,
    "RCPT": 1000,
    "AUTH": 3,
    "EHLO": 5,
    "STARTTLS": 1,
}
#: How long a commit and its answer may take before the connection is cut, seconds.
COMMITTING = 300.0
#: How long a sender may take to shake hands, seconds.
HANDSHAKE = 15.0


class Host(Protocol):
    """The intake, as its conversations need it."""

    hostname: str
    tls: ssl.SSLContext | None
    implicit: bool
    size: int
    idle: float
    within: float
    hooks: Any

    def greet(self, conversation: Conversation, host: str) -> str:
        """Count it; what to say instead of a greeting, "" to go on."""
        ...

    def ended(self, conversation: Conversation) -> None: ...
    def holds(self, more: int) -> bool: ...
    def deliver(
        self, conversation: Conversation, mail: bytes
    ) -> Coroutine[Any, Any, Sequence[str]]:
        """One answer for each recipient of its envelope."""
        ...

    def trouble(self, host: str, what: str) -> None: ...


class Conversation(SMTP):
    """SMTP with one sender (RFC 5321)."""

    per_recipient = False

    # aiosmtpd says of each that it may be None; where we use them, they are not.
    session: Any
    envelope: Any
    transport: Any
    _original_transport: Any
    _tls_protocol: Any
    _reader: Any
    _writer: Any

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            host.hooks,
            data_size_limit=host.size,
            hostname=host.hostname,
            ident="Wardline",
            tls_context=None if host.implicit else host.tls,
            timeout=host.idle,
            command_call_limit=COMMANDS,
            loop=loop,
        )
        self.host = host
        self.peer = ""
        self._body: Body | None = None
        self._whole: asyncio.Future[None] | None = None
        self._secured: asyncio.Future[None] | None = (
            None  # fires after a handshake that comes first
        )
        self._held = 0
        self._last = b""  # the byte before those that come
        self._turned_away = False
        self._counted = False
        self._gone = False
        self.committing = False
        self._leaving = False

    # -- asyncio's side

    def connection_made(self, transport: Any) -> None:
        if self._original_transport is None and not self._counted:
            address = transport.get_extra_info("peername")
            self.peer = str(address[0]) if isinstance(address, tuple) else "local"
            self._counted = True
            objection = self.host.greet(self, self.peer)
            if objection:
                self._turned_away = True
                transport.write(objection.encode("ascii") + b"\r\n")
                transport.close()
                return
        first = self._original_transport is None
        super().connection_made(transport)
        if first and self.host.implicit:
            self._secure()

    def data_received(self, data: bytes) -> None:
        if self._turned_away:
            return
        if self._body is None or self._body.ended:
            self._commands(data)
            return
        self._feed(data)

    def eof_received(self) -> bool | None:
        if self._turned_away:
            return False
        if self.committing:
            # It has sent all it had and closed its side: its answer can still reach it.
            self._leaving = True
            return self.session.ssl is None
        return bool(super().eof_received())

    def connection_lost(self, error: Exception | None) -> None:
        if not self._counted or self._gone:
            return
        self._gone = True
        self._hold(0)
        self.host.ended(self)
        if not self._turned_away:
            super().connection_lost(error)

    def close(self, word: str = words.CLOSING) -> None:
        """Say why, and hang up; a commit under way is answered first."""
        self._leaving = True
        open_still = self.transport is not None and not self.transport.is_closing()
        if open_still and not self.committing:
            self._writer.write(word.encode("ascii") + b"\r\n")
            self.transport.close()

    # -- its bytes

    def _commands(self, data: bytes) -> None:
        joined = self._last + data
        pairs = joined.count(b"\r\n")
        halves = joined.count(b"\r") - joined.endswith(b"\r"), joined.count(b"\n")
        if halves != (pairs, pairs):
            self.host.trouble(self.peer, "bare CR or LF in a command")
            self.close(words.BARE)
            return
        self._last = b"\r" if data.endswith(b"\r") else b""
        super().data_received(data)

    def _feed(self, data: bytes) -> None:
        body = self._body
        assert body is not None
        rest = body.feed(data)
        if not self._hold(body.held):
            self.host.trouble(self.peer, "too much unfinished from all senders together")
            self.close(words.BUSY)
        elif body.ended:
            assert self._whole is not None
            if not self._whole.done():
                self._whole.set_result(None)
            if rest:
                self._commands(rest)
        elif body.size > 2 * self.host.size:  # it does not stop at what it was told
            self.host.trouble(self.peer, "mail without end")
            self.close(words.TOO_LONG.format(limit=self.host.size))

    def _hold(self, size: int) -> bool:
        more, self._held = size - self._held, size
        return not more or self.host.holds(more)

    # -- its commands

    async def _handle_client(self) -> None:
        if self._secured is not None:
            try:
                await asyncio.wait_for(self._secured, HANDSHAKE)
            except (OSError, TimeoutError):
                self.host.trouble(self.peer, "TLS failed")
                if self.transport is not None:
                    self.transport.abort()
                    # asyncio tells nobody of the end of a connection whose handshake did not end.
                    self.connection_lost(None)
                return
        await super()._handle_client()

    def _secure(self) -> None:
        """As `smtp_STARTTLS` does, before the first word: so that handshakes are counted and timed too.

        At once: a sender's first bytes may be here already, and are no commands.
        """
        self._secured = self.loop.create_future()
        context: Any = self.host.tls
        self._tls_protocol = sslproto.SSLProtocol(
            self.loop, self, context, self._secured, server_side=True
        )
        self._original_transport = self.transport
        self._original_transport.set_protocol(self._tls_protocol)
        self.transport = self._tls_protocol._app_transport  # noqa: SLF001
        self._tls_protocol.connection_made(self._original_transport)

    async def smtp_BDAT(self, arg: str | None) -> None:
        """Not SMTP as we speak it: what follows would be a mail, or a form, heard as commands."""
        self.host.trouble(self.peer, "commands of another protocol")
        self.close(words.NOT_SMTP)

    smtp_GET = smtp_POST = smtp_PUT = smtp_CONNECT = smtp_BDAT

    def _getaddr(self, arg: str) -> tuple[str | None, str]:
        return path(arg)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:
        if await self.check_helo_needed():
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Say RCPT first")
        elif arg:
            await self.push("501 5.5.4 DATA takes nothing")
        else:
            await self._data()

    async def _data(self) -> None:
        self._whole = self.loop.create_future()
        self._body = body = Body(self.host.size)
        early = len(self._reader._buffer)  # noqa: SLF001 - sent before it was asked for
        ahead = await self._reader.read(early) if early else b""
        self._reset_timeout(self.host.within)
        await self.push("354 End with CR LF . CR LF")
        if ahead:
            self._feed(ahead)
        await self._whole
        self._reset_timeout(COMMITTING)
        answers = await self._answers(body)
        self._body = None
        self._hold(0)
        self._set_post_data_state()
        self._reset_timeout()
        for answer in answers:
            await self.push(answer)
        if self._leaving and self.transport is not None:
            self.transport.close()

    async def _answers(self, body: Body) -> Sequence[str]:
        if body.too_long:
            return self._each(words.TOO_LONG.format(limit=self.host.size))
        if body.bare:
            return self._each(words.BARE_IN_MAIL)
        # What is begun is finished even when its sender is gone: half a commit there is none, and when
        # the same mail comes again it is known.
        self.committing = True
        work = asyncio.ensure_future(self.host.deliver(self, body.text()))
        try:
            return await asyncio.shield(work)
        finally:
            if work.done():
                self.committing = False
            else:
                work.add_done_callback(_finished)

    def _each(self, answer: str) -> Sequence[str]:
        return [answer] * (len(self.envelope.rcpt_tos) if self.per_recipient else 1)


class LmtpConversation(Conversation):
    """LMTP (RFC 2033): an answer for each recipient."""

    per_recipient = True

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, arg: str) -> None:
        await self.push("500 5.5.1 This is LMTP, say LHLO")

    async def smtp_EHLO(self, arg: str) -> None:
        await self.push("500 5.5.1 This is LMTP, say LHLO")


def _finished(work: asyncio.Future[Sequence[str]]) -> None:
    """Nobody waits for it any more; its errors were told by who ran it."""
    if not work.cancelled():
        work.exception()
