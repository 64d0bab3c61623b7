"""What stands above and below every message on paper: circumstances, ward, number, and how to acknowledge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.locale import Translate
from gateway.message import Message
from gateway.render import moments, words
from gateway.render.bounds import line, prose
from gateway.render.context import Context, Outlet
from gateway.render.series import gaps
from printers.slip import (
    Banner,
    Block,
    Code,
    Columns,
    Form,
    Heading,
    Pair,
    Role,
    Row,
    Rule,
    Slip,
    Text,
    Tone,
)


def framed(
    _: Translate,
    context: Context,
    *,
    header: Iterable[Block],
    body: Iterable[Block],
    footer: Iterable[Block],
    test: bool = False,
    form: Form = Form.NOTICE,
    running: str = "",
) -> Slip:
    """A slip from its parts, with what must stand on its very first and very last line.

    `form` and `running` (who it is about, in one line) are for pages.
    """
    past, zone = context.history, context.timezone
    titles = past.titles(_, zone, today=context.printed_at) if past else ()
    drill = tuple(_drill(_, context, test=test))
    return Slip(
        header=(*drill, *top(_, context), *header),
        body=tuple(unreal(_, body) if test else body),
        footer=(*footer, *reversed(drill)),
        page_word=_("page"),
        form=form,
        columns=Columns(
            name=_("Examination"),
            value=_("Result"),
            unit=_("Unit"),
            reference=_("Reference"),
            mark=_("Flag"),
        ),
        history=titles,
        running=running,
        language=context.language,
        left_out=_("INCOMPLETE: {lines} LINES NOT PRINTED, ASK THE LAB"),
        undrawn=_("ENCLOSED, NOT PRINTED HERE: {title}"),
    )


def top(_: Translate, context: Context) -> Iterator[Block]:
    """Circumstances, ward and number."""
    yield from _circumstances(_, context)
    yield Heading(text=line(context.ward_name), role=Role.WARD)
    if context.number is not None:
        yield Heading(text=f"n° {context.number:04}", role=Role.NUMBER)
    site = f"{line(context.site_name)} ({line(context.site_code)})"
    yield Text(text=site, centred=True, role=Role.SITE)
    yield from _elsewhere(_, context)


def times(_: Translate, context: Context) -> Iterator[Block]:
    yield Pair(label=_("Received"), value=moments.wall(_, context.received_at, context.timezone))
    yield printed(_, context)


def printed(_: Translate, context: Context) -> Pair:
    label = _("Shown on a screen") if context.screen else _("Printed")
    return Pair(label=label, value=moments.wall(_, context.printed_at, context.timezone))


def bottom(_: Translate, message: Message, context: Context, *, critical: bool) -> Iterator[Block]:
    """How to acknowledge, the numbers that may be missing, and what the lab needs to find the message."""
    yield Rule()
    yield from acknowledging(_, context, critical=critical and not message.test)
    yield from gaps(_, context)
    if context.reused:
        yield Text(
            text=_("Another message with other content came under the same id: ask the lab."),
            tone=Tone.STRONG,
        )
    if context.unauthenticated:
        yield Text(text=_("SOURCE NOT AUTHENTICATED"), tone=Tone.STRONG)
    yield Text(text=source(_, message))


def source(_: Translate, message: Message) -> str:
    sender = line(message.sender.replace("|", " / "))
    control_id = line(message.control_id)
    return _("Message {id} from {sender}", id=control_id, sender=sender)


def acknowledging(_: Translate, context: Context, *, critical: bool) -> Iterator[Block]:
    """What a person does to say "I have it", in words that stay true without a telephone."""
    if critical:
        yield Text(text=_("CRITICAL: tell the doctor at once."), tone=Tone.STRONG)
    yield Text(text=_how(_, context), tone=Tone.STRONG)
    if context.phone and not context.acknowledge:
        yield Text(text=_("Without telephone: keep the signed slip in the record."))
    if context.code:
        yield Code(data=context.code, caption=line(context.code_caption or context.code))
    yield Text(text=_("Read by ....................  at ......  signed"))
    yield Text(text=_ask(_, context))


def _drill(_: Translate, context: Context, *, test: bool) -> Iterator[Block]:
    if context.drill or test:
        yield Banner(text=_("DRILL"), size=2)
    if test:
        yield Banner(text=_("TEST MESSAGE — NOT A RESULT"))


def unreal(_: Translate, body: Iterable[Block]) -> Iterator[Block]:
    """No row of a test message, torn off the rest, can be taken for a value."""
    for block in body:
        if isinstance(block, Row):
            status = " ".join(filter(None, (block.status, _("TEST"))))
            yield replace(block, status=status, tone=Tone.PLAIN)
        else:
            yield block


def _circumstances(_: Translate, context: Context) -> Iterator[Block]:
    if context.degraded:
        yield Banner(text=downtime(_, context))
    if context.doubtful or context.prints > 1 or context.copy:
        yield Banner(text=_duplicate(_, context))
    if context.outlet is Outlet.COURIER:
        yield Banner(text=_("COURIER"), size=2)


def downtime(_: Translate, context: Context) -> str:
    if context.outage_since is None:
        return _("DOWNTIME")
    since = moments.short(_, context.outage_since, context.timezone, today=context.printed_at)
    return _("DOWNTIME since {time}", time=since)


def _duplicate(_: Translate, context: Context) -> str:
    word = _("POSSIBLE DUPLICATE") if context.doubtful else _("DUPLICATE")
    if context.prints < 2:
        return word
    return word + " — " + _("print no.{n}", n=context.prints)


def _elsewhere(_: Translate, context: Context) -> Iterator[Block]:
    """Why this paper is not where it should be, and where it has to go."""
    if context.outlet is not Outlet.NEIGHBOUR:
        return
    ward = line(context.ward_name)
    yield Banner(text=_("CARRY TO: {ward}", ward=ward))
    why = words.reason(_, context.reason) or _("its printer did not answer")
    where = line(context.outlet_name)
    if where:
        text = _("Printed here ({place}) because {ward}: {why}", place=where, ward=ward, why=why)
    else:
        text = _("Printed here because {ward}: {why}", ward=ward, why=why)
    yield Text(text=text, tone=Tone.STRONG)


def _how(_: Translate, context: Context) -> str:
    if context.acknowledge:
        return prose(_, context.acknowledge, 400)
    token = _("code {code}", code=line(context.code_caption or context.code))
    if not context.code:
        token = _("the slip number")
    if context.line and context.code:
        return _(
            "To acknowledge: sign, dial {line}, key 2, {token}.",
            line=line(context.line),
            token=token,
        )
    if context.phone:
        return _(
            "To acknowledge: sign, call the lab at {phone}, give {token}.",
            phone=line(context.phone),
            token=token,
        )
    return _("To acknowledge: sign, and give the lab {token}.", token=token)


def _ask(_: Translate, context: Context) -> str:
    if context.phone:
        return _("Questions: the lab, {phone}", phone=line(context.phone))
    return _("Questions: the lab")
