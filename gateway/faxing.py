"""Fax at this site: its numbers, the room its channels work in, and the tests a person asks for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock

from gateway.asterisk.ami.link import Ear
from gateway.asterisk.role import Phone
from gateway.box import Box
from gateway.channels.fax import Alarm, FaxChannel, Kit, Settings
from gateway.clock import Clock, wall
from gateway.config import Site
from gateway.errors import DeliveryFailure, TemporaryFailure, Uncertain
from gateway.fax.line import Line, Sender
from gateway.fax.numbers import KIND, number
from gateway.fax.pages import From, To
from gateway.fax.register import Register
from gateway.fax.sheets import Paper, Sheets
from gateway.fax.spool import Spool
from gateway.fax.underway import UnderWay
from gateway.inbox import Inbox
from gateway.intakes.fax import FaxIntake, Memory
from gateway.service import spawn
from gateway.store import Store, Word

log = structlog.get_logger()

#: The word with which a person asks for a test page; `detail` names the device.
WORD = "fax test"
#: A word said while nobody listened is still obeyed this long after, seconds.
FRESH = 600.0
#: Seconds between two looks at which number is due for a test of its own.
LOOK = 600.0
#: Figures of the code on a test page.
FIGURES = 6


class Faxes(Service):
    """Every fax device of a site; its place in the stack is before the dispatcher's."""

    name = "faxes"

    def __init__(
        self,
        site: Site,
        *,
        store: Store,
        box: Box,
        paper: Paper,
        clock: Clock,
        phone: Phone | None = None,
        up: Callable[[], bool] = lambda: False,
        alarm: Alarm,
    ) -> None:
        self._site = site
        self._store = store
        self._box = box
        self._paper = paper
        self._clock = clock
        self._phone = phone
        self._up = up
        self._spool = Spool(_folder(site) / "fax-out")
        self._devices = {d.name: d for d in site.devices if d.kind == KIND}
        stations = {number(d, site.wards): d.station for d in self._devices.values() if d.station}
        self._register = Register(store, configured=stations, now=clock.now)
        self._calls = UnderWay(store, clock)
        self._channels: dict[str, FaxChannel] = {}
        self._heard = -1
        self._alarm = alarm
        self.gate: Callable[[str], DeferredLock] = lambda name: DeferredLock()

    def channel(self, settings: Settings) -> FaxChannel:
        """The channel of one device."""
        made = FaxChannel(settings, kit=self._kit(settings), clock=self._clock)
        self._channels[settings.name] = made
        return made

    def startService(self) -> Deferred[None]:
        super().startService()
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        """Before anybody is rung: who is being rung already, and which files nobody needs."""
        await self._register.load()
        calls = await self._calls.load()
        if self._devices:
            left = self._spool.clear(but=[call.token for call in calls])
            if left:
                log.warning("fax.left_over", files=left)
        for call in calls:
            channel = self._channels.get(call.device)
            if channel is None or self._phone is None:
                await self._calls.end(call)  # its device is gone from the site's file
            else:
                spawn(channel.resume(call), "fax left behind")

    async def listen(self) -> None:
        """Another process has written: a test is asked for, or a person vouched for a machine."""
        if not self._devices:
            return
        await self._register.load()
        for word in await self._store.words(after=self._heard):
            self._heard = word.id
            if word.word == WORD and word.at > self._clock.now() - FRESH:
                spawn(self._test(word), "fax test")

    async def look(self) -> None:
        """Test what was proved too long ago for its `test_every`: machines and numbers change."""
        for name, settings in self._devices.items():
            channel = self._channels[name]
            if settings.test_every is None or not channel.due(settings.test_every):
                continue
            gate = self.gate(name)
            await gate.acquire()
            try:
                verdict = await channel.verify()
            except DeliveryFailure as failure:
                log.warning("fax.verify", device=name, outcome=failure.detail)
            else:
                log.info("fax.verify", device=name, outcome=str(verdict.cause or "arrived"))
            finally:
                gate.release()

    async def _test(self, word: Word) -> None:
        name = str(word.detail.get("device", ""))
        channel = self._channels.get(name)
        if channel is None:
            log.warning("fax test of an unknown device", word=word.id)
            return
        if self._register.entry(channel.number).tested_at >= word.at:
            return  # done before a restart
        code = "".join(secrets.choice("0123456789") for _ in range(FIGURES))
        gate = self.gate(name)
        await gate.acquire()
        try:
            verdict = await channel.test(code)
        except DeliveryFailure as failure:
            await self._register.tested(channel.number, code="", outcome=failure.detail, heard="")
            log.warning("fax.test", device=name, outcome=failure.detail)
        else:
            log.info("fax.test", device=name, outcome=str(verdict.cause or "arrived"))
        finally:
            gate.release()

    def _kit(self, settings: Settings) -> Kit:
        site = self._site
        sheets = Sheets(self._paper, self._box, resolution=settings.resolution.upper())
        return Kit(
            line=self._line(settings),
            sheets=sheets,
            register=self._register,
            sender=From(
                site=site.site.name,
                code=site.site.code,
                phone=site.lab.phone,
                language=site.site.language,
                timezone=site.site.timezone,
            ),
            to=To(
                ward=site.directory().owner(settings.name).name, number=number(settings, site.wards)
            ),
            alarm=self._alarm,
        )

    def intake(
        self, inbox: Inbox, *, ears: list[Ear], on_broken: Callable[[object], None]
    ) -> FaxIntake | None:
        """What takes the faxes of the site's own numbers, with an ear at the link; None without any."""
        telephony = self._site.telephony
        if telephony is None or not telephony.faxes:
            return None
        intake = FaxIntake(
            _folder(self._site) / "fax-in",
            wards={line.number: line.ward for line in telephony.faxes},
            inbox=inbox,
            box=self._box,
            memory=Memory(known=self._known, note=self._note),
            clock=self._clock,
            wall=wall,
            on_broken=on_broken,
        )
        ears.append(intake)
        return intake

    async def _known(self, sender: str, control_id: str) -> bool:
        return await self._store.known(sender=sender, control_id=control_id)

    async def _note(self, what: str, detail: Mapping[str, object]) -> None:
        await self._store.note(what, at=self._clock.now(), detail=detail)

    def _line(self, settings: Settings) -> Sender:
        if self._phone is None:
            return _NoLine()
        return Line(
            self._phone,
            self._spool,
            device=settings.name,
            up=self._up,
            calls=self._calls,
            clock=self._clock,
            ring=settings.ring,
        )


class _NoLine:
    """Where the site has no telephone; the config does not let this happen to a running service."""

    up = False

    def busy(self, number: str) -> bool:
        return False

    async def resume(self, *_: object) -> Any:
        raise Uncertain("there is no telephone any more")

    async def send(self, *_: object, **__: object) -> Any:
        raise TemporaryFailure("not rung", reasons=("telephone-down",))


def _folder(site: Site) -> Path:
    """What Wardline and Asterisk share; nowhere for a site without a telephone."""
    return site.telephony.pbx.spool / "wardline" if site.telephony else Path()
