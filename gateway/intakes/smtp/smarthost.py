"""The hospital's mail server, for the one kind of mail that leaves here: answers to proved senders."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import structlog
from twisted.internet.defer import Deferred, DeferredList

from gateway.clock import Clock
from gateway.intakes.smtp.returns import Alarm

_log = structlog.get_logger()

#: How often what is due is looked for; the first pause after a failure, and the longest; seconds.
EVERY, PAUSE, LONGEST = 2.0, 60.0, 3600.0
#: How long it is tried before the laboratory is asked to tell the sender; how long it is remembered that
#: one was sent; seconds.
PATIENCE, REMEMBERED = 2 * 86400.0, 7 * 86400.0
#: How long one dialogue may take between two words, seconds.
TIMEOUT = 60.0

_PLACE = re.compile(r"tcp:([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\]):(\d{1,5})")

Send = Callable[[str, bytes], Awaitable[None]]


class Unwanted(Exception):
    """The server will not take this one, now or later."""


class Store(Protocol):
    """The store, as far as answers that wait need it."""

    def remember(
        self, name: str, value: Mapping[str, Any] | None, *, at: float
    ) -> Deferred[None]: ...
    def recall(self, prefix: str) -> Deferred[dict[str, dict[str, Any]]]: ...
    def note(self, what: str, *, at: float, detail: Mapping[str, Any]) -> Deferred[None]: ...


class Smarthost:
    """Answers on their way: on disk until the server has them, tried again, never made twice."""

    def __init__(
        self, store: Store, *, intake: str, send: Send, alarm: Alarm, clock: Clock
    ) -> None:
        """`send` hands one over; raises Unwanted, or anything else for a failure that may pass."""
        self._store = store
        self._prefix = f"mail answer {intake} "
        self._send = send
        self._alarm = alarm
        self._clock = clock

    async def put(self, message_id: int, *, to: str, mail: bytes) -> None:
        """On disk when it returns. For a message that was answered before, nothing is done."""
        name = f"{self._prefix}{message_id}"
        if name in await self._store.recall(name):
            return
        now = self._clock.now()
        answer = {"to": to, "mail": mail.decode("ascii"), "since": now, "due": now, "tries": 0}
        await self._store.remember(name, answer, at=now)

    async def look(self) -> None:
        """Send what is due."""
        now = self._clock.now()
        for name, answer in sorted((await self._store.recall(self._prefix)).items()):
            if "sent" in answer:
                if answer["sent"] < now - REMEMBERED:
                    await self._store.remember(name, None, at=now)
            elif answer["due"] <= now:
                await self._try(name, answer)

    async def _try(self, name: str, answer: dict[str, Any]) -> None:
        message = int(name.removeprefix(self._prefix))
        try:
            await self._send(answer["to"], answer["mail"].encode("ascii"))
        except Unwanted as unwanted:
            await self._give_up(name, answer, why=str(unwanted))
        except Exception as error:  # noqa: BLE001 - a server that is away, or speaks nonsense
            now = self._clock.now()
            why = type(error).__name__
            if now - answer["since"] > PATIENCE:
                await self._give_up(name, answer, why=why)
                return
            if not answer["tries"]:
                _log.warning("smtp.not_returned", message=message, why=why)
            pause = min(PAUSE * 2 ** answer["tries"], LONGEST)
            later = {**answer, "tries": answer["tries"] + 1, "due": now + pause}
            await self._store.remember(name, later, at=now)
        else:
            _log.info("smtp.returned", message=message)
            await self._over(name)
            await self._store.note(
                "mail returned", at=self._clock.now(), detail={"message": message}
            )

    async def _give_up(self, name: str, answer: dict[str, Any], *, why: str) -> None:
        await self._alarm("mail undeliverable", subject=answer["to"], reason=why[:200])
        await self._over(name)

    async def _over(self, name: str) -> None:
        now = self._clock.now()
        await self._store.remember(name, {"sent": now}, at=now)


def place(smarthost: str) -> tuple[str, int]:
    """Host and port. Raises ValueError."""
    found = _PLACE.fullmatch(smarthost)
    if found is None or not 0 < int(found[2]) < 65536:
        raise ValueError('write "tcp:mail.chu.example:25"')
    return found[1].strip("[]"), int(found[2])


async def hand_over(to: str, mail: bytes, *, reactor: Any, host: str, port: int, name: str) -> None:
    """To the server at `host`, from nobody (RFC 5321, 4.5.5): an answer to it would go nowhere."""
    # Imported here: the package installs a reactor.
    from twisted.mail.smtp import ESMTPSenderFactory, SMTPDeliveryError

    done: Deferred[object] = Deferred()
    lines = io.BytesIO(mail.replace(b"\r\n", b"\n"))  # it makes CR LF of each LF itself
    factory = ESMTPSenderFactory(
        None, None, "", to, lines, done, retries=0, timeout=TIMEOUT,
        heloFallback=True, requireAuthentication=False, requireTransportSecurity=False, hostname=name,
    )  # fmt: skip
    factory.domain = name.encode("ascii")
    factory.noisy = False
    ended = _told(factory, "clientConnectionLost"), _told(factory, "clientConnectionFailed")
    reactor.connectTCP(host, port, factory, timeout=TIMEOUT)
    try:
        await done
    except SMTPDeliveryError as error:
        if 500 <= error.code < 600:
            raise Unwanted(f"{error.code} {_ascii(error.resp)}") from None
        raise
    finally:
        await DeferredList(ended, fireOnOneCallback=True)  # it says goodbye, within TIMEOUT


def _told(factory: Any, what: str) -> Deferred[None]:
    """Fires once `factory` has been told that."""
    fired: Deferred[None] = Deferred()
    known = getattr(factory, what)

    def tell(connector: object, reason: object) -> None:
        known(connector, reason)
        if not fired.called:
            fired.callback(None)

    setattr(factory, what, tell)
    return fired


def sender(reactor: Any, *, smarthost: str, name: str) -> Send:
    """Hands over to the site's server; `name`: what we call ourselves."""
    host, port = place(smarthost)
    return partial(hand_over, reactor=reactor, host=host, port=port, name=name)


def _ascii(said: object) -> str:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
    return "".join(c if c.isprintable() else " " for c in text)
