"""The proof that a message arrived, in time or late: the bus's word, or its receiver's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from twisted.internet.defer import Deferred, maybeDeferred

from gateway.bus.body import Receipt, read_receipt
from gateway.bus.flights import Flight, Receivers
from gateway.bus.letter import control_id_of
from gateway.bus.role import Arrived, Verdict
from gateway.errors import Rejected
from gateway.hl7 import Ack
from gateway.service import spawn

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A word on a message that came after its wait had ended."""

    control_id: str
    token: object  # as it was given to `deliver`; None when nobody here remembers the message
    ack: Ack

    @property
    def accepted(self) -> bool:
        return self.ack.positive

    @property
    def proof(self) -> str:
        return self.ack.text


class Receipts:
    """Matches words to messages. `on_late` may return a Deferred: the bus forgets a receipt then."""

    def __init__(self, on_late: Callable[[Late], object]) -> None:
        self._on_late = on_late
        self.awaited = Receivers()

    def arrived(self, flight: Flight, proof: str, *, code: str = "AA") -> Deferred[object] | None:
        """Its proof is here."""
        if flight.awaited:
            flight.answer.callback(proof)
            return None
        return self._late(proof, code=code, control_id=flight.control_id, token=flight.token)

    def heard(self, arrived: Arrived) -> None:
        """A receiver's word on a message."""
        spawn(self._hear(arrived), "receipt")

    async def _hear(self, arrived: Arrived) -> None:
        try:
            word = read_receipt(arrived.body)
        except Rejected as rejected:
            _log.warning("platform.not_a_receipt", why=rejected.reason)
            arrived.settle(Verdict.REFUSED)
            return
        ours = arrived.correlation_id.startswith("wardline:")
        name = arrived.correlation_id if ours else word.control_id
        tries = self.awaited.find(name)
        if word.positive:
            await self._received(tries, word, control_id=control_id_of(name))
        elif tries:
            self.awaited.remove(tries[0])
            said = f"{_said(word)}: {word.text[:200]}".rstrip(": ")
            tries[0].refuse(said, for_good=word.code == "AR")
        arrived.settle(Verdict.TAKEN)

    async def _received(self, tries: list[Flight], word: Receipt, *, control_id: str) -> None:
        """Every try of the message has arrived with this one."""
        if not tries:
            await self._late(_said(word), code=word.code, control_id=control_id, token=None)
        for flight in tries:
            self.awaited.remove(flight)
            late = self.arrived(flight, _said(word), code=word.code)
            if late is not None:
                await late

    def _late(self, proof: str, *, code: str, control_id: str, token: object) -> Deferred[object]:
        ack = Ack(code=code, control_id=control_id, text=proof)
        return maybeDeferred(self._on_late, Late(control_id=control_id, token=token, ack=ack))


def _said(word: Receipt) -> str:
    return f"receipt {word.code} {word.by}".rstrip()
