"""What is neither a result nor an order: shown whole, under the name of what it is."""

from __future__ import annotations

from dataclasses import replace

from gateway.locale import translator
from gateway.message import Kind, Message
from gateway.render.bounds import line
from gateway.render.context import Context, Corrections
from gateway.render.result import result
from printers.slip import Banner, Slip


def document(message: Message, context: Context, *, corrections: Corrections | None = None) -> Slip:
    """The slip of a document for a ward, and of any message that somebody wants on paper."""
    _ = translator(context.language)
    slip = result(message, context, corrections=corrections)
    word = _("MESSAGE {type}", type=line(message.type, 20))
    if message.kind is Kind.DOCUMENT:
        word = _("DOCUMENT")
    return replace(slip, body=(Banner(text=word), *slip.body))
