"""What Asterisk's events say of one call, and what that comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

from gateway.asterisk.ami.words import Event
from gateway.asterisk.role import Ending, Outcome

# SIP codes of a refusal that says "not now, not here" rather than "no" (RFC 3261 section 21).
_AWAY = frozenset({408, 410, 430, 480})
_BUSY = frozenset({486, 600})
_OURS = 487  # the answer to our own CANCEL
_NO_ROUTE = frozenset(
    {3, 18, 20, 27}
)  # Q.850: no route, no answer from the equipment, absent, out of order
_NO_WAY = frozenset({34, 38, 41, 42, 44, 58})  # no circuit, network, congestion


@dataclass(slots=True)
class Evidence:
    """Filled by `hear`. The channel that was asked for is a Local one (it goes through the dialplan, which
    knows the directory); the far telephone's, `PJSIP/…`, carries the same linked id.
    """

    channel: str
    live: set[str] = field(default_factory=set)  # unique ids of its channels that exist
    seen: bool = False  # any channel at all
    rang: bool = False
    answered: bool = False
    failed: bool = False  # Asterisk's last word on our asking
    sip: int = 0
    cause: int = 0
    far: bool = False  # the far telephone was tried
    told: dict[str, str] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        match event.name:
            case "Newchannel":
                self.live.add(event["Uniqueid"])
                self.seen = True
                self.far = self.far or far(event["Channel"])
            case "Newstate" if far(event["Channel"]):
                self.look(event["ChannelStateDesc"])
            case "DialState" if event["DialStatus"] == "RINGING":
                self.rang = True
            case "DialEnd" if event["DialStatus"] == "ANSWER":
                self.answered = True
            case "OriginateResponse":
                self.failed = event["Response"] == "Failure"
                self.answered = self.answered or not self.failed
            case "Hangup":
                self._hang_up(event)
            case "UserEvent":
                self.told = {k: unquote(v) for k, v in event.fields.items() if k not in _ENVELOPE}

    def look(self, state: str) -> None:
        """The far channel's state, by its name."""
        self.rang = self.rang or state in ("Ringing", "Up")
        self.answered = self.answered or state == "Up"

    @property
    def over(self) -> bool:
        """Nothing of it is left: its channels are gone, or there never were any."""
        return not self.live and (self.seen or self.failed)

    @property
    def unlisted(self) -> bool:
        """The dialplan let it end at once: it does not have this number."""
        return not self.far and not self.answered and self.cause == 0

    def _hang_up(self, event: Event) -> None:
        self.live.discard(event["Uniqueid"])
        if far(event["Channel"]):
            self.sip = int(event["TechCause"]) if event["TechCause"].isdigit() else 0
        if far(event["Channel"]) or not self.far:
            self.cause = int(event["Cause"]) if event["Cause"].isdigit() else 0

    def outcome(self, *, done: bool, seconds: float) -> Outcome:
        """What it came to; `done`: the program that talked says that it ran to its end."""
        return Outcome(
            ending=self._ending(done=done),
            rang=self.rang,
            sip=self.sip,
            cause=self.cause,
            seconds=seconds,
            told=self.told,
        )

    def _ending(self, *, done: bool) -> Ending:
        if self.answered:
            return Ending.DONE if done else Ending.EARLY
        if self.sip in _BUSY or self.cause == 17:
            return Ending.BUSY
        if self.sip in _AWAY or self.cause in _NO_ROUTE:
            return Ending.UNREACHABLE
        if (self.sip >= 500 and self.sip < 600) or self.cause in _NO_WAY:
            return Ending.CONGESTION
        if self.sip >= 400 and self.sip != _OURS:
            return Ending.REJECTED
        if self.unlisted:
            return Ending.REJECTED
        return Ending.NO_ANSWER if self.rang else Ending.UNREACHABLE


_ENVELOPE = frozenset({"Privilege", "Timestamp", "UserEvent"})


def far(channel: str) -> bool:
    """Whether a channel is the far telephone's, and not one of the two we dial through."""
    return bool(channel) and not channel.startswith("Local/")
