"""Earlier values beside new ones, for paper that has the room: the cumulative columns of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.clock import local
from gateway.locale import Translate
from gateway.message import Group, Message, Observation, Status
from gateway.render import facts, words
from gateway.render.bounds import line
from gateway.render.newest import Analyte, analyte, taken_at
from gateway.render.waiting import Waited, people, same

COLUMNS = 3
_FIRM = (Status.FINAL, Status.CORRECTED)
_MORE = "…"  # several values, or one too long for its column


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """When the earlier specimens were taken, newest first, and what was found in each."""

    moments: tuple[datetime, ...] = ()  # UTC
    values: Mapping[tuple[Analyte, datetime], Observation | None] = field(default_factory=dict)

    def titles(self, _: Translate, zone: str, *, today: float) -> tuple[str, ...]:
        """Day above time; with its year where that is not today's."""
        year = local(today, zone).year
        return tuple(_title(_, m.astimezone(ZoneInfo(zone)), year) for m in self.moments)

    def of(self, group: Group, observation: Observation) -> tuple[str, ...]:
        """What to show under each moment: the value with its flag, "" where none is known."""
        its = analyte(group, observation)
        return tuple(self._shown((its, moment)) for moment in self.moments)

    def _shown(self, at: tuple[Analyte, datetime]) -> str:
        if at not in self.values:
            return ""
        found = self.values[at]
        if found is None or len(found.value) > 9:
            return _MORE
        return " ".join(filter(None, (line(found.value), words.mark(found))))


def history(
    message: Message, earlier: Sequence[Waited], *, received_at: float, zone: str
) -> History | None:
    """The earlier values of what `message` reports, as far as they are firm and certainly this patient's.

    A value under an order of this message is not one of them: the message corrects it and says so
    beside the new one. None when there is nothing to show.
    """
    if message.patient is None or message.test:
        return None
    patient = message.patient
    wanted = {analyte(g, o) for g in message.groups for o in g.observations} - {()}
    here = set(message.order_keys)
    now = {
        taken_at(Waited(message=message, received_at=received_at), g, o, ZoneInfo(zone))
        for g in message.groups
        for o in g.observations
    }
    values: dict[tuple[Analyte, datetime], Observation | None] = {}
    theirs = [one for them in people(earlier) if same(patient, them) for one in them]
    for one, group, observation in _firm(theirs):
        its = analyte(group, observation)
        moment = taken_at(one, group, observation, ZoneInfo(zone))
        if its not in wanted or group.order_key in here or moment > max(now):
            continue
        minute = moment.replace(second=0, microsecond=0)
        twice = (its, minute) in values
        values[its, minute] = None if twice else observation
    moments = sorted({moment for _, moment in values}, reverse=True)[:COLUMNS]
    return History(moments=tuple(moments), values=values) if moments else None


def _firm(theirs: Sequence[Waited]) -> Iterator[tuple[Waited, Group, Observation]]:
    for one in theirs:
        for group in one.message.groups:
            for observation in group.observations:
                if observation.value and facts.standing(group, observation) in _FIRM:
                    yield one, group, observation


def _title(_: Translate, at: datetime, year: int) -> str:
    day = "%d/%m" if _.language == "fr" else "%d-%b"
    if at.year != year:
        day += "/%y" if _.language == "fr" else "-%y"
    return at.strftime(f"{day}\n%H:%M")
