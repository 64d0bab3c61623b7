"""A mail on paper: who sent it and how sure we are, what it says, what came with it, what was left out."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.locale import N_, Translate, translator
from gateway.mail.envelope import Envelope
from gateway.mail.letter import Enclosed, Letter
from gateway.mail.origin import Grade
from gateway.message import Message
from gateway.render import Context, Outlet
from gateway.render.bounds import Paper, line
from gateway.render.courier import carried, unrouted
from gateway.render.frame import bottom, framed, times
from printers.slip import Banner, Block, Enclosure, Pair, Rule, Slip, Text, Tone

#: Lines of text on a slip (1.5 m of paper), and characters of a line before it is cut in two.
LINES, PIECE = 400, 1000

_GRADES = {
    Grade.A: N_("sender verified"),
    Grade.B: N_("sender verified by its signature"),
    Grade.C: N_("SENDER NOT VERIFIED"),
}

_KINDS = {
    "application/pdf": "PDF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/tiff": "TIFF",
    "text/plain": N_("text"),
}


def paper(letter: Letter, envelope: Envelope, message: Message, context: Context) -> Slip:
    """The slip of a mail, for where it comes out."""
    _ = translator(context.language)
    body = [
        *_head(_, letter, envelope, context),
        *_said(_, letter),
        *_with_it(_, letter, envelope),
    ]
    slip = framed(
        _,
        context,
        header=(Banner(text=_("MAIL"), size=2),),
        body=body,
        footer=tuple(bottom(_, message, context, critical=False)),
    )
    if context.outlet is Outlet.COURIER:
        return carried(slip, context)
    if context.outlet is Outlet.LAB:
        return unrouted(slip, message, context)
    return slip


def _head(_: Translate, letter: Letter, envelope: Envelope, context: Context) -> Iterator[Block]:
    known = _(_GRADES[envelope.grade])
    if envelope.grade is Grade.C:
        yield Banner(text=known)
    yield Rule()
    yield from times(_, context)
    yield Pair(label=_("Mail from"), value=line(letter.sender or envelope.sender, 200))
    if envelope.sender.lower() not in letter.sender.lower():
        yield Pair(label=_("Handed in by"), value=line(envelope.sender))
    grounds = " ".join(filter(None, (_(envelope.grounds), line(envelope.proof))))
    yield Pair(label=_("Class"), value=f"{envelope.grade}: {known} ({grounds})")
    yield Pair(label=_("To"), value=line(envelope.recipient))
    if letter.date:
        yield Pair(label=_("Dated"), value=line(letter.date, 60))
    yield Rule()
    subject = line(letter.subject, 300) or _("(no subject)")
    yield Text(text=subject, tone=Tone.STRONG)
    for warning in letter.warnings:
        yield Text(text="! " + _(warning), tone=Tone.STRONG)


def _said(_: Translate, letter: Letter) -> Iterator[Block]:
    """What it says, as far as the sheet goes; what is missing is counted, never only cut."""
    yield Rule()
    if letter.fault:
        yield Banner(text=_("MAIL THAT CANNOT BE READ"))
        yield Text(text=_(letter.fault), tone=Tone.STRONG)
        yield Text(text=_("It is kept. Ask its sender, or the lab."))
        return
    shown, missing = _fitting(letter.text or _("(no text)"), LINES)
    yield from shown
    if letter.html:
        yield Banner(text=_("ITS OTHER VERSION (HTML)"))
        shown, more = _fitting(letter.html, LINES - len(shown) // 2)
        yield from shown
        missing += more
    if missing + letter.lines_left_out:
        lines = _.plural(
            "MORE: {n} line not printed here, ask the sender or the lab",
            "MORE: {n} lines not printed here, ask the sender or the lab",
            missing + letter.lines_left_out,
        )
        yield Banner(text=lines)


def _fitting(text: str, most: int) -> tuple[list[Text], int]:
    """What takes about `most` lines of a slip, a block for each line; how many lines do not fit."""
    paper = Paper(most)
    lines = [part for line in text.split("\n") for part in _pieces(line)]
    paper.put(Text(text=line) for line in lines)
    shown = [block for block in paper.blocks if isinstance(block, Text)]
    return shown, len(lines) - len(shown)


def _pieces(line: str) -> Iterator[str]:
    """A line without end, in pieces that a sheet can end between."""
    yield line[:PIECE]
    for at in range(PIECE, len(line), PIECE):
        yield line[at : at + PIECE]


def _with_it(_: Translate, letter: Letter, envelope: Envelope) -> Iterator[Block]:
    if letter.hl7:
        yield Rule()
        word = _("HL7 messages in this mail: {n}.", n=len(letter.hl7))
        fate = _("Taken in as results.")
        if envelope.grade is Grade.C:  # only what a person let through comes to paper
            fate = _("Taken in as results whose sender is not verified.")
        yield Text(text=f"{word} {fate}", tone=Tone.STRONG)
    for number, found in enumerate(letter.enclosed, 1):
        yield Rule()
        yield Text(text=f"{number}. {_title(_, found)}", tone=Tone.STRONG)
        yield Enclosure(
            title=line(found.title, 80) or found.media_type,
            media_type=found.media_type,
            data=found.data,
        )
        if found.left_out:
            more = _.plural(
                "MORE: {n} page not printed here",
                "MORE: {n} pages not printed here",
                found.left_out,
            )
            yield Banner(text=more)
    if letter.left_out:
        yield Rule()
        yield Banner(text=_("NOT PRINTED"))
    for missing in letter.left_out:
        title = line(missing.title, 80) or _("(no name)")
        yield Text(text=f"{title}: {_(line(missing.what))}. {_(missing.reason)}", tone=Tone.STRONG)


def _title(_: Translate, found: Enclosed) -> str:
    pages = _.plural("{n} page", "{n} pages", found.pages)
    kind = _(_KINDS.get(found.media_type, found.media_type))
    return f"{line(found.title, 80) or _('(no name)')} ({kind}, {pages})"
