"""Wardline's own words on paper: a refusal, an outage's beginning and end, a message it cannot lay out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.locale import Translate, translator
from gateway.render import moments, words
from gateway.render.bounds import line, prose
from gateway.render.context import Context
from gateway.render.frame import framed, printed, times
from gateway.render.series import gaps
from printers.slip import Banner, Block, Pair, Rule, Slip, Text, Tone

HEAD = 1200  # bytes of a refused message shown: MSH and PID of any sender we know


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an intake refused and told its sender. `code` is HL7 table 0357, 0 when not known."""

    reason: str
    location: str = ""  # "PID-3"
    code: int = 0
    sender: str = ""  # "MSH-3|MSH-4"
    peer: str = ""  # where the connection came from
    intake: str = ""
    control_id: str = ""
    raw: bytes = b""
    more: bool = False  # this sender's next refusals come without a slip


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """A message that could not be made into a slip."""

    reason: str
    control_id: str = ""
    sender: str = ""
    message_id: int | None = None  # in the store
    kind: str = ""  # "ORU^R01"


def refusal(found: Refusal, context: Context) -> Slip:
    """For the lab: what was refused, why and where, so that it can be mended and sent again."""
    _ = translator(context.language)
    facts = (
        (_("Reason"), line(_(found.reason), 400)),
        (_("At"), line(found.location)),
        (_("Meaning"), words.refusal(_, found.code)),
        (_("Sender"), line(found.sender.replace("|", " / "))),
        (_("From"), line(" ".join(filter(None, (found.peer, found.intake))))),
        (_("Message"), line(found.control_id)),
    )
    body: list[Block] = [Rule(), *times(_, context)]
    body += [Pair(label=label, value=value) for label, value in facts if value]
    body += [
        Text(
            text=_(
                "Nothing of it went to a ward. Its sender was told. Have it mended and sent again."
            ),
            tone=Tone.STRONG,
        )
    ]
    if found.more:
        more = _("This sender's next refusals come without a slip: call whoever runs it.")
        body.append(Text(text=more, tone=Tone.STRONG))
    body += [Rule(), Text(text=_("It begins:")), Text(text=_head(_, found.raw), indent=2)]
    return framed(
        _,
        context,
        header=(Banner(text=_("MESSAGE REFUSED"), size=2),),
        body=body,
        footer=(),
    )


def outage_began(context: Context) -> Slip:
    """For every ward: results come out here from now on, and what to do about it."""
    _ = translator(context.language)
    since = _since(_, context)
    return framed(
        _,
        replace(context, degraded=False),  # said once, in large type
        header=(Banner(text=since, size=2),),
        body=(Rule(), *_began(_, context)),
        footer=(Rule(), printed(_, context), *gaps(_, context)),
    )


def outage_ended(context: Context, *, ended_at: float, held: int | None = None) -> Slip:
    """For every ward: results are on the screens again. `held`: messages the platform does not have yet."""
    _ = translator(context.language)
    at = moments.short(_, ended_at, context.timezone, today=context.printed_at)
    return framed(
        _,
        context,
        header=(Banner(text=_("END OF DOWNTIME at {time}", time=at), size=2),),
        body=(Rule(), *_ended(_, context, held=held)),
        footer=(Rule(), printed(_, context), *gaps(_, context)),
    )


def poison(found: Poison, context: Context) -> Slip:
    """Something came for this ward that no slip could be made of: a person has to ask for it."""
    _ = translator(context.language)
    number = "" if found.message_id is None else str(found.message_id)
    facts = (
        (_("Message"), line(found.control_id)),
        (_("Kind"), line(found.kind)),
        (_("Sender"), line(found.sender.replace("|", " / "))),
        (_("Kept as"), number),
        (_("Reason"), line(found.reason, 400)),
    )
    return framed(
        _,
        context,
        header=(Banner(text=_("MESSAGE THAT CANNOT BE PRINTED"), size=2),),
        body=(
            Rule(),
            Text(text=_("Something came for this ward that could not be laid out. It is kept.")),
            Text(text=_ask(_, context), tone=Tone.STRONG),
            *times(_, context),
            *(Pair(label=label, value=value) for label, value in facts if value),
        ),
        footer=(Rule(), *gaps(_, context)),
    )


def _since(_: Translate, context: Context) -> str:
    moment = context.received_at if context.outage_since is None else context.outage_since
    since = moments.short(_, moment, context.timezone, today=context.printed_at)
    return _("DOWNTIME since {time}", time=since)


def _began(_: Translate, context: Context) -> Iterator[Block]:
    yield Text(
        text=_("The main messaging platform is down: lab results and orders come out on paper."),
        tone=Tone.STRONG,
    )
    why = words.reason(_, context.outage_reason)
    if why:
        yield Pair(label=_("Reason"), value=why)
    for text in (
        _("1. See that this printer has paper."),
        _("2. Read and sign each slip as it comes out."),
        _("3. Slip numbers follow one another: if one is missing, ask the lab."),
        _("4. Do not wait for results on the screen."),
    ):
        yield Text(text=text)
    yield Text(text=_ask(_, context), tone=Tone.STRONG)


def _ended(_: Translate, context: Context, *, held: int | None) -> Iterator[Block]:
    yield Text(
        text=_("The main messaging platform is back: new results are on the screens again."),
        tone=Tone.STRONG,
    )
    if held:
        yield Text(
            text=_.plural(
                "{n} message of the outage is not on the screens yet.",
                "{n} messages of the outage are not on the screens yet.",
                held,
            )
        )
    yield Text(text=_("Keep the slips: they say who received what."))
    yield Text(text=_ask(_, context))


def _ask(_: Translate, context: Context) -> str:
    if context.phone:
        return _("Call the lab: {phone}", phone=line(context.phone))
    return _("Ask the lab.")


def _head(_: Translate, raw: bytes) -> str:
    """The first bytes as text, whatever their charset; segments one below the other."""
    if not raw:
        return _("(empty)")
    head = raw[:HEAD].replace(b"\x00", b"").replace(b"\x0b", b"").replace(b"\x1c", b"")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = error.start >= len(head) - 3  # the last character was cut in two
        text = head[: error.start].decode("utf-8") if cut else head.decode("cp1252", "replace")
    rest = len(raw) - HEAD
    shown = prose(_, text)
    return shown if rest <= 0 else shown + "\n" + _("… {n} bytes more", n=rest)
