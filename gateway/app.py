"""The composition root: a site in, services out, in the order of the flow."""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError

from gateway import chores, console, registry, upstream
from gateway.alarm import Alarms
from gateway.asterisk.access import Access
from gateway.box import Box
from gateway.channels import Channel
from gateway.clock import ReactorClock, wall
from gateway.compose import Composer, House
from gateway.config import Site
from gateway.directory import Directory
from gateway.dispatcher import Dispatcher
from gateway.faxing import LOOK, Faxes
from gateway.formats import Formats, Kit
from gateway.health import Condition, Health
from gateway.inbox import Inbox
from gateway.locale import translator
from gateway.message import Priority
from gateway.observe import begin_logging
from gateway.pack import PackDesk, Schedule
from gateway.paper import Typesetter
from gateway.poller import Poller, Repeat
from gateway.printing import Press
from gateway.router import Plan
from gateway.saying import Saying
from gateway.service import Stack, in_thread, spawn
from gateway.store import DeviceRow, Store
from gateway.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from gateway.telephone import Telephone

log = structlog.get_logger()

#: One process of this version stands alone on its store.
NODE = "main"
#: Children that open strangers' documents: one that takes its time does not hold up the next.
WORKERS = 2
#: How soon a word said by another process (`wardline outage begin`) is heard, seconds.
HEARING = 0.25
#: How soon a pack that has become due is noticed, seconds.
PACKS = 2.0
#: New objects before the collector looks through them: Python's 700 are those of a few messages.
YOUNG = 10_000


def run(site: Site, *, log_level: str = "INFO") -> int:
    """Run the service until it is told to stop; the exit code is the process's."""
    from twisted.internet import reactor

    begin_logging(level=log_level)
    life = _Life(reactor, site)
    reactor.callLater(0, life.begin)  # asyncio's loop is not running before
    reactor.run()
    return life.code


class _Life:
    """From the first commit to the last: starts the stack, says `ready`, ends with the right code."""

    def __init__(self, reactor: Any, site: Site) -> None:
        self._reactor = reactor
        self._site = site
        self._stack: Stack | None = None
        self.code = 0

    def begin(self) -> None:
        self._reactor.addSystemEventTrigger("before", "shutdown", self._end)
        Deferred.fromCoroutine(self._begin()).addErrback(self._failed)

    async def _begin(self) -> None:
        self._stack = await assemble(self._reactor, self._site, on_broken=self._broken)
        await self._stack.startService()
        _set_apart()
        print("ready", flush=True)

    def _failed(self, failure: Any) -> None:
        self.code = 1
        if failure.check(CannotListenError):
            print(f"wardline: {failure.value}", file=sys.stderr)
        else:
            log.error("cannot start", error=failure.getTraceback())
            print(f"wardline: cannot start: {failure.getErrorMessage()}", file=sys.stderr)
        self._stop()

    def _broken(self, why: object) -> None:
        """The disk lied: nothing may be acknowledged any more, so end at once and be restarted."""
        log.error("store broken", why=str(why))
        print(f"wardline: the store is broken: {why}", file=sys.stderr, flush=True)
        os._exit(70)

    def _stop(self) -> None:
        if self._reactor.running:
            self._reactor.stop()

    def _end(self) -> Any:
        return self._stack.stopService() if self._stack is not None else None


