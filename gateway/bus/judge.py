"""Who judges from what link and canary see whether the bus is up; `gateway.platform.watch` fills the role."""

from __future__ import annotations

from typing import Protocol


class Judge(Protocol):
    """What is good and bad evidence, and how much may be tried."""

    @property
    def trial_limit(self) -> float | None:
        """None: as many messages as the window holds. Else one at a time, for so many seconds."""
        ...

    def reached(self) -> None:
        """It accepted a session, or answered."""
        ...

    def proved(self) -> None:
        """A canary came back."""
        ...

    def unreachable(self, reason: str) -> None: ...

    def gone(self, reason: str) -> None:
        """As `unreachable`, and there is no doubt about it."""
        ...

    def lost(self, reason: str, *, owing: str) -> None:
        """The session with the messages broke while the message `owing` was unconfirmed; "": idle."""
        ...

    def owed(self) -> None:
        """A message was sent while nothing was unconfirmed."""
        ...

    def acked(self, *, still: bool) -> None:
        """It confirmed a message; `still`: others are unconfirmed."""
        ...

    def refused(self, control_id: str, *, still: bool, why: str) -> None: ...
