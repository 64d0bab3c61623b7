"""How a printer is, and what a unit can prove: for health polls, preflight and commissioning."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from gateway.channels.escpos_link.mark import USUAL, Limits
from gateway.channels.escpos_link.wire import Inquiry, LinkLost, Said, Wire
from gateway.errors import TemporaryFailure
from gateway.line import dial
from printers import command
from printers.model import Fence
from printers.status import AutoStatus, Event, PaperStatus, ProcessId, Status

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What a printer answered when it was tried out."""

    status: Status
    process_id: bool  # GS ( H fn 48
    paper_status: bool  # GS r
    auto_status: bool  # GS a

    @property
    def fence(self) -> Fence:
        """The best proof it gives."""
        if self.process_id:
            return Fence.PROCESS_ID
        return Fence.GS_R if self.paper_status else Fence.NONE

    @property
    def proof(self) -> str:
        """The same in a word for `wardline check`."""
        return self.fence.value


async def probe(
    endpoint: IStreamClientEndpoint,
    *,
    clock: IReactorTime,
    limits: Limits = USUAL,
) -> Status:
    """How the printer is. `TemporaryFailure` when it cannot be reached or does not answer."""
    wire = await dial(endpoint, Wire, clock=clock, within=limits.connect)
    try:
        return await _status(wire, clock, limits)
    finally:
        await wire.close(limits.close)


async def commission(
    endpoint: IStreamClientEndpoint,
    *,
    clock: IReactorTime,
    line: bytes,
    token: str,
    limits: Limits = USUAL,
) -> Commission:
    """Print `line` and see which proofs this very unit gives: model names lie.

    Raises `TemporaryFailure` when it is not ready to print.
    """
    wire = await dial(endpoint, Wire, clock=clock, within=limits.connect)
    try:
        status = await ready(wire, clock, limits)
        # The cut comes last: a printer without GS ( H may print its arguments, and on this slip.
        questions = command.fence(token) + command.gs_r() + command.cut() + b"\x1da\x0e"
        wire.send(b"\x1b@" + line + b"\n" + questions)
        heard = await hear(wire, clock.seconds() + limits.settle)
    finally:
        await wire.close(limits.close)
    return Commission(
        status=status,
        process_id=ProcessId(token) in heard,
        paper_status=any(isinstance(event, PaperStatus) for event in heard),
        auto_status=any(isinstance(event, AutoStatus) for event in heard),
    )


async def _status(wire: Wire, clock: IReactorTime, limits: Limits) -> Status:
    """The answers to DLE EOT 1 to 4; `TemporaryFailure` when one does not come in time."""
    inquiry = Inquiry(wire)
    until = clock.seconds() + limits.answer
    try:
        while (event := await wire.next(until)) is not None:
            if isinstance(event, Said):
                status = inquiry.take(event)
                if status is not None:
                    return status
                until = clock.seconds() + limits.answer
    except LinkLost as lost:
        raise TemporaryFailure("hung up when asked", reasons=("timed-out",)) from lost
    raise TemporaryFailure("does not answer", reasons=("timed-out",))


async def ready(wire: Wire, clock: IReactorTime, limits: Limits) -> Status:
    status = await _status(wire, clock, limits)
    if not status.ready:
        raise TemporaryFailure("not ready to print", reasons=status.reasons)
    return status


async def hear(wire: Wire, until: float, *, stop: type[Event] | None = None) -> list[Event | Said]:
    """All it says until then, or until a `stop`."""
    said: list[Event | Said] = []
    try:
        while (event := await wire.next(until)) is not None:
            said.append(event)
            if stop is not None and isinstance(event, stop):
                break
    except LinkLost:
        _log.info("escpos.hung_up")
    return said
