"""What Wardline asks of a message bus, whichever it is: three kinds of session, and words for its faults.

A bus is a module with two settings models, `IntakeSettings` and `PlatformSettings`, and three functions
that open a session: `target` (out), `source` (in) and `canary` (is it alive?). Each kind of session has a
connection of its own, so that none waits behind another. See `Driver`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred


class Trouble(Exception):
    """The bus cannot be used; `reason` goes to the alarm and onto paper, without a comma in it.

    `sure`: nothing is gained by waiting: nobody listens there, or it refuses who we are.
    """

    def __init__(self, reason: str, *, sure: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sure = sure


class Unroutable(Exception):
    """The bus is well, and has nobody to give this message to. Says to which address."""


class Declined(Exception):
    """The bus answered that it does not take this message. Says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One message for the bus. The same message sent again has the same `message_id`."""

    body: bytes
    address: str  # AMQP: routing key; NATS: subject
    message_id: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(Enum):
    """What the bus is told of a message that it gave us."""

    TAKEN = auto()  # on disk: forget it
    REFUSED = auto()  # it will never do, which is on disk: to the dead letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One message from the bus, which keeps it until `settle` is called. After the loss of its session
    `settle` does nothing: the bus will give the message again."""

    body: bytes
    settle: Callable[[Verdict], None]
    origin: str = ""  # where on the bus it came from: exchange, subject
    message_id: str = ""  # the name that its publisher gave it
    correlation_id: str = ""


class Holder(Protocol):
    """Who has opened a session, as far as every session needs it."""

    def lost(self, trouble: Trouble) -> None:
        """The session is over and was not closed by us. Called once, never before it was open."""
        ...


class TargetHolder(Holder, Protocol):
    def blocked(self, reason: str) -> None:
        """It takes nothing for now, and says why; "": it takes messages again."""
        ...

    def receipt(self, arrived: Arrived) -> None:
        """A receiver says what became of a message."""
        ...


class SourceHolder(Holder, Protocol):
    def arrived(self, arrived: Arrived) -> None: ...

    def receipt(self, arrived: Arrived) -> None: ...


class CanaryHolder(Holder, Protocol):
    def blocked(self, reason: str) -> None: ...

    def returned(self, word: str) -> None:
        """A canary has made its way through the bus."""
        ...


class Session(Protocol):
    """An open connection with all it needs declared."""

    def close(self) -> Deferred[None]:
        """Say goodbye, for a second at most; then cut. Never fails."""
        ...


class Target(Session, Protocol):
    def objection(self, parcel: Parcel) -> str:
        """Why this bus cannot carry that message, however well it is; "" where it can."""
        ...

    def publish(self, parcel: Parcel) -> Deferred[None]:
        """The bus has it safe, and somebody to give it to. Fails with Unroutable or Declined; with
        anything else only when the session is lost, which its holder is told as well."""
        ...


class Source(Session, Protocol):
    """Gives what arrives to its holder, no more at once than its settings allow."""

    def ping(self) -> Deferred[None]:
        """The bus answered."""
        ...


class Canary(Session, Protocol):
    def ping(self) -> Deferred[None]:
        """The bus answered. Fails with Trouble when something that must be there is not."""
        ...

    def send(self, word: str) -> None:
        """Send a short word on the way of an ordinary message; it comes back to `returned`."""
        ...


class Driver(Protocol):
    """One bus. The functions fail with Trouble, each within its settings' `connect_within`."""

    IntakeSettings: Any
    PlatformSettings: Any

    def target(self, settings: Any, *, base: Path, holder: TargetHolder) -> Deferred[Target]: ...

    def source(self, settings: Any, *, base: Path, holder: SourceHolder) -> Deferred[Source]: ...

    def canary(self, settings: Any, *, base: Path, holder: CanaryHolder) -> Deferred[Canary]: ...


#: Reasons that every bus has. `connection refused` is also what the MLLP platform says.
REFUSED = "connection refused"
SILENT = "no packet comes back"
FROZEN = "accepts connections but does not answer"
STUCK = "connected but delivers nothing"
CREDENTIALS = "credentials refused"


def lasts(blocked: str) -> bool:
    """Whether a bus that takes nothing, for this reason, will go on so: memory may be free again in a
    second, a disk does not empty itself."""
    return "disk" in blocked