def _set_apart() -> None:
    """Take what the start has made out of the garbage collector's sight: it lives as long as the process.

    To look through all of it held the reactor for 60 to 230 ms every few thousand messages, and cost a
    sixth of an acknowledgement.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


async def assemble(reactor: Any, site: Site, *, on_broken: Callable[[object], None]) -> Stack:
    """The whole service: its store open, nothing else started."""
    clock = ReactorClock(reactor)
    translator(site.site.language)  # reads its catalog once: 0.2 s that no first slip should wait
    store = SqliteStore(site.database(), reactor=reactor, on_broken=on_broken)
    stack = Stack()
    stack.addService(_Closing(store, clock))
    directory = site.directory()
    health = Health([d.name for d in site.devices], now=clock.now())
    health.observers.append(_remember(store))
    box = Box(reactor, clock, workers=WORKERS)
    alarms = Alarms(store, clock=clock)
    access = await _access(reactor, directory, store=store, clock=clock, alarms=alarms)
    telephone = _telephone(
        reactor, site, store=store, directory=directory, alarms=alarms, access=access, clock=clock
    )
    paper = Typesetter(reactor, box, templates=site.templates())
    faxes = Faxes(
        site,
        store=store,
        box=box,
        paper=paper,
        clock=clock,
        alarm=alarms,
        phone=telephone.asterisk.phone if telephone is not None else None,
        up=lambda: telephone is not None and telephone.asterisk.link.is_up,
    )
    formats = _formats(reactor, site, box)
    offers: dict[str, Any] = {
        "alarms": alarms,
        "aside": in_thread(reactor),
        "base": site.base,
        "box": box,
        "clock": clock,
        "directory": directory,
        "paper": paper,
        "reactor": reactor,
        "site": site,
        "store": store,
        "telephone": telephone,
    }
    channels = {
        d.name: faxes.channel(d) if d.kind == "fax" else _channel(d, offers) for d in site.devices
    }
    main = await upstream.wire(reactor, site, store=store, clock=clock, formats=formats)
    composer = Composer(
        store,
        directory,
        house=_house(site),
        clock=clock,
        formats=formats,
        outage=main.outage,
        now=wall,
        aside=in_thread(reactor),
        doubted={i.name for i in site.intakes if getattr(i, "say_unauthenticated", False)},
    )
    press = Press(
        store, directory, channels=channels, composer=composer, health=health, clock=clock
    )
    dispatcher = Dispatcher(
        store,
        directory,
        devices=channels,
        relay=main.relay(composer, node=NODE),
        press=press,
        health=health,
        clock=clock,
        node=NODE,
        quiet_since=main.up_since,
        receipted={i.name for i in site.intakes if getattr(i, "receipts", "")},
        calls=telephone.desk if telephone is not None else None,
    )
    main.attach(dispatcher)
    inbox = Inbox(
        store,
        directory,
        plans={p: _plan(site, p) for p in Priority},
        limits=site.critical_limits(),
        clock=clock,
        on_deliveries=dispatcher.accepted,
        on_receipt=main.receipt,
        aside=in_thread(reactor),
        labels=site.label_steps(),
        down=lambda: main.outage() is not None,
        shut=main.shut,
    )
    packs = PackDesk(
        store,
        schedule=Schedule(**site.packs.model_dump()),
        wards=[w.code for w in site.wards if w.devices],
        clock=clock,
        outage=main.outage,
        accepted=dispatcher.accepted,
    )
    alarms.accepted = dispatcher.accepted
    faxes.gate = dispatcher.gate
    if telephone is not None:
        await telephone.attach(
            inbox=inbox,
            formats=formats,
            composer=composer,
            accepted=dispatcher.accepted,
            listen=main.listen,
        )
    poller = Poller(channels, gates=dispatcher.gate, health=health, clock=clock)
    ringing = telephone.services() if telephone is not None else ()
    moving = (box, faxes, _Running(dispatcher), poller, *main.services(), *ringing)
    for service in (*moving, chores.forgetting(store, keep=site.store.retention, clock=clock)):
        stack.addService(service)
    listeners = (main.listen, packs.listen, faxes.listen, dispatcher.look_again)
    hear = partial(_hear, store, listeners)
    stack.addService(Repeat(hear, every=HEARING, clock=clock, what="words"))
    stack.addService(Repeat(packs.look, every=PACKS, clock=clock, what="packs"))
    stack.addService(Repeat(chores.Chime(store, clock).look, every=10.0, clock=clock, what="clock"))
    stack.addService(Repeat(faxes.look, every=LOOK, clock=clock, what="fax tests"))
    received = None
    if telephone is not None:
        ears = telephone.asterisk.link.ears
        received = faxes.intake(inbox, ears=ears, on_broken=on_broken)
    if received is not None:
        stack.addService(received)
    offers |= {
        "inbox": inbox,
        "on_broken": on_broken,
        "saying": Saying(site, store, clock=clock, listeners=(main.listen, packs.listen)),
        "zone": site.site.timezone,
    }
    for settings in site.intakes:
        module = registry.load(registry.INTAKES, settings.kind)
        stack.addService(_built(module, settings, offers))
    if site.console is not None:
        stack.addService(
            console.wire(
                site,
                offers | {"access": access, "composer": composer, "formats": formats},
                listeners=listeners,
                accepted=dispatcher.accepted,
            )
        )
    return stack


async def _hear(store: Store, listeners: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Words said by another process: whoever they are for looks at them."""
    if store.changed():
        for listen in listeners:
            await listen()


