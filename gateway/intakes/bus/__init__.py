"""The way in from a message bus, which keeps each message until it is on disk here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import registry
from gateway.bus.role import Driver
from gateway.bus.settings import BusIntake as BusSettings
from gateway.clock import Clock
from gateway.intakes.bus.service import Alarms, BusIntake, Inbox

__all__ = ["BusIntake", "of"]


def of(kind: str) -> BusIntakeKind:
    """The way in from the bus of this kind. Raises registry.Unknown."""
    return BusIntakeKind(driver=registry.load(registry.BUSES, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class BusIntakeKind:
    """What the application asks of the module of an intake."""

    driver: Driver

    @property
    def Settings(self) -> Any:
        return self.driver.IntakeSettings

    def build(
        self,
        settings: BusSettings,
        *,
        inbox: Inbox,
        reactor: Any,
        clock: Clock,
        base: Path,
        on_broken: Callable[[object], None],
        alarms: Alarms | None = None,
        zone: str = "UTC",  # a bus has no acknowledgement with a date
    ) -> BusIntake:
        return BusIntake(
            settings,
            driver=self.driver,
            inbox=inbox,
            reactor=reactor,
            base=base,
            on_broken=on_broken,
            alarms=alarms,
        )
