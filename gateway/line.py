"""A printer's own line: dialled with patience, and waited on by the clock for whatever it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from twisted.internet import defer, error
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from gateway.errors import TemporaryFailure

L = TypeVar("L", bound="Line")


class Line(Protocol):
    """One connection. Who reads it calls `wake` for what it says, and `something` to wait for that."""

    transport: ITCPTransport

    def __init__(self, clock: IReactorTime) -> None:
        self.lost = False
        self.clock = clock
        self._waiter: Deferred[None] | None = None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        self.wake()

    def something(self, within: float) -> Deferred[None]:
        """Fires when bytes come, the link ends, or `within` seconds have passed."""
        waiter = self._waiter = Deferred[None]()
        timer = self.clock.callLater(within, self.wake)

        def woken(result: object) -> object:
            if timer.active():
                timer.cancel()
            return result

        return waiter.addBoth(woken)

    def wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)


async def dial(
    endpoint: IStreamClientEndpoint,
    make: Callable[[IReactorTime], L],
    *,
    clock: IReactorTime,
    within: float,
) -> L:
    """A connection to the printer; TemporaryFailure when there is none `within` seconds."""
    try:
        line = await endpoint.connect(Factory.forProtocol(lambda: make(clock))).addTimeout(
            within, clock
        )
    except (defer.TimeoutError, error.TimeoutError) as silence:
        raise TemporaryFailure("does not answer", reasons=("timed-out",)) from silence
    except (error.ConnectError, OSError) as refusal:
        raise TemporaryFailure(f"cannot connect: {refusal}", reasons=("timed-out",)) from refusal
    return cast("L", line)  # what `make` made