def _channel(settings: Any, offers: Mapping[str, Any]) -> Channel:
    channel: Channel = _built(registry.load(registry.CHANNELS, settings.kind), settings, offers)
    return channel


def _built(module: Any, settings: Any, offers: Mapping[str, Any]) -> Any:
    """What a plug-in's `build` makes, given by name what it asks for: none need know what others want."""
    wanted = inspect.signature(module.build).parameters
    return module.build(settings, **{name: offers[name] for name in wanted if name in offers})


async def _access(
    reactor: Any, directory: Directory, *, store: Store, clock: ReactorClock, alarms: Alarms
) -> Access:
    """Who people are, at a telephone or at the console; wrong PINs keyed before are remembered."""
    access = Access(
        directory.people, store=store, clock=clock, aside=in_thread(reactor), alarm=alarms.guessed
    )
    await access.open()
    return access


def _telephone(
    reactor: Any,
    site: Site,
    *,
    store: Store,
    directory: Directory,
    alarms: Alarms,
    access: Access,
    clock: ReactorClock,
) -> Telephone | None:
    if site.telephony is None:
        return None
    from gateway.telephone import Telephone

    return Telephone(
        reactor,
        site,
        store=store,
        directory=directory,
        alarms=alarms,
        access=access,
        clock=clock,
        node=NODE,
    )


def _formats(reactor: Any, site: Site, box: Box) -> Formats:
    """How a stored message is read again: by its intake's charset and the site's limits, as at first."""
    charsets = {intake.name: getattr(intake, "charset", "utf-8") for intake in site.intakes}
    return Formats(
        kit=Kit(reactor=reactor, box=box, limits=site.critical_limits()), charsets=charsets
    )


def _house(site: Site) -> House:
    return House(
        code=site.site.code,
        name=site.site.name,
        language=site.site.language,
        timezone=site.site.timezone,
        drill=site.site.drill,
        phone=site.lab.phone,
        line=next((line.number for line in site.telephony.lines), "") if site.telephony else "",
    )


def _plan(site: Site, priority: Priority) -> Plan:
    return Plan(
        steps=site.steps(priority),
        expires=site.plans[priority].expires,
        calls=site.calls(priority),
    )


def _remember(store: Store) -> Callable[[str, Condition, Condition], None]:
    """Every change of a device goes to the store, for `wardline status` beside the service."""

    def changed(name: str, before: Condition, after: Condition) -> None:
        row = DeviceRow(name=name, state=after.state, reasons=after.reasons, since=after.since)
        spawn(_saved(store, row), f"device {name}")

    return changed


async def _saved(store: Store, row: DeviceRow) -> None:
    await store.save_device(row)


class _Closing(Service):
    """The store's place in the stack: open before anything starts, closed after all has stopped."""

    def __init__(self, store: Store, clock: ReactorClock) -> None:
        self._store = store
        self._clock = clock

    def startService(self) -> Deferred[None]:
        super().startService()
        return self._store.note("started", at=self._clock.now(), detail={"node": NODE})

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        await self._store.note("stopped", at=self._clock.now(), detail={"node": NODE})
        await self._store.close()


class _Running(Service):
    """The dispatcher's place in the stack: before the intakes, so that they stop first."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def startService(self) -> Deferred[None]:
        super().startService()
        return Deferred.fromCoroutine(self._dispatcher.start())

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._dispatcher.stop())
