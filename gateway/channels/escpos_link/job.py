"""One ticket: the question whether the printer is ready, one write, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from gateway.channels.escpos_link.inspect import hear, ready
from gateway.channels.escpos_link.mark import USUAL, Limits, Printing, Proof, Reasons
from gateway.channels.escpos_link.wire import Wire
from gateway.errors import TemporaryFailure
from gateway.line import dial
from printers import command
from printers.command import Command
from printers.model import Fence
from printers.status import Cleared

INITIALISE = Command(b"\x1b@")  # ESC @, without the status reports of `command.prelude`
# Ends a command that broke off in its header. Sent before the questions: a printer that takes their
# bytes for the size of an image swallows a million bytes.
_END_HEADER = bytes(16)
# The cut parts what an earlier job left half printed from what comes now.
_FLUSH = command.flush() + command.cut()


async def print_job(
    endpoint: IStreamClientEndpoint,
    build: Callable[[], Awaitable[bytes]],
    *,
    clock: IReactorTime,
    fence: Fence,
    token: str,
    limits: Limits = USUAL,
    on_event: Callable[[Reasons], None] = lambda _: None,
    flush_first: bool = False,
) -> Proof:
    """Print one ticket, and return the proof.

    `build` is awaited once the printer is ready: it writes down that sending begins and returns the
    ticket: its own cut in it, without ESC @ and fence. `token`: four characters of 20-7E, another
    for each job. `on_event` hears each change of what ails the printer while it prints; () is well.
    `flush_first` after an Uncertain on this device: ends what may be half received and cuts it off.

    Raises `TemporaryFailure` (nothing was sent), `Uncertain` (something may have come out; `reasons`
    say what was wrong last), or what `build` raises. Cancelled while printing, it is `Uncertain`.
    """
    deadline = clock.seconds() + limits.overall
    wire = await dial(endpoint, Wire, clock=clock, within=min(limits.connect, limits.overall))
    try:
        if flush_first:
            wire.send(_END_HEADER)
        status = await ready(wire, clock, limits)
        if flush_first and fence is Fence.GS_R and not await _emptied(wire, clock, limits):
            fence = Fence.NONE  # the earlier job's GS r may still be answered, and looks the same
        ticket = await build()
        if wire.lost or clock.seconds() >= deadline:
            raise TemporaryFailure("gave up before anything was sent", reasons=("timed-out",))
        wire.send((_FLUSH if flush_first else b"") + _job(ticket, fence, token))
        printing = Printing(
            wire,
            clock,
            fence=fence,
            token=token,
            limits=limits,
            deadline=deadline,
            on_event=on_event,
        )
        return await printing.proof(status.reasons)
    finally:
        await wire.close(limits.close)


async def _emptied(wire: Wire, clock: IReactorTime, limits: Limits) -> bool:
    """Did the printer empty its buffers when asked to?"""
    wire.send(command.clear_buffers())
    return Cleared() in await hear(wire, clock.seconds() + limits.clear, stop=Cleared)


def _job(ticket: bytes, fence: Fence, token: str) -> bytes:
    """What is sent in one write, the cut in it: a link that dies leaves no two patients on a strip.

    Automatic status goes with GS ( H only: some clones answer GS a with bytes that look like GS r's.
    """
    match fence:
        case Fence.PROCESS_ID:
            return command.prelude() + ticket + command.fence(token)
        case Fence.GS_R:
            return INITIALISE + ticket + command.gs_r()
        case Fence.NONE:
            return INITIALISE + ticket
