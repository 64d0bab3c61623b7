"""One connection with a NATS server: made, used, ended once and told why."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError
from twisted.internet.defer import Deferred

from gateway.bridge import from_asyncio
from gateway.bus import role
from gateway.bus.address import Broker
from gateway.bus.life import Life
from gateway.bus.role import Arrived, Trouble, Verdict

#: An acknowledgement that comes later than this is not waited for, seconds; see `link.LINGER`.
LATE = 600.0
#: Messages asked for at once, and how long the server holds the question, seconds.
BATCH, HELD = 100, 5.0
GOODBYE = 1.0


class Connection:
    """One connection, without the library's own reconnecting. Its holder hears of its end."""

    def __init__(self, broker: Broker, *, base: Path, name: str, holder: role.Holder) -> None:
        self._broker = broker
        self._name = name
        self._password = broker.secret(base)
        self._trust = broker.trust(base)
        self._errors: list[Exception] = []
        self._client = Client()
        self.life = Life(holder, cut=self._cut)
        self.jetstream: JetStreamContext = self._client.jetstream(timeout=broker.connect_within)

    async def connect(self) -> None:
        scheme = "tls" if self._broker.tls else "nats"
        async with asyncio.timeout(2 * self._broker.connect_within):
            await self._client.connect(
                servers=[f"{scheme}://{self._broker.host}:{self._broker.port}"],
                name=f"wardline {self._name}",
                user=self._broker.user or None,
                password=self._password or None,
                tls=self._trust,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # of the first connection; 0 would mean for ever
                reconnect_time_wait=0,
                connect_timeout=self._broker.connect_within,  # type: ignore[arg-type]  # a float will do
                error_cb=self._erred,
                closed_cb=self._closed,
            )

    @property
    def max_payload(self) -> int:
        """The longest message the server takes, bytes."""
        return int(self._client.max_payload)

    async def ensure_stream(self, name: str, subjects: list[str], **how: Any) -> None:
        try:
            await self.jetstream.stream_info(name)
        except NotFoundError:
            await self.jetstream.add_stream(StreamConfig(name=name, subjects=subjects, **how))

    async def pull(
        self,
        subject: str,
        *,
        stream: str | None,
        durable: str,
        heard: Callable[[Msg], None],
        **how: Any,
    ) -> None:
        """Everything that `stream` has or gets on `subject` goes to `heard`."""
        config = ConsumerConfig(durable_name=durable, **how)
        queue = await self.jetstream.pull_subscribe(
            subject, durable=durable, stream=stream, config=config
        )
        self.life.beside(self._pull(queue, heard))

    async def _pull(self, queue: Any, heard: Callable[[Msg], None]) -> None:
        while not self.life.over:
            try:
                for message in await queue.fetch(BATCH, timeout=HELD):
                    heard(message)
            except TimeoutError:
                continue  # nothing came
            except (APIError, Error) as error:
                self.life.end(await self.why(error))

    async def ping(self) -> None:
        await self._client.flush(timeout=LATE)  # type: ignore[arg-type]  # a float will do

    async def publish(self, subject: str, body: bytes) -> None:
        await self._client.publish(subject, body)

    def arrived(self, message: Msg, *, refused: str = "") -> Arrived:
        def settle(verdict: Verdict) -> None:
            if not self.life.over:
                self.life.beside(self._settle(message, verdict, refused))

        return Arrived(
            body=message.data,
            settle=settle,
            origin=message.subject,
            message_id=(message.headers or {}).get("Nats-Msg-Id", ""),
            correlation_id=(message.headers or {}).get("Correlation-Id", ""),
        )

    async def _settle(self, message: Msg, verdict: Verdict, refused: str) -> None:
        if verdict is Verdict.TAKEN:
            await message.ack()
            return
        if refused:
            await self.jetstream.publish(refused, message.data, headers=message.headers)
        await message.term()

    async def why(self, error: Exception) -> Trouble:
        """What this error means, in the words of an alarm."""
        found = next((e for e in (error, *reversed(self._errors)) if _telling(e)), error)
        if isinstance(found, ConnectionRefusedError):
            return Trouble(role.REFUSED, sure=True)
        if "authorization" in str(found).lower():
            return Trouble(role.CREDENTIALS, sure=True)
        if isinstance(found, NotFoundError):
            return Trouble(f"not there: {found.description}")
        if isinstance(found, ServiceUnavailableError | NoRespondersError):
            return Trouble("JetStream is not available")
        if isinstance(found, APIError):
            return Trouble(f"refused by the server: {found.description}".replace(",", ";"))
        if isinstance(found, TimeoutError):
            return Trouble(await self._silence())
        return Trouble("connection lost")

    async def _silence(self) -> str:
        """Whether its machine still answers while it does not."""
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(self._broker.host, self._broker.port)
        except OSError:
            return role.SILENT
        writer.transport.abort()
        return role.FROZEN

    def close(self) -> Deferred[None]:
        self.life.leave()
        return from_asyncio(self._goodbye())

    async def _goodbye(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(GOODBYE):
                await self._client.close()
        self.life.cut()

    def _cut(self) -> None:
        # The library has no word for this; its own `close` waits for a frozen server to read.
        writer = getattr(getattr(self._client, "_transport", None), "_io_writer", None)
        if writer is not None:
            writer.transport.abort()

    async def _erred(self, error: Exception) -> None:
        self._errors = [*self._errors[-5:], error]

    async def _closed(self) -> None:
        self.life.end(await self.why(self._errors[-1] if self._errors else Error()))


async def opened(make: Callable[[], Any]) -> Any:
    """A session, wholly open. Raises Trouble."""
    try:
        session = make()
    except OSError as error:
        raise Trouble(f"cannot read {Path(error.filename or '').name}: {error.strerror}") from error
    connection: Connection = session.connection
    try:
        await connection.connect()
        await session.open()
    except (Error, OSError) as error:
        connection.life.cut()
        raise await connection.why(error) from error
    except BaseException:
        connection.life.cut()
        raise
    connection.life.opened()
    return session


def _telling(error: Exception) -> bool:
    """Whether this error says why; the library's last one often says only that there were others."""
    return isinstance(error, OSError | APIError | NoRespondersError) or "uthorization" in str(error)
