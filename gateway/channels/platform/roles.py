"""What the link tells others: what it saw of the platform, and answers that came late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.hl7 import Ack


class Evidence(Protocol):
    """Who judges from what the link sees whether the platform is up."""

    @property
    def trial_limit(self) -> float | None:
        """None: as many messages as the window holds. Else one at a time, for so many seconds."""
        ...

    def reached(self) -> None: ...
    def unreachable(self, reason: str) -> None: ...
    def lost(self, reason: str, *, owing: str) -> None: ...
    def owed(self) -> None: ...
    def acked(self, *, still: bool) -> None: ...
    def refused(self, control_id: str, *, still: bool) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """An answer that came after its wait had ended."""

    control_id: str
    token: object  # as it was given to `deliver`
    ack: Ack

    @property
    def accepted(self) -> bool:
        """The platform has the message."""
        return self.ack.positive

    @property
    def proof(self) -> str:
        return f"MSA {self.ack.code}"
