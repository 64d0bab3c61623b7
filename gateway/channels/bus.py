"""A message bus as the platform: any bus of `registry.BUSES`, with its settings, link and canary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import registry
from gateway.bus.canary import CanaryKeeper
from gateway.bus.judge import Judge
from gateway.bus.link import PlatformLink as Link
from gateway.bus.receipts import Late
from gateway.bus.role import Driver
from gateway.bus.settings import BusPlatform
from gateway.bus.touch import toucher
from gateway.clock import Clock


def of(kind: str) -> BusPlatformKind:
    """The platform of this kind. Raises registry.Unknown."""
    return BusPlatformKind(driver=registry.load(registry.BUSES, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class BusPlatformKind:
    """What the application asks of the module of a platform."""

    driver: Driver

    @property
    def Settings(self) -> Any:
        return self.driver.PlatformSettings

    def PlatformLink(
        self,
        settings: Any,
        *,
        reactor: Any,
        clock: Clock,
        evidence: Judge,
        on_late: Callable[[Late], object],
        base: Path,
    ) -> Link:
        return Link(
            settings,
            driver=self.driver,
            base=base,
            reactor=reactor,
            clock=clock,
            evidence=evidence,
            on_late=on_late,
        )

    def prober(
        self, settings: BusPlatform, *, link: Link, watch: Any, reactor: Any, base: Path
    ) -> CanaryKeeper:
        """Tells `watch` whether the bus is alive, and is told when to hurry."""
        canary = CanaryKeeper(
            settings,
            driver=self.driver,
            base=base,
            watch=watch,
            refusing=lambda: link.refusing,
            touch=toucher(
                settings.host, settings.port, within=settings.down_after / 3, reactor=reactor
            ),
            reactor=reactor,
        )
        watch.probe_now = canary.now
        return canary
