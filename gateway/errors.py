"""The three ways a delivery fails, and the one way a message is refused."""

from __future__ import annotations

from collections.abc import Sequence


class DeliveryFailure(Exception):
    """A channel could not deliver; `reasons` are IPP printer-state-reasons words where a device is meant."""

    def __init__(self, detail: str, *, reasons: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reasons = tuple(reasons)


class TemporaryFailure(DeliveryFailure):
    """Failing now, nothing reached the recipient: free to try again or elsewhere."""


class PermanentFailure(DeliveryFailure):
    """Failing for good on this channel: no use in trying again."""


class Uncertain(DeliveryFailure):
    """Nobody can know whether it arrived: the next try must say POSSIBLE DUPLICATE."""


class Rejected(Exception):
    """An intake refuses a message; says where the fault is so that the sender can mend it.

    `code` is HL7 table 0357 (100 segment sequence, 101 required field missing, 102 data type,
    103 table value, 200 unsupported type, 201 event, 202 processing id, 203 version, 204 unknown key,
    207 internal). `location` is ERL as text: "PID", "PID-3", "MSH-10".
    `resend` tells AE (our trouble: send again) from AR (as it stands it will never do).
    """

    def __init__(
        self, reason: str, *, code: int = 207, location: str = "", resend: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.location = location
        self.resend = resend


class StoreFull(Exception):
    """The disk under the store has no room: refuse, and try again when there is space."""


class StoreBroken(Exception):
    """The store cannot be trusted any more (fsync failed): stop acknowledging and end the process."""


class Unusable(Exception):
    """What a person asked for cannot be had; the message is the one line they are told."""
