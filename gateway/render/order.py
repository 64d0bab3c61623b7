"""An order on paper: what is asked, by whom, for when, and what it does to an order that came before."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.locale import Translate, translator
from gateway.message import Group, Message, Priority
from gateway.render import codes, words
from gateway.render.bounds import Paper, line
from gateway.render.context import Context, Corrections, Earlier
from gateway.render.correction import Compared
from gateway.render.examination import details, observed, remarks, state
from gateway.render.frame import bottom, framed
from gateway.render.identity import identity, running
from gateway.render.replaced import paper as slip_of
from gateway.render.result import preface
from printers.slip import Banner, Block, Form, Role, Rule, Slip, Text, Tone

_FIRST = frozenset({"", "NW", "RO", "SN"})  # these concern no earlier paper


def order(message: Message, context: Context, *, corrections: Corrections | None = None) -> Slip:
    """The slip of an order (ORM, OML, OMG). `corrections`: the papers of earlier messages on it."""
    _ = translator(context.language)
    return framed(
        _,
        context,
        header=(*_banners(_, message), Rule(), *identity(_, message, context)),
        body=_body(_, message, context, corrections=corrections or {}),
        footer=bottom(_, message, context, critical=False),
        test=message.test,
        form=Form.ORDER,
        running=running(_, message, context),
    )


def _banners(_: Translate, message: Message) -> Iterator[Block]:
    if message.priority is not Priority.ROUTINE:
        yield Banner(text=_("URGENT"), size=2)
    controls = dict.fromkeys(g.control for g in message.groups) or {"": None}
    for control in list(controls)[:3]:
        size = 2 if control in codes.CANCELLING else 1
        yield Banner(text=words.control(_, control), size=size)


def _body(
    _: Translate, message: Message, context: Context, *, corrections: Corrections
) -> list[Block]:
    paper = Paper(context.room)
    paper.put(preface(_, message, context))
    several = len({g.control for g in message.groups}) > 1
    shown = 0
    for group in message.groups:
        if paper.full:
            break
        paper.put(_asked(_, group, context, several=several))
        if group.control not in _FIRST:
            earlier = corrections.get((group.order_key, "", "")) if group.order_key else None
            paper.put((_recalls(_, group, earlier, context),))
        shown += 1
    if not message.groups:
        paper.put((Text(text=_("Nothing is asked in this message."), tone=Tone.STRONG),))
    if paper.cut or shown < len(message.groups):
        paper.blocks += _more(_, message, shown=shown)
    return paper.blocks


def _asked(_: Translate, group: Group, context: Context, *, several: bool) -> Iterator[Block]:
    yield Rule()
    if several:
        yield Text(text=words.control(_, group.control), tone=Tone.STRONG)
    name = line(group.name) or _("Examination")
    code = line(group.code)
    title = f"{name} ({code})" if code and code != name else name
    yield Text(text=title, tone=Tone.STRONG, role=Role.TITLE)
    yield from state(_, group)
    yield from details(_, group, context)
    yield from remarks(_, group.notes)
    for observation in group.observations[:_ANSWERS]:
        yield from observed(_, group, observation, Compared())
    if len(group.observations) > _ANSWERS:
        yield Text(text=_("… {n} more: ask the lab", n=len(group.observations) - _ANSWERS))


_ANSWERS = 40  # what a requester answers to a lab's questions (weight, dose, time of dose…)


def _recalls(_: Translate, group: Group, earlier: Earlier | None, context: Context) -> Text:
    """Which paper is not to be followed any more, or that there is none here."""
    if earlier is None or earlier.slip is None:
        text = _("The order it concerns came out on no slip here.")
    elif group.control in codes.CANCELLING:
        text = _("Cancels {slip}", slip=slip_of(_, earlier, context))
    else:
        text = _("Concerns {slip}", slip=slip_of(_, earlier, context))
    return Text(text=text, tone=Tone.STRONG)


def _more(_: Translate, message: Message, *, shown: int) -> Iterator[Block]:
    yield Banner(text=_("CONTINUED — NOT ALL IS PRINTED HERE"))
    yield Text(
        text=_(
            "{shown} of {total} orders printed. Ask the sender for the rest: message {id}.",
            shown=shown,
            total=len(message.groups),
            id=line(message.control_id),
        ),
        tone=Tone.STRONG,
    )
