"""A RabbitMQ to measure on, cut off from the machine where that is allowed, and what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aio_pika

from demo import broker, namespace
from demo.broker import Broker
from demo.hospital import free_ports
from demo.namespace import Network

EXCHANGE = "results"


@dataclass(frozen=True, slots=True)
class Rabbit:
    """A broker that runs; `network` is None where packets cannot be dropped."""

    broker: Broker
    network: Network | None

    def prepare(self, *queues: str) -> None:
        """The exchange, and quorum queues that get everything it is given. Empty, whatever was there."""
        asyncio.run(self._prepare(queues))

    def waiting(self, queue: str) -> int:
        """Messages in it that nobody has been given."""
        return asyncio.run(self._waiting(queue))

    async def _prepare(self, queues: tuple[str, ...]) -> None:
        async with await aio_pika.connect(self.broker.url) as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(EXCHANGE, "topic", durable=True)
            for name in queues:
                await channel.queue_delete(name)
                queue = await channel.declare_queue(
                    name, durable=True, arguments={"x-queue-type": "quorum"}
                )
                await queue.bind(exchange, "#")

    async def _waiting(self, queue: str) -> int:
        async with await aio_pika.connect(self.broker.url) as connection:
            channel = await connection.channel()
            found = await channel.declare_queue(queue, passive=True)
            return found.declaration_result.message_count or 0


def missing() -> str:
    """Why there is nothing to measure; "" when there is."""
    return "" if broker.is_there() else f"no RabbitMQ here: sudo apt-get install {broker.PACKAGE}"


@contextmanager
def running(folder: Path) -> Iterator[Rabbit]:
    network = Network() if namespace.possible() else None
    broker = Broker(
        folder=folder / "rabbitmq",
        host=network.host if network else "127.0.0.1",
        ports=range(5672, 5675) if network else free_ports(3),
        prefix=network.prefix if network else (),
    )
    try:
        broker.launch()
        broker.wait()
        yield Rabbit(broker, network)
    finally:
        broker.close()
        if network is not None:
            network.close()
