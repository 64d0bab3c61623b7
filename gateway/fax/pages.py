"""The pages of a fax that Wardline writes itself: a cover with nothing clinical on it, and a test page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.locale import Translate, translator
from gateway.render import moments
from gateway.render.bounds import line
from printers.slip import (
    Banner,
    Block,
    Form,
    Heading,
    Pair,
    Role,
    Rule,
    Slip,
    Space,
    Text,
    Tone,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Who sends: the site and its laboratory."""

    site: str
    code: str
    phone: str = ""  # whom to call when it is not for you
    language: str = "fr"
    timezone: str = "Europe/Paris"


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """Whom it is for, as the directory says."""

    ward: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which pages of the whole this call brings; the cover is not counted."""

    first: int
    last: int
    of: int
    begun: bool = False  # the call before broke off in page `first`


def cover(part: Part, sheet: Slip, *, sender: From, to: To, at: float) -> Slip:
    """The first page of a call.

    Of `sheet` it repeats the circumstances in large type and the number: nothing that says who a patient
    is, or what was found. It may lie in a tray, or come out at a stranger's.
    """
    _ = translator(sender.language)
    suite = part.first > 1 or part.begun
    banners = [block for block in sheet.header if isinstance(block, Banner)]
    numbers = [b for b in sheet.header if isinstance(b, Heading) and b.role is Role.NUMBER]
    header: list[Block] = [
        *banners,
        Heading(text=line(to.ward), role=Role.WARD),
        *numbers,
        Text(text=f"{line(sender.site)} ({line(sender.code)})", centred=True, role=Role.SITE),
    ]
    header.insert(0, Banner(text=_("FAX — CONTINUED") if suite else _("FAX"), size=2))
    body: list[Block] = [Rule(), *_facts(_, part, sender=sender, to=to, at=at)]
    if part.begun:
        begun = _("The line was cut: page {n} may have come in part before.", n=part.first)
        body.append(Text(text=begun, tone=Tone.STRONG))
    return Slip(
        header=tuple(header),
        body=(*body, Space(), *_confidential(_, sender)),
        page_word=_("cover"),
        form=Form.COVER,
        language=sender.language,
    )


def test_page(code: str, *, sender: From, to: To, at: float) -> Slip:
    """What tells which machine answers a number: whoever has it in hand reads `code` to the laboratory.

    Without a code: to a machine that is known, to see that it still is there.
    """
    _ = translator(sender.language)
    return Slip(
        header=(
            Banner(text=_("FAX TEST"), size=2),
            Heading(text=line(to.ward), role=Role.WARD),
            Text(text=f"{line(sender.site)} ({line(sender.code)})", centred=True, role=Role.SITE),
        ),
        body=(
            Rule(),
            Pair(label=_("Fax number"), value=to.number),
            Pair(label=_("Sent"), value=moments.wall(_, at, sender.timezone)),
            Space(),
            Text(text=_("This is a test: there is no patient data on it."), tone=Tone.STRONG),
            *_asking(_, code, phone=line(sender.phone)),
            Space(),
            *_confidential(_, sender),
        ),
        page_word=_("page"),
        form=Form.COVER,
        language=sender.language,
    )


def _asking(_: Translate, code: str, *, phone: str) -> Iterator[Block]:
    if not code:
        yield Text(text=_("Nothing to do: it only shows that this fax works."), tone=Tone.STRONG)
        return
    ask = _("Call the laboratory and say this code: {code}", code=code)
    if phone:
        ask = _("Call the laboratory at {phone} and say this code: {code}", phone=phone, code=code)
    yield from (Space(), Heading(text=code), Space(), Text(text=ask, tone=Tone.STRONG))
    yield Text(text=_("Until then no result is sent to this number."))


def _facts(_: Translate, part: Part, *, sender: From, to: To, at: float) -> Iterator[Block]:
    count = part.last - part.first + 1
    yield Pair(label=_("To"), value=line(to.ward), tone=Tone.STRONG)
    yield Pair(label=_("Fax number"), value=to.number)
    yield Pair(label=_("From"), value=line(sender.site))
    yield Pair(label=_("Sent"), value=moments.wall(_, at, sender.timezone))
    pages = _.plural("this one and {n} more", "this one and {n} more", count)
    yield Pair(label=_("Pages"), value=pages, tone=Tone.STRONG)
    if (part.first, part.last) != (1, part.of):
        which = _("pages {first} to {last} of {of}", first=part.first, last=part.last, of=part.of)
        yield Pair(label=_("Part"), value=which, tone=Tone.STRONG)


def _confidential(_: Translate, sender: From) -> Iterator[Block]:
    yield Text(text=_("CONFIDENTIAL: medical secrecy."), tone=Tone.STRONG)
    yield Text(text=_("If it is not for you: do not read the pages that follow, do not copy them."))
    phone = line(sender.phone)
    if phone:
        yield Text(text=_("Call {phone} at once, and destroy them.", phone=phone))
    else:
        yield Text(text=_("Call the sender at once, and destroy them."))
