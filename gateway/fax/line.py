"""One call of the fax: a file for Asterisk, a number rung, and what the two machines made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.asterisk.role import Ending, Lost, Phone, Placed
from gateway.clock import Clock
from gateway.errors import DeliveryFailure, PermanentFailure, TemporaryFailure, Uncertain
from gateway.fax import tiff, words
from gateway.fax.spool import Spool
from gateway.fax.underway import FaxCall, UnderWay
from gateway.fax.verdict import Cause, Verdict, judge, unanswered

CONTEXT = "fax-send"


class Sender(Protocol):
    """Whoever can bring a file of pages to a number."""

    @property
    def up(self) -> bool:
        """Whether a call can be placed at all."""
        ...

    def busy(self, number: str) -> bool:
        """Whether a call of ours to this number is under way, or may be."""
        ...

    async def send(
        self,
        number: str,
        file: bytes,
        *,
        pages: int,
        expected: str | None,
        ecm: bool = True,
        completes: str = "",
    ) -> Verdict:
        """Ring `number` once and send. `completes`: the job that has wholly arrived once these pages have.

        Raises TemporaryFailure and PermanentFailure while nobody was rung, Uncertain when nobody can know
        what became of the call, StillCalling while it may go on.
        """
        ...

    async def resume(self, call: FaxCall) -> Verdict:
        """How a call ends that was placed earlier, perhaps by an earlier process. Raises Uncertain."""
        ...


class StillCalling(Uncertain):
    """Asterisk was lost in the middle of `call`, which may go on without us."""

    def __init__(self, call: FaxCall) -> None:
        super().__init__("the link to Asterisk was lost during the call")
        self.call = call


class Line:
    """Fills the role `Sender` with the site's telephone, for one device."""

    def __init__(
        self,
        phone: Phone,
        spool: Spool,
        *,
        device: str,
        up: Callable[[], bool],
        calls: UnderWay,
        clock: Clock,
        ring: float = 60.0,
    ) -> None:
        self._phone = phone
        self._spool = spool
        self._device = device
        self._up = up
        self._calls = calls
        self._clock = clock
        self._ring = ring

    @property
    def up(self) -> bool:
        return self._up()

    def busy(self, number: str) -> bool:
        return self._calls.busy(number)

    async def send(
        self,
        number: str,
        file: bytes,
        *,
        pages: int,
        expected: str | None,
        ecm: bool = True,
        completes: str = "",
    ) -> Verdict:
        _check(file, pages)
        if self.busy(number):
            raise TemporaryFailure("a call to it is under way", reasons=(Cause.BUSY,))
        try:
            token = self._spool.put(file)
        except OSError as error:
            raise TemporaryFailure(f"no file for Asterisk: {error.strerror}") from error
        call = FaxCall(
            token=token,
            device=self._device,
            number=number,
            pages=pages,
            expected=expected,
            completes=completes,
            at=self._clock.now(),
        )
        await self._calls.begin(call)
        variables = {} if ecm else {"ECM": "no"}
        try:
            placed = await self._phone.call(
                number, token, timeout=self._ring, context=CONTEXT, variables=variables
            )
        except DeliveryFailure:
            await self._end(call)  # nobody was rung
            raise
        # Cancelled from here on, Wardline stops: the call goes on, and who starts next waits for its end.
        return await self._verdict(call, placed)

    async def resume(self, call: FaxCall) -> Verdict:
        within = self._calls.left(call)
        placed = self._phone.adopt(call.token, context=CONTEXT, within=within)
        return await self._verdict(call, placed)

    async def _verdict(self, call: FaxCall, placed: Placed) -> Verdict:
        ending: Ending | None = None
        told: Mapping[str, str] = {}
        try:
            outcome = await placed.outcome()
            ending, told = outcome.ending, outcome.told
        except Lost as lost:
            if self._calls.left(call):
                raise StillCalling(call) from lost
        except Uncertain:
            pass  # it is over, and was not heard to end
        sent = words.sent(told) or words.sent(self._spool.told(call.token))
        await self._end(call)
        if sent is not None and sent.token == call.token:
            return judge(sent, pages=call.pages, expected=call.expected)
        if ending is not None and not ending.answered:
            return unanswered(ending)
        raise Uncertain("no word of how the call ended")

    async def _end(self, call: FaxCall) -> None:
        await self._calls.end(call)
        self._spool.remove(call.token)


def _check(file: bytes, pages: int) -> None:
    try:
        found = tiff.pages(file)
    except tiff.Unfit as unfit:
        raise PermanentFailure(f"cannot be faxed: {unfit}") from unfit
    if found != pages:
        raise PermanentFailure(f"cannot be faxed: {found} pages instead of {pages}")
