"""Asks every device that is idle how it is, and whether another process has said something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall

from gateway.channels import Channel
from gateway.clock import Clock
from gateway.health import Health
from gateway.service import spawn


class Poller(Service):
    """Devices in trouble are asked more often than those that are well: somebody waits for them."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        *,
        gates: Callable[[str], DeferredLock],
        health: Health,
        clock: Clock,
        every: float = 15.0,
        every_in_trouble: float = 2.0,
    ) -> None:
        self._channels = channels
        self._gates = gates
        self._health = health
        self._clock = clock
        self._every = every
        self._every_in_trouble = every_in_trouble
        self._calls: dict[str, IDelayedCall] = {}
        self._asking: dict[str, Deferred[None]] = {}

    def startService(self) -> None:
        super().startService()
        for name in self._channels:
            self._next(name, 0.0)

    async def _stop(self) -> None:
        for call in self._calls.values():
            if call.active():
                call.cancel()
        for asking in list(self._asking.values()):
            asking.cancel()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _next(self, name: str, delay: float) -> None:
        if self.running:
            self._calls[name] = self._clock.call_later(delay, self._ask, name)

    def _ask(self, name: str) -> None:
        gate = self._gates(name)
        if gate.locked:  # a job is speaking to it and will report
            self._next(name, self._every_in_trouble)
            return
        done = spawn(self._probe(name, gate), f"probe {name}")
        if not done.called:
            self._asking[name] = done
        done.addCallback(lambda _: self._asked(name))

    def _asked(self, name: str) -> None:
        self._asking.pop(name, None)
        usable = self._health.usable(name)
        self._next(name, self._every if usable else self._every_in_trouble)

    async def _probe(self, name: str, gate: DeferredLock) -> None:
        await gate.acquire()
        try:
            status = await self._channels[name].probe()
        finally:
            gate.release()
        now = self._clock.now()
        self._health.report(name, state=status.state, reasons=status.reasons, now=now)


class Repeat(Service):
    """Does one thing again and again, each time `every` seconds after the last has ended."""

    def __init__(
        self, work: Callable[[], Awaitable[None]], *, every: float, clock: Clock, what: str
    ) -> None:
        self._work = work
        self._every = every
        self._clock = clock
        self._what = what
        self._call: IDelayedCall | None = None
        self._doing: Deferred[None] | None = None

    def startService(self) -> None:
        super().startService()
        self._call = self._clock.call_later(self._every, self._do)

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        if self._call is not None and self._call.active():
            self._call.cancel()
        return self._doing

    def _do(self) -> None:
        self._doing = spawn(self._once(), self._what)
        self._doing.addCallback(lambda _: self._again())

    def _again(self) -> None:
        self._doing = None
        if self.running:
            self._call = self._clock.call_later(self._every, self._do)

    async def _once(self) -> None:
        await self._work()
