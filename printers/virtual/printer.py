"""The virtual printer as a whole: a machine, its hosts, its slips, and its troubles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, serverFromString
from twisted.internet.interfaces import (
    IListeningPort,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.internet.threads import deferToThreadPool

from printers.model import load
from printers.virtual import output, trouble
from printers.virtual.host import Hosts
from printers.virtual.loopback import LoopbackEndpoint
from printers.virtual.machine import Machine
from printers.virtual.paper import Slip


class VirtualPrinter:
    """Prints what hosts send; every piece of paper is appended to `slips`, and written to `out` if given.

    `speed` in mm/s, 0 for at once. `reactor` may be a `task.Clock` as long as it neither listens
    nor writes files: reach it through `endpoint()` then.
    """

    machine: Machine
    hosts: Hosts

    def __init__(
        self,
        reactor: Any,
        *,
        model: str = "TM-T20II",
        speed: float = 0.0,
        out: Path | None = None,
        name: str = "printer",
    ) -> None:
        self.name = name
        self.slips: list[Slip] = []
        self.drop_at_mark = False  # the link is cut instead of the proof being sent
        self.machine = Machine(reactor, self, model=load(model), speed=speed)
        self.hosts = Hosts(reactor, lambda: self.machine)
        self._reactor = reactor
        self._out = out
        self._port: IListeningPort | None = None
        self._listen_at: IStreamServerEndpoint | None = None
        self._plugging = DeferredLock()
        self._writing = DeferredLock()
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            self.machine.printed = output.last_number(out)

    async def listen(self, endpoint: str = "tcp:0:interface=127.0.0.1") -> int:
        """Listen on a Twisted server endpoint; the port it got. Raises what binding raises."""
        self._listen_at = serverFromString(self._reactor, endpoint)
        await self._plug_in()
        host = self._port.getHost() if self._port else None
        port = getattr(host, "port", 0)
        if endpoint.startswith("tcp:"):  # to come back on the same port after a cut
            interface = getattr(host, "host", "")
            self._listen_at = TCP4ServerEndpoint(self._reactor, port, interface=interface)
        return port

    def endpoint(self) -> IStreamClientEndpoint:
        """A way to it in memory, timed by its clock."""
        return LoopbackEndpoint(self._reactor, self.hosts)

    def trouble(self, words: str) -> str:
        """Give it trouble in the words a person types ("paper out"); what it answers.

        Raises ValueError for words it does not know.
        """
        return trouble.give(self, words)

    async def close(self) -> None:
        """Hang up, stop listening, finish the files; a slip half printed is torn off first."""
        self.machine.power_off()
        self.machine.tear()
        await self.unplug()
        await self._writing.run(lambda: None)

    # --- what troubles do to it

    def cut_off(self) -> None:
        """The cable is pulled: links break, connections are refused. What it has, it prints."""
        self.hosts.refusing = True
        self.hosts.drop_all()
        self._plugging.run(self._stop_listening)

    def plug_in(self) -> None:
        self.hosts.refusing = False
        self.machine.powered = True
        self._plugging.run(lambda: Deferred.fromCoroutine(self._listen_again()))
        self.machine.go_on()

    def power_lost(self) -> None:
        """What it has not printed is gone with its memory."""
        self.machine.power_off()
        self.cut_off()

    async def unplug(self) -> None:
        """As `cut_off`, and wait until the port is free."""
        self.cut_off()
        await self.settled()

    async def settled(self) -> None:
        """Wait until pulling or plugging the cable has had its effect."""
        await self._plugging.run(lambda: None)

    # --- what the machine needs of the world around it

    def send(self, data: bytes, *, mark: bool) -> None:
        if mark and self.drop_at_mark:
            self.drop_at_mark = False
            self.cut_off()
        else:
            self.hosts.send(data)

    def take(self, slip: Slip, done: Callable[[], None]) -> None:
        self.slips.append(slip)
        if self._out is None:
            done()
            return
        self._writing.run(self._write, slip, self._out).addBoth(lambda _: done())

    def room(self) -> None:
        self.hosts.pump()

    def _write(self, slip: Slip, folder: Path) -> Deferred[None]:
        written = deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            output.write,
            slip,
            folder,
            printer=self.name,
            model=self.machine.model.name,
        )
        return written.addErrback(self._not_written, slip.number)

    def _not_written(self, failure: Any, number: int) -> None:
        failure.trap(OSError)
        sys.stderr.write(f"{self.name}: slip {number} not written: {failure.value}\n")

    async def _plug_in(self) -> None:
        if self._port is None and self._listen_at is not None:
            self._port = await self._listen_at.listen(self.hosts)

    async def _listen_again(self) -> None:
        try:
            await self._plug_in()
        except OSError as error:
            sys.stderr.write(f"{self.name}: cannot listen again: {error}\n")

    def _stop_listening(self) -> Deferred[Any]:
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening if port else lambda: None)
