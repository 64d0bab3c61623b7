"""Earlier numbers of a ward without proof of paper there, so that a loss is seen without a computer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.locale import Translate
from gateway.render.bounds import line
from gateway.render.context import Context, Gap, Known
from printers.slip import Block, Rule, Text, Tone

GAPS = 12  # lines; a printer that was away all night has one line for all it missed


def gaps(_: Translate, context: Context) -> Iterator[Block]:
    """What is known of each, neighbouring numbers of the same fate in one line; nothing when all is well."""
    if not context.gaps:
        return
    yield Rule()
    yield Text(text=_("Numbers that did not come out here:"), tone=Tone.STRONG)
    runs = list(_runs(context.gaps))
    for run in runs[-GAPS:]:
        yield Text(text=_gap(_, run), indent=1)
    if len(runs) > GAPS:
        yield Text(text=_("… and others before them: ask the lab"), indent=1)


def _runs(found: Iterable[Gap]) -> Iterator[tuple[Gap, Gap]]:
    """Neighbouring numbers of which the same is known, as first and last."""
    first: Gap | None = None
    last: Gap | None = None
    for gap in sorted(found, key=lambda g: g.number):
        same = last is not None and (gap.known, gap.place) == (last.known, last.place)
        if first is not None and last is not None and not (same and gap.number == last.number + 1):
            yield first, last
            first = gap
        first, last = first or gap, gap
    if first is not None and last is not None:
        yield first, last


def _gap(_: Translate, run: tuple[Gap, Gap]) -> str:
    first, last = run
    numbers = f"n° {first.number:04}"
    if last is not first:
        numbers = _("{first} to {last}", first=numbers, last=f"{last.number:04}")
    known = {
        Known.ELSEWHERE: _("came out at {place}", place=line(first.place)),
        Known.UNCONFIRMED: _("not confirmed: ask the lab"),
        Known.PENDING: _("not printed yet, still to come"),
        Known.SUPERSEDED: _("replaced by a newer slip"),
    }[first.known]
    return _("{numbers}: {known}", numbers=numbers, known=known)
