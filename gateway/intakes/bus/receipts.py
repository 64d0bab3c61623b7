"""Receivers' receipts: each closes the copy it is for, whichever of the two comes first."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.bus.body import Receipt, read_receipt
from gateway.bus.letter import control_id_of
from gateway.bus.role import Arrived, Verdict
from gateway.errors import Rejected

_log = structlog.get_logger()


class Inbox(Protocol):
    """The front door, as receipts need it."""

    def confirm(
        self, control_id: str, *, sender: str | None, proof: str
    ) -> Coroutine[Any, Any, bool]:
        """A receiver has the message. Whether anything waited for that word."""
        ...


class Receipts:
    """A receiver may be faster than we are: its word waits for its message, for `patience` seconds."""

    def __init__(
        self, inbox: Inbox, *, intake: str, patience: float, reactor: IReactorTime
    ) -> None:
        self._inbox = inbox
        self._intake = intake
        self._patience = patience
        self._reactor = reactor
        self._early: dict[str, list[_Early]] = {}

    async def hear(self, arrived: Arrived) -> None:
        """What came where only receipts come."""
        try:
            word = read_receipt(arrived.body)
        except Rejected as rejected:
            _log.warning("intake.not_a_receipt", intake=self._intake, why=rejected.reason)
            arrived.settle(Verdict.REFUSED)
        else:
            await self.received(word, arrived)

    async def received(self, word: Receipt, arrived: Arrived) -> None:
        """One receipt; the bus keeps it until it has closed its copy or come for nothing."""
        name = arrived.correlation_id
        control_id = control_id_of(name) if name.startswith("wardline:") else word.control_id
        early = _Early(word=word, arrived=arrived, control_id=control_id)
        if not word.positive:
            _log.warning("intake.not_received", control_id=control_id, code=word.code)
        elif not await self._confirm(early):
            self._wait(early)
            return
        arrived.settle(Verdict.TAKEN)

    async def known(self, control_id: str) -> None:
        """This message is on disk now: what was said of it before counts."""
        for early in tuple(self._early.get(control_id, ())):
            self._drop(early)
            early.stop()
            await self._confirm(early)
            early.arrived.settle(Verdict.TAKEN)

    def forget(self) -> None:
        """The bus is gone, and will give them again."""
        for waiting in self._early.values():
            for early in waiting:
                early.stop()
        self._early.clear()

    async def _confirm(self, early: _Early) -> bool:
        word = early.word
        proof = f"receipt {word.code} {word.by}".rstrip()
        return await self._inbox.confirm(early.control_id, sender=word.sender, proof=proof)

    def _wait(self, early: _Early) -> None:
        self._early.setdefault(early.control_id, []).append(early)
        early.timer = self._reactor.callLater(self._patience, self._waited, early)

    def _waited(self, early: _Early) -> None:
        """It was for a message that needs no word any more, or that we never had."""
        self._drop(early)
        early.arrived.settle(Verdict.TAKEN)

    def _drop(self, early: _Early) -> None:
        waiting = self._early[early.control_id]
        waiting.remove(early)
        if not waiting:
            del self._early[early.control_id]


@dataclass(slots=True, eq=False, kw_only=True)
class _Early:
    """A receipt, perhaps before what it is for."""

    word: Receipt
    arrived: Arrived
    control_id: str
    timer: IDelayedCall | None = None

    def stop(self) -> None:
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
