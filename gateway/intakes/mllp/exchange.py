"""What one sender says and is answered: each message in its turn, once it is on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from traceback import extract_tb
from typing import Any
from typing import Protocol as Role

import structlog
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.errors import Rejected, StoreBroken, StoreFull
from gateway.hl7 import Batch, Envelope, Fault, FaultKind, Frame, peek, refusal, split
from gateway.inbox import LONG
from gateway.intakes.mllp.answers import Answers, Slot
from gateway.service import Aside

_log = structlog.get_logger()

_FULL = Rejected("no room on disk: send again later", code=207, resend=True)
_INTERNAL = Rejected("internal error: send again", code=207, resend=True)
_EMPTY = Rejected("a batch without a message", code=100, location="BHS")


class Clerk(Role):
    """Who takes messages in and writes answers; raises Rejected, StoreFull or StoreBroken."""

    aside: Aside

    def accept(self, raw: bytes, peer: str) -> Coroutine[Any, Any, object]: ...
    def refuse(self, raw: bytes, why: Rejected, peer: str) -> Coroutine[Any, Any, object]: ...
    def answer(self, to: Envelope, code: str, why: Rejected | None = None) -> bytes: ...
    def broken(self, error: StoreBroken) -> None: ...


class Exchange:
    """Frames in, acknowledgements out. Hands over no more than `at_once` messages, or one more than
    `longest` bytes of them, before they are answered; the rest waits here until its caller stops reading.
    """

    def __init__(
        self,
        clerk: Clerk,
        peer: str,
        *,
        longest: int,
        at_once: int,
        write: Callable[[bytes], None],
        moved: Callable[[], None],
        trouble: Callable[[str], None],
        cut: Callable[[], None],
    ) -> None:
        self.peer = peer
        self.over = False  # the stream is past help: nothing more should be read
        self._clerk = clerk
        self._longest = longest
        self._at_once = at_once
        self._moved = moved
        self._trouble = trouble
        self._cut = cut
        self._answers = Answers(write)
        self._backlog: deque[Frame | Fault | _Remark] = deque()
        self._busy = False
        self._looking = False  # a long frame is being taken apart: what came after it waits

    @property
    def unanswered(self) -> int:
        """Messages handed over and not answered; others wait only while there are some."""
        return len(self._answers) + self._looking

    @property
    def full(self) -> bool:
        """Whether what comes next would have to wait."""
        waiting = self._answers
        return self._looking or len(waiting) >= self._at_once or waiting.size > self._longest

    def take(self, found: list[Frame | Fault]) -> None:
        """What the framer made of the sender's bytes."""
        self._backlog.extend(found)
        self._go_on()

    def _go_on(self) -> None:
        if self._busy:
            return  # an answer came while its message was being handed over
        self._busy = True
        try:
            while self._backlog and not self.full:
                self._hand_over(self._backlog.popleft())
        finally:
            self._busy = False
        self._moved()

    def _hand_over(self, item: Frame | Fault | _Remark) -> None:
        if isinstance(item, Fault):
            self._fault(item)
        elif isinstance(item, _Remark):
            self._refuse(item.data, item.why, to=item.envelope)
        else:
            self._frame(item.data)

    def _frame(self, data: bytes) -> None:
        if len(data) <= LONG:
            self._apart(data, split(data))
            return
        self._looking = True
        Deferred.fromCoroutine(self._look(data)).addErrback(self._lost)

    async def _look(self, data: bytes) -> None:
        batch = await self._clerk.aside(partial(split, data))
        self._looking = False
        self._apart(data, batch)
        self._go_on()

    def _lost(self, failure: Failure) -> None:
        """Nobody knows what was in it, so nothing can be answered: let the sender send it again."""
        _log.error("intake.bug", error=type(failure.value).__name__, where=_where(failure.value))
        self._cut()

    def _apart(self, data: bytes, batch: Batch) -> None:
        if len(batch.messages) == 1 and batch.fault is None:
            self._message(batch.messages[0])
            return
        fault = batch.fault or (None if batch.messages else _EMPTY)
        if fault is not None:
            self._backlog.appendleft(_Remark(data, fault))
        self._backlog.extendleft(Frame(data=raw) for raw in reversed(batch.messages))

    def _message(self, raw: bytes) -> None:
        slot = self._answers.expect(peek(raw), len(raw))
        accepted = Deferred.fromCoroutine(self._clerk.accept(raw, self.peer))
        accepted.addCallbacks(
            self._accepted, self._not_accepted, callbackArgs=(slot,), errbackArgs=(slot,)
        )

    def _fault(self, fault: Fault) -> None:
        if fault.kind is not FaultKind.EMPTY:
            self._trouble(fault.reason)
        if fault.data:
            why = Rejected(fault.reason, code=100, location="MSH")
            self._refuse(fault.data, why, to=peek(fault.data))
        self.over = self.over or fault.close

    def _refuse(self, raw: bytes, why: Rejected, *, to: Envelope) -> None:
        """Answer what is no message, once it is written down that it came."""
        slot = self._answers.expect(to, len(raw))
        kept = Deferred.fromCoroutine(self._clerk.refuse(raw, why, self.peer))
        kept.addCallbacks(
            self._refused, self._not_accepted, callbackArgs=(slot, why), errbackArgs=(slot,)
        )

    # -- answers

    def _accepted(self, _: object, slot: Slot) -> None:
        self._reply(slot, "AA")

    def _refused(self, _: object, slot: Slot, why: Rejected) -> None:
        self._reply(slot, refusal(why), why)

    def _not_accepted(self, failure: Failure, slot: Slot) -> None:
        error = failure.value
        if isinstance(error, Rejected):
            self._reply(slot, refusal(error), error)
        elif isinstance(error, StoreFull):
            self._trouble("no room on disk")
            self._reply(slot, "AE", _FULL)
        elif isinstance(error, StoreBroken):
            self._clerk.broken(error)
            self._cut()
        else:
            _log.error("intake.bug", error=type(error).__name__, where=_where(error))
            self._reply(slot, "AE", _INTERNAL)

    def _reply(self, slot: Slot, code: str, why: Rejected | None = None) -> None:
        """An acknowledgement is never answered, or two gateways would talk for ever."""
        frame = b""
        if not slot.envelope.type.startswith("ACK"):
            frame = self._clerk.answer(slot.envelope, code, why)
        self._answers.settle(slot, frame)
        self._go_on()


class _Remark:
    """What is wrong with a batch as a whole, after the answers to each of its messages."""

    __slots__ = ("data", "envelope", "why")

    def __init__(self, data: bytes, why: Rejected) -> None:
        head = peek(data)
        # MSA-2 stays empty: this answer is about no single message of them.
        fields = (*head.fields[:9], b"", *head.fields[10:])
        self.envelope = replace(head, control_id="", fields=fields)
        self.data = data
        self.why = why


def _where(error: BaseException | None) -> str:
    """The last steps to an unexpected error; its own words may quote a patient and are left out."""
    if error is None:
        return ""
    steps = extract_tb(error.__traceback__)[-3:]
    return " > ".join(f"{step.filename.rpartition('/')[2]}:{step.lineno}" for step in steps)
