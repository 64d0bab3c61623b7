"""What the laboratory must know of Wardline itself, on paper: nobody reads a log at three in the morning."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gateway.clock import Clock
from gateway.delivery import NewDelivery, Purpose, Step
from gateway.directory import LAB
from gateway.message import Priority
from gateway.notice import Notice, announcement
from gateway.service import spawn
from gateway.store import Accepted, Store

log = structlog.get_logger()

TOPIC = "alarm"


class Alarms:
    """Puts an alarm on the laboratory's printers. Whoever calls sees to it that one trouble is told once."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        accepted: Callable[[Accepted], None] = lambda accepted: None,
    ) -> None:
        """`accepted` may be set later: who prints an alarm may itself have one to tell."""
        self._store = store
        self._clock = clock
        self.accepted = accepted

    async def __call__(self, topic: str, *, subject: str, reason: str) -> None:
        """`topic`: a key of `gateway.render.alarm.ALARMS`; `subject` what it is about, `reason` why."""
        now = self._clock.now()
        log.error("alarm", alarm=topic, subject=subject)
        arrival = announcement(
            Notice(topic=TOPIC, detail={"alarm": topic, "subject": subject, "reason": reason}),
            control_id=f"{topic}-{subject}-{now:.3f}",
            now=now,
            deliveries=(
                NewDelivery(
                    to=LAB,
                    purpose=Purpose.NOTICE,
                    priority=Priority.URGENT,
                    steps=(Step(by="courier"),),
                ),
            ),
        )
        self.accepted(await self._store.accept(arrival))

    def guessed(self, fails: int) -> None:
        """Somebody tries personal codes, by telephone or at the console."""
        spawn(self("guessing", subject=str(fails), reason=""), "guessing")
