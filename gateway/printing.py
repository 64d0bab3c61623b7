"""One attempt on paper: begun in the store before its first byte, and its end written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import structlog
from twisted.internet.defer import CancelledError

from gateway import policy
from gateway.channels import Channel, Job
from gateway.clock import Clock
from gateway.compose import Composer
from gateway.delivery import Attempt, Delivery, Outcome, State
from gateway.directory import Directory
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.health import OK, TROUBLE, UNREACHABLE, Health
from gateway.policy import Move
from gateway.store import Accepted, Store
from printers.slip import Slip
from printers.status import severe

log = structlog.get_logger()


class Press:
    """Prints one claimed delivery on one device that nobody else is using."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        channels: Mapping[str, Channel],
        composer: Composer,
        health: Health,
        clock: Clock,
    ) -> None:
        self._store = store
        self._directory = directory
        self._channels = channels
        self._composer = composer
        self._health = health
        self._clock = clock
        # Devices whose last job ended uncertain; at a start, any of them may hold half a slip.
        self._doubts = set(channels)

    async def attempt(self, row: Delivery, device: str) -> tuple[Delivery, Attempt, Move]:
        """Try once; what the attempt was, and the move it calls for (not yet written down)."""
        begun: list[Attempt] = []

        async def begin() -> Slip:
            at = self._clock.now()
            begun.append(await self._store.begin(row, device=device, at=at, paper=True))
            return await self._composer.slip(row, begun[0])

        job = Job(
            begin=begin,
            until=row.deadline,
            trouble=partial(self._stopped, device),
            name=f"WL-{row.id}",
            doubt=device in self._doubts,
        )
        outcome, detail, reasons = await self._deliver(device, job, row)
        self._learn(device, outcome, reasons)
        now = self._clock.now()
        if not begun:  # it never answered: no paper, so no number
            begun.append(await self._store.begin(row, device=device, at=now, paper=False))
        ended = replace(begun[0], ended_at=now, outcome=outcome, detail=detail)
        row = replace(row, slip=ended.slip or row.slip)
        devices = len(self._directory.devices(row))
        reason = " ".join(reasons) or detail
        move = policy.after_attempt(row, outcome, detail=reason, now=now, devices=devices)
        return row, ended, move

    async def summarise(self, row: Delivery) -> Accepted | None:
        """What waited too long is not printed as if it were new: one slip says what waited.

        `row` is given back first; None when there is nothing stale after all.
        """
        now = self._clock.now()
        await self._store.settle(row, replace(row, state=State.OPEN), at=now, note="expired")
        stale = await self._store.expired(row.to, now=now)
        if not stale:
            return None
        return await self._store.accept(self._composer.summary(row.to, stale, now=now))

    async def _deliver(
        self, device: str, job: Job, row: Delivery
    ) -> tuple[Outcome, str, tuple[str, ...]]:
        try:
            receipt = await self._channels[device].deliver(job)
        except TemporaryFailure as failure:
            return Outcome.TEMPORARY, failure.detail, failure.reasons
        except PermanentFailure as failure:
            return Outcome.PERMANENT, failure.detail, failure.reasons
        except Uncertain as failure:
            return Outcome.UNCERTAIN, failure.detail, failure.reasons
        except CancelledError:
            raise
        except Exception:
            # Channels fail in their own three ways; anything else came out of `begin`, before a byte.
            log.exception("bug", what="deliver", delivery=row.id)
            return Outcome.PERMANENT, "internal error", ()
        return Outcome.DELIVERED, receipt.proof, ()

    def _stopped(self, device: str, reasons: tuple[str, ...]) -> None:
        """A device stopped in the middle of a job, or went on: told at once, not when the job ends."""
        state = TROUBLE if severe(reasons) else OK
        self._health.report(device, state=state, reasons=reasons, now=self._clock.now())

    def _learn(self, device: str, outcome: Outcome, reasons: tuple[str, ...]) -> None:
        """An attempt is also the freshest word on its device."""
        if outcome is Outcome.UNCERTAIN:
            self._doubts.add(device)
        elif outcome is Outcome.DELIVERED:
            self._doubts.discard(device)
        if outcome is Outcome.PERMANENT:
            return
        state = OK
        if outcome is not Outcome.DELIVERED:
            state = UNREACHABLE if not reasons or "timed-out" in reasons else TROUBLE
        self._health.report(device, state=state, reasons=reasons, now=self._clock.now())
