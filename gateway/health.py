"""Is each device up? What its last answer said, told once when it goes and once when it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

log = structlog.get_logger()

OK, TROUBLE, UNREACHABLE, UNKNOWN = "ok", "trouble", "unreachable", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A device's last known state and why, in IPP printer-state-reasons words."""

    state: str = UNKNOWN
    reasons: tuple[str, ...] = ()
    since: float = 0.0

    @property
    def usable(self) -> bool:
        return self.state in (OK, UNKNOWN)


Observer = Callable[[str, Condition, Condition], None]


class Health:
    """The conditions of all devices; observers hear (name, before, after) at each change."""

    def __init__(self, names: Iterable[str], *, now: float) -> None:
        self._conditions = {name: Condition(since=now) for name in names}
        self.observers: list[Observer] = []

    def __getitem__(self, name: str) -> Condition:
        return self._conditions[name]

    def all(self) -> Mapping[str, Condition]:
        return dict(self._conditions)

    def usable(self, name: str) -> bool:
        return self._conditions[name].usable

    def reason(self, names: Iterable[str]) -> str:
        """Why none of these devices can be used: the first one's trouble."""
        for name in names:
            condition = self._conditions[name]
            if not condition.usable:
                return ", ".join(condition.reasons) or condition.state
        return "no device"

    def report(self, name: str, *, state: str, reasons: tuple[str, ...] = (), now: float) -> None:
        """What the device, or the lack of it, said just now."""
        before = self._conditions[name]
        if (before.state, before.reasons) == (state, reasons):
            return
        after = Condition(state=state, reasons=reasons, since=now)
        self._conditions[name] = after
        if before.usable != after.usable:
            log.warning("device", name=name, state=state, reasons=reasons)
        for observer in self.observers:
            observer(name, before, after)
