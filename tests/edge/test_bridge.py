import asyncio

import pytest
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from gateway.bridge import from_asyncio, to_asyncio


async def test_an_asyncio_result_crosses_to_twisted():
    async def work():
        await asyncio.sleep(0)
        return 5

    assert await from_asyncio(work()) == 5


async def test_a_twisted_result_crosses_to_asyncio():
    async def inside():
        return await deferLater(reactor, 0, lambda: 7)

    async def outside():
        return await to_asyncio(inside()), await to_asyncio(deferLater(reactor, 0, lambda: 8))

    assert await from_asyncio(outside()) == (7, 8)


async def test_errors_cross_as_they_are():
    async def inside():
        raise KeyError("MSH")

    async def outside():
        await to_asyncio(inside())

    with pytest.raises(KeyError):
        await from_asyncio(outside())


async def test_cancelling_the_deferred_cancels_the_asyncio_work():
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    deferred = from_asyncio(work())
    await deferLater(reactor, 0)
    deferred.cancel()

    with pytest.raises(CancelledError):  # Twisted's, an Exception: asyncio's is none
        await deferred
    await deferLater(reactor, 0)
    assert ended == [True]


async def test_cancelling_the_task_cancels_the_twisted_work():
    cancelled = []

    async def inside():
        await Deferred(lambda _: cancelled.append(True))

    async def outside():
        await asyncio.wait_for(to_asyncio(inside()), 0.01)

    with pytest.raises(TimeoutError):
        await from_asyncio(outside())
    assert cancelled == [True]
