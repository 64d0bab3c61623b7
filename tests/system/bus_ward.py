"""A receiver on the bus, in a thread of its own: takes what comes, comes back after every fault."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import aiormq

from gateway.hl7 import peek


@dataclass(frozen=True)
class Got:
    """One message as it was received."""

    control_id: str
    message_id: str
    handback: bool
    redelivered: bool
    resent: bool
    at: float


@dataclass
class Ward:
    """Consumes `queue`, bound to everything of `exchange`; answers with receipts where asked to."""

    url: str
    exchange: str = "results"
    queue: str = "wards"
    receipts: str = ""
    silent: set[str] = field(default_factory=set)  # control ids it never gives a receipt for
    got: list[Got] = field(default_factory=list)

    def __post_init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._live(),))
        self._over = asyncio.Event()
        self.listening = threading.Event()
        self._thread.start()
        assert self.listening.wait(20)

    def close(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._loop.close()

    def publish(self, raw):
        """Put a message on the bus as the laboratory does."""
        work = self._channel.basic_publish(raw, exchange=self.exchange, routing_key="ORU.R01")
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    def unmarked(self):
        """How often each message came that was not said to come again."""
        return Counter(
            g.control_id for g in self.got if not (g.handback or g.redelivered or g.resent)
        )

    def ids(self):
        return {got.control_id for got in self.got}

    async def _live(self):
        while not self._over.is_set():
            with suppress(Exception):
                await self._listen()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 0.3)

    async def _listen(self):
        connection = await asyncio.wait_for(aiormq.connect(self.url + "?heartbeat=2"), 5)
        try:
            channel = self._channel = await connection.channel()
            await channel.exchange_declare(self.exchange, exchange_type="topic", durable=True)
            await channel.queue_declare(self.queue, durable=True)
            await channel.queue_bind(self.queue, self.exchange, routing_key="#")
            await channel.basic_consume(self.queue, lambda got: self._take(channel, got))
            self.listening.set()
            ended = asyncio.ensure_future(asyncio.wait([connection.closing]))
            over = asyncio.ensure_future(self._over.wait())
            await asyncio.wait([ended, over], return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
        finally:
            with suppress(Exception):
                await asyncio.wait_for(connection.close(), 1)

    async def _take(self, channel, got):
        properties = got.header.properties
        control_id = peek(got.body).control_id
        self.got.append(
            Got(
                control_id=control_id,
                message_id=properties.message_id,
                handback="wardline-handback" in (properties.headers or {}),
                redelivered=got.redelivered,
                resent="wardline-resent" in (properties.headers or {}),
                at=time.monotonic(),
            )
        )
        await channel.basic_ack(got.delivery_tag)
        if self.receipts and control_id not in self.silent:
            word = json.dumps({"receipt_for": control_id, "by": "DPI"}).encode()
            await channel.basic_publish(word, routing_key=self.receipts)
