"""Places calls through Asterisk: fills the role `gateway.asterisk.role.Phone`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.asterisk.ami.session import NoAnswer, NotSent, Refused
from gateway.asterisk.ami.words import Event, Response, Unsayable
from gateway.asterisk.call.evidence import far
from gateway.asterisk.call.placed import PlacedCall
from gateway.asterisk.dialable import dialable
from gateway.asterisk.fastagi.server import Leg
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.service import spawn

#: How the dialplan reaches the far end of what happens in a context.
DIAL = {"wardline-out": "wardline-dial", "fax-send": "fax-dial"}
FAX = "fax-send"
#: Seconds that Asterisk gets to have its own say before our patience with it ends.
SPARE = 5.0
#: A call whose link was lost and did not come back for so long, seconds, is not known about.
LOST = 60.0
HOUR = 3600.0

# A channel that one of our calls began with: see `call`.
_OURS = re.compile(rf"Local/[0-9]+@{DIAL['wardline-out']}-")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")

_log = structlog.get_logger()


class Asker(Protocol):
    """The link, as far as a phone needs it."""

    async def ask(
        self,
        name: str,
        headers: Mapping[str, str] | None = None,
        *,
        variables: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Response: ...

    async def collect(
        self, name: str, headers: Mapping[str, str] | None = None, *, timeout: float = 5.0
    ) -> list[Event]: ...


class Tokens(Protocol):
    """The FastAGI server, as far as a phone needs it."""

    def expect(self, token: str) -> None: ...
    def forget(self, token: str) -> Leg: ...
    def leg(self, token: str) -> Leg: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What the site allows: patterns of numbers, calls at once, calls an hour to one number.

    Faxes have lines of their own: no call to a doctor waits for a page, and a machine does not mind to be
    rung each minute.
    """

    allow: Sequence[str]
    concurrent: int
    per_hour: int
    faxes: int = 4  # at once


