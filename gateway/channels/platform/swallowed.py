"""Messages that the platform takes and never answers, though it answers others."""

from __future__ import annotations

#: How many control ids are remembered; the oldest is forgotten first.
REMEMBERED = 1000
#: Unanswered as often as this, each time with others accepted in between: it is the message.
TWICE = 2


class Swallowed:
    """Tells a message that a living platform drops from a platform that has stopped.

    While the platform is on trial one message at a time is sent, so a dropped one looks like silence.
    Without this, one such message that is handed back again and again would keep it down for ever.
    """

    def __init__(self) -> None:
        self._accepted = 0  # messages so far
        self._unanswered: dict[str, tuple[int, int]] = {}  # times, and `_accepted` at the last one

    def __contains__(self, control_id: str) -> bool:
        return self._unanswered.get(control_id, (0, 0))[0] >= TWICE

    def unanswered(self, control_id: str) -> None:
        """The wait for its answer ended without one."""
        times, accepted = self._unanswered.pop(control_id, (0, -1))
        times += accepted < self._accepted
        self._unanswered[control_id] = (times, self._accepted)
        if len(self._unanswered) > REMEMBERED:
            del self._unanswered[next(iter(self._unanswered))]

    def accepted(self, control_id: str) -> None:
        """The platform accepted it."""
        self._unanswered.pop(control_id, None)
        self._accepted += 1
