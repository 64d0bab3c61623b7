"""How a message stands, from how its deliveries stand."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from gateway.delivery import FINAL, Purpose, State


class Standing(StrEnum):
    """What became of a message as a whole; what `counts` counts."""

    OPEN = "open"  # somebody still waits for it
    DELIVERED = "delivered"  # it reached its ward, or the platform had it
    SUPERSEDED = "superseded"  # a newer slip, or a summary, stands for it
    REFUSED = "refused"  # its sender was refused, or nobody could ever take it; a person was told
    RECORDED = "recorded"  # only remembered: it calls for no delivery


Row = tuple[Purpose, State]

_ARRIVED = frozenset({State.DELIVERED, State.WITHDRAWN})


def standing(deliveries: Collection[Row], *, refused: bool) -> Standing:
    """A refused message stays refused whatever becomes of its notice; hand-backs and copies keep none open.

    While anything else is under way the message is open. Then its own deliveries decide; a notice
    decides only where there is nothing else (that the lab was told is no delivery of the message).
    """
    if refused:
        return Standing.REFUSED
    wanted = [row for row in deliveries if row[0] not in (Purpose.HANDBACK, Purpose.COPY)]
    if not wanted:
        return Standing.RECORDED
    if any(state not in FINAL for _, state in wanted):
        return Standing.OPEN
    own = [state for purpose, state in wanted if purpose is not Purpose.NOTICE]
    return _judged(own or [state for _, state in wanted])


def _judged(states: Collection[State]) -> Standing:
    if any(state in _ARRIVED for state in states):
        return Standing.DELIVERED
    return Standing.SUPERSEDED if State.SUPERSEDED in states else Standing.REFUSED
