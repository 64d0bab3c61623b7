"""A platform on a real bus inside the test's own process: link, canary, watch and what it changed."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from gateway import registry
from gateway.clock import ReactorClock
from gateway.platform.watch import State, Watch


def message(control_id, text=""):
    return (
        f"MSH|^~\\&|SIL|LABO|DPI|HOP|20261123110000||ORU^R01|{control_id}|P|2.5\r"
        f"PID|1||69102274^^^H^PI||LEFEBVRE^ELOISE||19530422|F\rOBR|1|||X\r{text}"
    ).encode()


def sleep(seconds):
    return deferLater(reactor, seconds)


def aside(work, *args):
    """What blocks (a `rabbitmqctl`) beside the reactor, or it would look as if the bus were silent."""
    return deferToThread(work, *args)


class Platform:
    """What `gateway.upstream` wires, without a store."""

    def __init__(self, **table):
        module = registry.load(registry.PLATFORMS, table["kind"])
        self.settings = module.Settings.model_validate(table)
        clock = ReactorClock(reactor)
        self.watch = Watch.of(self.settings, reactor=reactor, clock=clock)
        self.late = []
        self.link = module.PlatformLink(
            self.settings,
            reactor=reactor,
            clock=clock,
            evidence=self.watch,
            on_late=self.late.append,
            base=Path(),
        )
        self.canary = module.prober(
            self.settings, link=self.link, watch=self.watch, reactor=reactor, base=Path()
        )
        self.changes = []
        self._waiting = []
        self.watch.observers.append(self._changed)

    def _changed(self, change):
        self.changes.append((time.monotonic(), change))
        if change.after.state is State.DOWN:
            self.link.give_up(change.after.reason)
        for state, happened in tuple(self._waiting):
            if change.after.state is state:
                self._waiting.remove((state, happened))
                happened.callback(time.monotonic())

    @property
    def begun(self):
        """How many outages began."""
        return sum(change.begins for _, change in self.changes)

    def states(self):
        return [change.after.state for _, change in self.changes]

    async def until(self, state, *, within):
        """The moment it came to that state; at once when it is there."""
        if self.watch.state is state:
            return time.monotonic()
        happened = Deferred()
        self._waiting.append((state, happened))
        return await happened.addTimeout(within, reactor)

    async def proved(self, *, within=10.0):
        """Until a canary of this session has come back."""
        end = time.monotonic() + within
        while not self.canary._trips.longest:
            assert time.monotonic() < end, f"no canary came back: {self.watch.snapshot()}"
            await sleep(0.05)

    async def goes_down(self, *, since, within):
        """Seconds from the fault to the watch's `down`, and what it says."""
        at = await self.until(State.DOWN, within=within + 5)
        return at - since, self.watch.reason

    def send(self, control_id, *, timeout=10.0, **more):
        return Deferred.fromCoroutine(
            self.link.deliver(message(control_id), control_id, timeout=timeout, **more)
        )


@asynccontextmanager
async def platform(**table):
    bench = Platform(**table)
    bench.link.startService()
    bench.canary.startService()
    try:
        await bench.proved()
        yield bench
    finally:
        bench.watch.stop()
        for service in (bench.canary, bench.link):
            stopping = service.stopService()
            if stopping is not None:
                await stopping
