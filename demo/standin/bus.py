"""`python -m demo.standin.bus`: the wards' software on a message bus. It takes what comes, and comes back
after every fault."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import aiormq
from aiormq.abc import AbstractChannel, DeliveredMessage

from gateway.hl7 import peek

#: How soon a dead connection is noticed, and how soon the next is tried, seconds.
HEARTBEAT, PAUSE = 2, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """One message as it was received."""

    control_id: str
    message_id: str
    said: dict[str, str]  # the headers that Wardline gave it: a hand-back, a message sent again
    redelivered: bool


class Receiver:
    """Consumes `queue`, bound to everything of `exchange`; makes both where they are not there."""

    def __init__(self, url: str, *, exchange: str, queue: str, log: TextIO) -> None:
        self._url = f"{url}?heartbeat={HEARTBEAT}"
        self._exchange = exchange
        self._queue = queue
        self._log = log
        self._listened = False

    async def live(self) -> None:
        """For ever: a bus that is gone is waited for."""
        while True:
            with suppress(aiormq.AMQPError, OSError):
                await self._listen()
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        connection = await asyncio.wait_for(aiormq.connect(self._url), 5)
        try:
            channel = await connection.channel()
            await channel.exchange_declare(self._exchange, exchange_type="topic", durable=True)
            await channel.queue_declare(self._queue, durable=True)
            await channel.queue_bind(self._queue, self._exchange, routing_key="#")
            await channel.basic_consume(self._queue, lambda message: self._take(channel, message))
            if not self._listened:
                print("ready", flush=True)
            self._listened = True
            await asyncio.wait([connection.closing])
        finally:
            with suppress(Exception):
                await asyncio.wait_for(_ended(connection.close()), 1)

    async def _take(self, channel: AbstractChannel, message: DeliveredMessage) -> None:
        """Written down, then acknowledged."""
        properties = message.header.properties
        got = Got(
            control_id=peek(message.body).control_id,
            message_id=properties.message_id or "",
            said={k: str(v) for k, v in (properties.headers or {}).items()},
            redelivered=bool(message.redelivered),
        )
        print(json.dumps(asdict(got), ensure_ascii=False), file=self._log, flush=True)
        assert message.delivery_tag is not None
        await channel.basic_ack(message.delivery_tag)


async def _ended(closing: Awaitable[Any]) -> None:
    await closing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.standin.bus", description=__doc__)
    parser.add_argument("--url", required=True, help="amqp://guest:guest@127.0.0.1:5672/")
    parser.add_argument("--exchange", default="results")
    parser.add_argument("--queue", default="dpi")
    parser.add_argument("--log", type=Path, metavar="FILE", help="JSON lines of what it received")
    options = parser.parse_args()
    log = options.log.open("a", encoding="utf-8") if options.log else sys.stderr
    receiver = Receiver(options.url, exchange=options.exchange, queue=options.queue, log=log)
    with suppress(KeyboardInterrupt):
        asyncio.run(receiver.live())
    return 0


if __name__ == "__main__":
    sys.exit(main())
