"""The telephone as one service: the link, its beat and alarm, the line on which callers come, the phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString

from gateway.asterisk.ami.alarm import Alarm, Told
from gateway.asterisk.ami.beat import Beat
from gateway.asterisk.ami.link import Link
from gateway.asterisk.call.phone import AsteriskPhone, Caps
from gateway.asterisk.fastagi.conversation import Program
from gateway.asterisk.fastagi.server import Server
from gateway.asterisk.files import caller_secret, secret
from gateway.asterisk.settings import TelephonySettings
from gateway.service import Listener, Stack


class Telephony(Stack):
    """Everything between Wardline and its Asterisk. `phone` places calls, `program` talks to who comes.

    `base`: what relative paths in `settings` start from; `data`: where recordings go. `numbers`: the
    directory's numbers for a context ("wardline-out", "fax-send"). `alive` fails when callers are better
    off with the fallback. `wall`: the machine's time, which Asterisk shares. `tell`: see `ami.alarm`.
    Raises gateway.asterisk.template.Unfit when the secret's file cannot be used.
    """

    def __init__(
        self,
        settings: TelephonySettings,
        program: Program,
        *,
        numbers: Callable[[str], Collection[str]],
        alive: Callable[[], Awaitable[object]],
        wall: Callable[[], float],
        tell: Told,
        reactor: Any,
        base: Path,
        data: Path,
    ) -> None:
        super().__init__()
        ami = secret(base / settings.secret_file)
        self.settings = settings
        self.link = Link(
            clientFromString(reactor, settings.ami),
            user=settings.user,
            secret=ami,
            reactor=reactor,
        )
        self.server = Server(
            program,
            secret=caller_secret(ami),
            recordings=data / settings.recordings,
            sounds=settings.pbx.etc / "sounds",
            longest=settings.longest,
            reactor=reactor,
        )
        self.phone = AsteriskPhone(
            self.link,
            self.server,
            numbers=numbers,
            caps=Caps(
                allow=settings.allow,
                concurrent=settings.concurrent,
                per_hour=settings.per_hour,
                faxes=settings.fax_lines,
            ),
            reactor=reactor,
        )
        self._alarm = Alarm(tell, reactor=reactor)
        self.link.ears += [self.phone, self._alarm]
        # Callers only once somebody listens to them: the beat comes last and stops first.
        self.addService(Listener(serverFromString(reactor, settings.agi), self.server))
        self.addService(self.link)
        self.addService(Beat(self.link, alive=alive, now=wall, reactor=reactor))

    def startService(self) -> Deferred[None]:
        self._alarm.start()
        return super().startService()

    def stopService(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._ended(super().stopService()))

    async def _ended(self, stopping: Deferred[None]) -> None:
        try:
            await stopping
        finally:
            self.phone.stop()
            self._alarm.stop()  # that the link has ended is no alarm now
