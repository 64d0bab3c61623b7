"""`python -m benchmarks.library WHAT URL …`: what is done with the client library alone, to compare with.

`notice HEARTBEAT`: holds a connection with that heartbeat (0: the library's own) and prints the moment
(monotonic seconds) at which the library says that it has ended. `take QUEUE COUNT`: takes so
many messages and only acknowledges each. `publish EXCHANGE COUNT WINDOW`: publishes so many with confirms,
WINDOW at once. The last two print how many seconds that took, from the first message on,
and how much processor time.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from benchmarks import messages

PREFETCH = 200  # as the tap's


async def notice(url: str, heartbeat: str) -> None:
    with_beat = f"{url}?heartbeat={heartbeat}" if heartbeat != "0" else url
    connection = await aio_pika.connect(with_beat)
    ended = asyncio.Event()
    connection.close_callbacks.add(lambda *_: ended.set())
    await connection.channel()
    print("ready", flush=True)
    await ended.wait()
    print(time.monotonic(), flush=True)


async def take(url: str, queue: str, count: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        source = await channel.get_queue(queue, ensure=False)
        left, began, ended = int(count), 0.0, asyncio.Event()

        async def taken(message: AbstractIncomingMessage) -> None:
            nonlocal left, began
            began = began or time.monotonic()
            await message.ack()
            left -= 1
            if not left:
                ended.set()

        await source.consume(taken)
        await ended.wait()
        print(time.monotonic() - began, time.process_time())


async def publish(url: str, exchange: str, count: str, window: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        target = await channel.get_exchange(exchange, ensure=False)
        numbers = iter(range(int(count)))
        began = time.monotonic()

        async def some() -> None:
            for number in numbers:
                message = aio_pika.Message(
                    messages.result(number), delivery_mode=aio_pika.DeliveryMode.PERSISTENT
                )
                await target.publish(message, "ORU.R01")

        await asyncio.gather(*(some() for _ in range(int(window))))
        print(time.monotonic() - began, time.process_time())


if __name__ == "__main__":
    work = {"notice": notice, "take": take, "publish": publish}[sys.argv[1]]
    asyncio.run(work(*sys.argv[2:]))