class AsteriskPhone:
    """`numbers` gives the directory's numbers for a context, asked anew for each call."""

    def __init__(
        self,
        link: Asker,
        tokens: Tokens,
        *,
        numbers: Callable[[str], Collection[str]],
        caps: Caps,
        reactor: IReactorTime,
    ) -> None:
        self._link = link
        self._tokens = tokens
        self._numbers = numbers
        self._caps = caps
        self._reactor = reactor
        self._calls: dict[str, PlacedCall] = {}
        self._faxes: set[str] = set()  # those of them that are faxes
        self._dialled: dict[str, deque[float]] = {}
        self._giving_up: IDelayedCall | None = None
        self._patience: dict[str, IDelayedCall] = {}  # until when those that were adopted may last
        self._stopped = False
        self._tidied = False

    @property
    def calls(self) -> int:
        """Calls under way, those about which nothing is known now among them."""
        return len(self._calls)

    async def call(
        self,
        number: str,
        token: str,
        *,
        timeout: float = 30.0,
        context: str = "wardline-out",
        variables: Mapping[str, str] | None = None,
    ) -> PlacedCall:
        await self._tidy()
        self._allow(number, token, context)
        call = self._made(token, context)
        channel = call.channel
        ring = max(1, round(timeout))
        headers = {
            # Through the dialplan, which has the directory's numbers one by one and no pattern.
            "Channel": f"Local/{number}@{DIAL[context]}/n",
            "ActionID": channel,  # the one thing left to know it by when no channel could be made
            "ChannelId": channel,
            "OtherChannelId": f"{channel}-2",
            "Context": context,
            "Exten": "s",
            "Priority": "1",
            "Timeout": str(int((ring + SPARE) * 1000)),
            "Async": "true",
        }
        known = {"TOKEN": token, "DIALLED": number, "RING": str(ring), **(variables or {})}
        try:
            await self._link.ask("Originate", headers, variables=known)
        except (NotSent, Refused, Unsayable) as error:
            self._over(call, token)
            if isinstance(error, NotSent):
                raise TemporaryFailure(str(error), reasons=("unreachable",)) from error
            raise PermanentFailure(f"Asterisk will not dial: {error}") from error
        except NoAnswer:
            # It may ring already. It is never dialled again: its channel's id will tell.
            call.doubt()
            spawn(self._look(), "look for calls")
        except BaseException:
            # Whoever asked has been stopped; the call may go on, and ends with its program.
            self._tokens.forget(token)
            raise
        if context != FAX:
            self._count(number)
        return call

    def adopt(self, token: str, *, context: str, within: float) -> PlacedCall:
        call = self._made(token, context, patient=True)
        call.doubt()
        if self._stopped:
            call.give_up()
            return call
        self._patience[call.channel] = self._reactor.callLater(within, call.give_up)
        spawn(self._look(), "look for calls")
        return call

    def _made(self, token: str, context: str, *, patient: bool = False) -> PlacedCall:
        call = PlacedCall(
            # Known from the token, so that it can be looked for after a restart.
            f"wl-{token}",
            reactor=self._reactor,
            leg=lambda: self._tokens.leg(token),
            hang=lambda channel: spawn(self._hang_up(channel), "hang up"),
            on_over=lambda call: self._over(call, token),
            patient=patient,
        )
        self._calls[call.channel] = call
        if context == FAX:
            self._faxes.add(call.channel)
        self._tokens.expect(token)
        return call

    async def _tidy(self) -> None:
        """Before the first call: what a Wardline that died left ringing is ended, or somebody would be rung
        twice at once. Who has answered hears what to do (the dialplan says it), and is left alone."""
        if self._tidied:
            return
        try:
            channels = await self._link.collect("Status")
        except (NotSent, NoAnswer, Refused):
            return  # asked again before the next call
        self._tidied = True
        far_up = {
            c["Linkedid"] for c in channels if far(c["Channel"]) and c["ChannelStateDesc"] == "Up"
        }
        for channel in channels:
            ours = _OURS.match(channel["Channel"]) and channel["Uniqueid"] == channel["Linkedid"]
            if ours and not {channel["Linkedid"]} & {*far_up, *self._calls}:
                _log.info("call.orphan", channel=channel["Uniqueid"])
                await self._hang_up(channel["Uniqueid"])

    # --- what the link tells

    def event(self, event: Event) -> None:
        key = event["Linkedid"] or event["DestLinkedid"] or event["ActionID"]
        call = self._calls.get(key)
        if call is not None:
            call.hear(event)

    def up(self) -> None:
        if self._giving_up is not None and self._giving_up.active():
            self._giving_up.cancel()
        if self._calls:
            spawn(self._look(), "look for calls")

    def down(self, why: str) -> None:
        for call in tuple(self._calls.values()):
            call.doubt()
        if self._calls and (self._giving_up is None or not self._giving_up.active()):
            self._giving_up = self._reactor.callLater(LOST, self._give_up)

    def stop(self) -> None:
        """Wardline stops: whoever waits for a call hears that nothing more is known of it."""
        self._stopped = True
        for call in tuple(self._calls.values()):
            call.doubt()
        self._give_up(all_of_them=True)

    def _give_up(self, *, all_of_them: bool = False) -> None:
        """Nobody will learn any more what became of the calls under way."""
        if self._giving_up is not None and self._giving_up.active():
            self._giving_up.cancel()
        for call in tuple(self._calls.values()):
            if call.state == "doubtful" and (all_of_them or not call.patient):
                call.give_up()

    async def _look(self) -> None:
        """Ask Asterisk which channels there are, and tell each call in doubt of its own."""
        try:
            channels = await self._link.collect("Status")
        except NotSent:
            return  # the link fell again: `down` has its own clock
        except (NoAnswer, Refused) as error:
            _log.error("calls.lost", reason=str(error))
            self._give_up()
            return
        for call in tuple(self._calls.values()):
            if call.state == "doubtful":
                call.found([c for c in channels if c["Linkedid"] == call.channel])

    async def _hang_up(self, channel: str) -> None:
        try:
            await self._link.ask("Hangup", {"Channel": channel})
        except (NotSent, NoAnswer, Refused) as error:
            _log.warning("call.hang_up", channel=channel, reason=str(error))

    def _over(self, call: PlacedCall, token: str) -> None:
        self._calls.pop(call.channel, None)
        self._faxes.discard(call.channel)
        patience = self._patience.pop(call.channel, None)
        if patience is not None and patience.active():
            patience.cancel()
        if call.state == "over" and call.evidence.unlisted:
            _log.error("alarm", alarm="the dialplan does not have a number of the directory")
        self._tokens.forget(token)

    # --- what may be dialled

    def _allow(self, number: str, token: str, context: str) -> None:
        if context not in DIAL or not _TOKEN.fullmatch(token):
            raise PermanentFailure("no such way of calling")
        if number not in self._numbers(context) or not dialable(number, self._caps.allow):
            _log.error("alarm", alarm="number not allowed", context=context)
            raise PermanentFailure("this number may not be dialled")
        fax = context == FAX
        under_way = len(self._faxes) if fax else len(self._calls) - len(self._faxes)
        if under_way >= (self._caps.faxes if fax else self._caps.concurrent):
            raise TemporaryFailure("as many calls as the site allows", reasons=("busy",))
        if fax:
            return
        now = self._reactor.seconds()
        times = self._dialled.setdefault(number, deque())
        while times and times[0] <= now - HOUR:
            times.popleft()
        if len(times) >= self._caps.per_hour:
            raise TemporaryFailure("called as often as the site allows", reasons=("busy",))

    def _count(self, number: str) -> None:
        self._dialled.setdefault(number, deque()).append(self._reactor.seconds())
