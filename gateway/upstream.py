"""The main platform, wired: its link, the watch that judges it, the outage desk and the way back."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from gateway import registry
from gateway.channels.platform import Late
from gateway.clock import ReactorClock
from gateway.compose import Composer
from gateway.config import Site
from gateway.formats import Formats
from gateway.outage import OutageDesk
from gateway.platform import handback, probe
from gateway.platform.record import Recorder
from gateway.platform.watch import Standing, State, Watch
from gateway.poller import Repeat
from gateway.relay import Relay
from gateway.service import spawn
from gateway.store import Accepted, Outage, PlatformRow, Store

log = structlog.get_logger()

#: How often it is looked whether a message's record can be written, seconds.
RECORDING = 5.0


class Lanes(Protocol):
    """The dispatcher, as far as the platform concerns it."""

    def kick(self, lane: str) -> None: ...

    def accepted(self, accepted: Accepted) -> None: ...

    def platform_changed(self, down: bool) -> None: ...


async def wire(
    reactor: Any, site: Site, *, store: Store, clock: ReactorClock, formats: Formats
) -> Upstream | NoUpstream:
    """Everything about the platform, taking up the state it had when the last process ended."""
    if site.platform is None:
        return NoUpstream()
    upstream = Upstream(
        reactor,
        site,
        store=store,
        clock=clock,
        formats=formats,
        standing=standing(await store.platform()),
    )
    await upstream.desk.open()
    return upstream


class Upstream:
    """A site's main platform."""

    def __init__(
        self,
        reactor: Any,
        site: Site,
        *,
        store: Store,
        clock: ReactorClock,
        formats: Formats,
        standing: Standing | None,
    ) -> None:
        self._reactor = reactor
        self._site = site
        self._store = store
        self._clock = clock
        self._formats = formats
        self._lanes: Lanes | None = None
        self._settings = site.platform
        module = registry.load(registry.PLATFORMS, self._settings.kind)
        self.watch = Watch.of(self._settings, reactor=reactor, clock=clock, standing=standing)
        self.link = module.PlatformLink(
            self._settings,
            reactor=reactor,
            clock=clock,
            evidence=self.watch,
            on_late=self._late,
            base=site.base,
        )
        self._prober = (
            partial(module.prober, link=self.link) if hasattr(module, "prober") else probe.build
        )
        self.desk = OutageDesk(
            store,
            watch=self.watch,
            link=self.link,
            clock=clock,
            wards=[w.code for w in site.wards if w.devices],
            platform_changed=self._changed,
            accepted=self._accepted,
        )

    def attach(self, lanes: Lanes) -> None:
        self._lanes = lanes

    def relay(self, composer: Composer, *, node: str) -> Relay:
        """The dispatcher's lane to this platform."""
        return Relay(
            self._store,
            self.link,
            judge=self.watch,
            window=self._settings.window,
            composer=composer,
            clock=self._clock,
            node=node,
        )

    def outage(self) -> Outage | None:
        return self.desk.current

    def shut(self) -> str | None:
        """Why it takes nothing that somebody waits for; None while it does."""
        return None if self.watch.open else self.watch.reason

    def up_since(self, moment: float) -> bool:
        return self.watch.up_since(moment)

    def receipt(self, control_id: str, proof: str) -> None:
        """A tap heard that somebody received a message."""
        spawn(self._confirm(control_id, proof), "receipt")

    def services(self) -> tuple[Service, ...]:
        """In the order of their start: what judges before what depends on it."""
        prober = self._prober(
            self._settings, watch=self.watch, reactor=self._reactor, base=self._site.base
        )
        returning = handback.Handback(
            self._store,
            watch=self.watch,
            idle=lambda: self.link.in_flight == 0,
            rate=self._settings.handback_rate,
            every=self._settings.probe_every,
            reactor=self._reactor,
            clock=self._clock,
            wake=self._kick,
        )
        return (self.link, prober, returning, *self._recording(), _Judging(self.watch))

    def _recording(self) -> tuple[Service, ...]:
        """What tells the platform who received what, where the site wants that."""
        if self._settings.record == "none":
            return ()
        recorder = Recorder(
            self._store,
            form=self._settings.record,
            site=self._site.site.code,
            clock=self._clock,
            as_hl7=self._formats.hl7,
            read=self._formats.read,
        )
        return (Repeat(recorder.look, every=RECORDING, clock=self._clock, what="record"),)

    async def listen(self) -> None:
        """Another process has said something."""
        await self.desk.listen()

    def _kick(self) -> None:
        if self._lanes is not None:
            self._lanes.kick("platform")

    def _changed(self, down: bool) -> None:
        if self._lanes is not None:
            self._lanes.platform_changed(down)

    def _accepted(self, accepted: Accepted) -> None:
        if self._lanes is not None:
            self._lanes.accepted(accepted)

    def _late(self, late: Late) -> Deferred[None] | None:
        if not late.accepted:
            return None
        return spawn(self._confirm(late.control_id, f"late {late.proof}"), "late ack")

    async def _confirm(self, control_id: str, proof: str) -> None:
        now = self._clock.now()
        await self._store.confirm(sender=None, control_id=control_id, at=now, proof=proof)


class _Judging(Service):
    """Stops the watch before the link says goodbye: the next start takes up what was known."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def stopService(self) -> None:
        super().stopService()
        self._watch.stop()


class NoUpstream:
    """A site without a platform: everything goes to its ward."""

    def attach(self, lanes: Lanes) -> None:
        """Nothing will ever change."""

    def relay(self, composer: Composer, *, node: str) -> None:
        return None

    def outage(self) -> None:
        return None

    def shut(self) -> None:
        return None

    def up_since(self, moment: float) -> bool:
        return False

    def receipt(self, control_id: str, proof: str) -> None:
        log.warning("receipt without a platform", proof=proof)

    def services(self) -> tuple[Service, ...]:
        return ()

    async def listen(self) -> None:
        """There is no platform to say anything of."""


def standing(row: PlatformRow | None) -> Standing | None:
    """What the last process knew of the platform."""
    if row is None:
        return None
    return Standing(
        state=State(row.state), since=row.since, reason=row.reason, by=row.by, proof=row.proof
    )
