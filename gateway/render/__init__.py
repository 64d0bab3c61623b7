"""What a message and its circumstances look like on paper, in the site's language; no content makes it raise.

`facts` says what is true of a message and `words` how it is called, for whoever shows it; the other
modules build the blocks of a slip from them.
"""

from __future__ import annotations

from gateway.message import Kind, Message
from gateway.render.alarm import alarm
from gateway.render.context import (
    Context,
    Corrections,
    Earlier,
    Gap,
    Known,
    Outlet,
    Printed,
)
from gateway.render.correction import earlier_values
from gateway.render.courier import carried, unrouted
from gateway.render.dictation import Dictation, dictation
from gateway.render.document import document
from gateway.render.frame import framed
from gateway.render.held import Held, held
from gateway.render.history import History, history
from gateway.render.label import label
from gateway.render.notice import Poison, Refusal, outage_began, outage_ended, poison, refusal
from gateway.render.order import order
from gateway.render.pack import Pack, Present, pack
from gateway.render.result import result
from gateway.render.summary import summary
from gateway.render.testpage import Device, test_page
from gateway.render.waiting import Waited
from printers.slip import Slip

__all__ = [
    "Context",
    "Corrections",
    "Device",
    "Dictation",
    "Earlier",
    "Gap",
    "Held",
    "History",
    "Known",
    "Outlet",
    "Pack",
    "Poison",
    "Present",
    "Printed",
    "Refusal",
    "Waited",
    "alarm",
    "courier",
    "dictation",
    "document",
    "earlier_values",
    "framed",
    "held",
    "history",
    "label",
    "order",
    "outage_began",
    "outage_ended",
    "pack",
    "poison",
    "refusal",
    "render",
    "result",
    "summary",
    "test_page",
    "unroutable",
]

_KINDS = {Kind.RESULT: result, Kind.ORDER: order}


def render(message: Message, context: Context, *, corrections: Corrections | None = None) -> Slip:
    """The slip of any message, for where it comes out."""
    if context.outlet is Outlet.COURIER:
        return courier(message, context, corrections=corrections)
    if context.outlet is Outlet.LAB:
        return unroutable(message, context, corrections=corrections)
    return _plain(message, context, corrections)


def courier(message: Message, context: Context, *, corrections: Corrections | None = None) -> Slip:
    """A slip at the lab that somebody carries to its ward, with a receipt to bring back."""
    return carried(_plain(message, context, corrections), context)


def unroutable(
    message: Message, context: Context, *, corrections: Corrections | None = None
) -> Slip:
    """The whole slip at the lab, with why it has no ward."""
    return unrouted(_plain(message, context, corrections), message, context)


def _plain(message: Message, context: Context, corrections: Corrections | None) -> Slip:
    build = _KINDS.get(message.kind, document)
    return build(message, context, corrections=corrections)
