"""Where asyncio and Twisted meet: one crossing each way, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def from_asyncio(work: Awaitable[T]) -> Deferred[T]:
    """`work`, an asyncio coroutine or future, as a Deferred; to be called while the loop runs.

    Cancelling the Deferred cancels the work. Errors pass through as they are, but for asyncio's
    CancelledError: it is a BaseException, which `except Exception` misses, so it becomes Twisted's.
    """
    return Deferred.fromFuture(asyncio.ensure_future(work)).addErrback(_speak_twisted)


async def to_asyncio(work: Coroutine[Any, Any, T] | Deferred[T]) -> T:
    """The result of `work`, which awaits Deferreds, for a caller that is an asyncio task.

    Cancelling the task cancels the work.
    """
    deferred = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
    return await deferred.asFuture(asyncio.get_running_loop())


def _speak_twisted(failure: Failure) -> Failure:
    if failure.check(asyncio.CancelledError):
        return Failure(CancelledError())
    return failure
