"""Which paper a newer result makes untrue, so that the old slip can be found and crossed out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.locale import Translate
from gateway.message import Observation, Status
from gateway.render import moments
from gateway.render.bounds import line
from gateway.render.context import Context, Earlier
from gateway.render.correction import Change, Compared, Relation
from printers.slip import Block, Text, Tone

PAPERS = 4  # slips named at the top; a correction of more says that there are others


def replaced(
    _: Translate, found: Iterable[Iterable[Compared]], context: Context
) -> Iterator[Block]:
    """ "Corrects slip n° 0038 of 03/08 11:20", or that nobody here knows what it corrects."""
    beside = [c for group in found for c in group if c.relation is not Relation.NONE]
    for relation in (Relation.WITHDRAWS, Relation.CORRECTS, Relation.REPLACES):
        its = [c for c in beside if c.relation is relation]
        papers = list(dict.fromkeys(paper(_, c.earlier, context) for c in its if c.earlier))
        for text in papers[:PAPERS]:
            yield Text(text=_said(_, relation, text), tone=Tone.STRONG)
        if len(papers) > PAPERS:
            yield Text(text=_("… and other slips: ask the lab"), tone=Tone.STRONG)
        if its and relation is Relation.CORRECTS and all(c.change is Change.SAME for c in its):
            yield Text(text=_("No value changes."), tone=Tone.STRONG)
        if any(c.earlier is None for c in its):
            yield Text(text=_unknown(_, all(c.earlier is None for c in its)), tone=Tone.STRONG)


def paper(_: Translate, earlier: Earlier, context: Context) -> str:
    """The slip that holds an earlier value, or that there is none."""
    at = moments.dated(_, earlier.at, context.timezone, today=context.printed_at)
    if earlier.slip is None:
        return _("a value that came out on no slip (received {at})", at=at)
    number, ward = f"{earlier.slip:04}", line(earlier.ward)
    if ward and ward != line(context.ward_name):
        return _("slip n° {number} of {at} ({ward})", number=number, at=at, ward=ward)
    return _("slip n° {number} of {at}", number=number, at=at)


def note(_: Translate, observation: Observation, beside: Compared) -> str:
    """What cannot be read from the row itself."""
    if beside.relation in (Relation.NONE, Relation.REPLACES) or beside.earlier is None:
        return ""
    if beside.change is Change.SEVERAL:
        return _("several values came under this name: compare with the earlier slip")
    if beside.change is Change.SAME and observation.status is Status.CORRECTED:
        return _("value unchanged")
    return ""


def _said(_: Translate, relation: Relation, text: str) -> str:
    if relation is Relation.WITHDRAWS:
        return _("Withdraws {slip}", slip=text)
    if relation is Relation.CORRECTS:
        return _("Corrects {slip}", slip=text)
    return _("Replaces {slip} (preliminary)", slip=text)


def _unknown(_: Translate, wholly: bool) -> str:
    if wholly:
        return _("The earlier value did not come this way: compare with the record.")
    return _("Some earlier values did not come this way: compare with the record.")
