"""How long a sender may keep a connection: ten minutes between messages, half a minute within one."""

from __future__ import annotations


class Patience:
    """The moments that matter of one connection. Moments and lengths are seconds."""

    __slots__ = ("_frame_since", "_heard_at", "_idle", "_speaks", "_strange_since", "_within")

    def __init__(self, *, within: float, idle: float, now: float) -> None:
        self._within = within
        self._idle = idle
        self._heard_at = now
        self._frame_since: float | None = None  # when the unfinished frame began
        self._strange_since: float | None = None  # no message yet, but other bytes: HTTP, SMTP…
        self._speaks = False

    def heard(self, now: float) -> None:
        """Bytes came."""
        self._heard_at = now

    def inside(self, now: float) -> None:
        """They left a frame unfinished."""
        if self._frame_since is None:
            self._frame_since = now

    def outside(self) -> None:
        """No frame is unfinished, or another one than before."""
        self._frame_since = None

    def whole(self) -> None:
        """They ended a message: whoever sent it does speak MLLP."""
        self._speaks, self._strange_since = True, None

    def strange(self, now: float) -> None:
        """They were no message."""
        if not self._speaks and self._strange_since is None:
            self._strange_since = now

    def pardon(self, now: float) -> None:
        """The delay was ours: nothing was read."""
        self._heard_at = now
        if self._frame_since is not None:
            self._frame_since = now

    @property
    def until(self) -> float:
        """When it ends."""
        begun = [t for t in (self._frame_since, self._strange_since) if t is not None]
        return min(begun) + self._within if begun else self._heard_at + self._idle

    @property
    def reason(self) -> str:
        """Why it ended."""
        if self._frame_since is None and self._strange_since is None:
            return f"silent for {self._idle:g} s"
        return f"no whole message within {self._within:g} s"
