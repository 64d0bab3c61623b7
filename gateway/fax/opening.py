"""A received fax on paper: who sent it to whom, whether it is whole, and its pages behind that."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.fax.envelope import Ending, Received, unseal
from gateway.locale import Translate, translator
from gateway.message import Kind, Message
from gateway.render import Context
from gateway.render.bounds import line
from gateway.render.frame import bottom, framed, times
from gateway.store import Stored
from printers.slip import Banner, Block, Enclosure, Form, Pair, Rule, Slip, Text, Tone


async def open(stored: Stored, context: Context, *, kit: object) -> Slip:  # noqa: A001 - the role's word
    """The slip of a fax. Raises ValueError when what is stored is none."""
    return paper(unseal(stored.raw), _message(stored), context)


def paper(fax: Received, message: Message, context: Context) -> Slip:
    _ = translator(context.language)
    word = _("FAX RECEIVED") if fax.pages else _("A FAX DID NOT ARRIVE")
    body: list[Block] = [Rule(), *times(_, context), *_facts(_, fax)]
    body += [Text(text=text, tone=Tone.STRONG) for text in _warnings(_, fax, context)]
    if fax.pages:
        body.append(Enclosure(title=_("Fax"), media_type="image/tiff", data=fax.file))
    return framed(
        _,
        context,
        header=(Banner(text=word, size=2), *_banners(_, fax)),
        body=body,
        footer=tuple(bottom(_, message, context, critical=False)),
        form=Form.NOTICE,
    )


def _banners(_: Translate, fax: Received) -> Iterator[Block]:
    if fax.pages and fax.ending is not Ending.WHOLE:
        yield Banner(text=_("INCOMPLETE"), size=2)


def _facts(_: Translate, fax: Received) -> Iterator[Block]:
    unnamed = _("a machine that does not say its number")
    yield Pair(label=_("From"), value=line(fax.station) or unnamed, tone=Tone.STRONG)
    yield Pair(label=_("Fax number"), value=line(fax.number))
    yield Pair(label=_("Pages"), value=str(fax.pages), tone=Tone.STRONG)


def _warnings(_: Translate, fax: Received, context: Context) -> Iterator[str]:
    if fax.ending is Ending.WHOLE:
        return
    who = line(fax.station) or _("a machine that does not say its number")
    if fax.pages:
        yield _("The fax of {who} did not arrive whole: have it sent again.", who=who)
    else:
        yield _("A fax of {who} did not arrive: ask for it to be sent again.", who=who)
    if fax.ending is Ending.UNKNOWN:
        yield _("The telephone exchange stopped in the middle of it.")


def _message(stored: Stored) -> Message:
    return Message(
        control_id=stored.control_id,
        sender=stored.sender,
        type=stored.type,
        kind=Kind.DOCUMENT,
        priority=stored.priority,
    )
