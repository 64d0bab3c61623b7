"""Moments and dates as a ward reads them; what is not a date stays as it was sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from gateway.clock import local
from gateway.locale import N_, Translate
from gateway.render.bounds import line

_DTM = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?",
    re.ASCII,
)
# Day, month and year in an order nobody can take for another, in either language.
_MONTHS = tuple("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())
_OLDEST = 130  # years; beyond, a birth date is a slip of the keyboard


@dataclass(frozen=True, slots=True)
class Moment:
    """An HL7 DTM that is one: `precision` is how many of year, month, day, hour and minute came."""

    at: datetime
    precision: int


def read(text: str, zone: tzinfo) -> Moment | None:
    """The moment in a DTM (HL7 2.A.22), moved to `zone` when it says its own; None for anything else."""
    found = _DTM.fullmatch(text.strip())
    if found is None:
        return None
    parts = [int(part) for part in found.groups()[:6] if part is not None]
    try:
        at = datetime(*[*parts, 1, 1][: max(len(parts), 3)])  # type: ignore[arg-type] # noqa: DTZ001
        offset = found[7]
        if offset and len(parts) > 3:
            away = timedelta(hours=int(offset[:3]), minutes=int(offset[0] + offset[3:]))
            at = at.replace(tzinfo=timezone(away)).astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return Moment(at, min(len(parts), 5))


def wall(_: Translate, moment: float, zone: str) -> str:
    """`moment` (seconds, UTC) on the site's wall: "03/08/2026 11:20"."""
    return _written(_, Moment(local(moment, zone).replace(tzinfo=None), 5))


def short(_: Translate, moment: float, zone: str, *, today: float) -> str:
    """`moment` as briefly as it stays clear beside `today`: "11:07", else as `dated`."""
    at, now = local(moment, zone), local(today, zone)
    if at.date() == now.date():
        return at.strftime("%H:%M")
    return dated(_, moment, zone, today=today)


def dated(_: Translate, moment: float, zone: str, *, today: float) -> str:
    """`moment` with its day: "03/08 11:20", with its year where that is not today's."""
    at, now = local(moment, zone), local(today, zone)
    if at.year != now.year:
        return wall(_, moment, zone)
    return at.strftime("%d/%m %H:%M" if _.language == "fr" else "%d-%b %H:%M")


def sent(_: Translate, text: str, zone: str) -> str:
    """A DTM as sent, for reading; what is not a moment is shown as it came, and said to be none."""
    moment = read(text, ZoneInfo(zone))
    if moment is not None:
        return _written(_, moment)
    return _("{text} (not a date)", text=line(text)) if text.strip() else ""


def birth(_: Translate, text: str, zone: str) -> str:
    """A birth date without its hour."""
    moment = read(text[:8] if read(text, ZoneInfo(zone)) else text, ZoneInfo(zone))
    if moment is not None:
        return _written(_, Moment(moment.at, min(moment.precision, 3)))
    return _("{text} (not a date)", text=line(text)) if text.strip() else ""


def age(_: Translate, text: str, zone: str, *, today: float) -> str:
    """How old somebody born on `text` is, in the unit a ward would use; "" unless that day is known."""
    moment = read(text[:8], ZoneInfo(zone))
    if moment is None or moment.precision < 3:
        return ""
    born, now = moment.at.date(), local(today, zone).date()
    months = _months(born, now)
    if born > now or months > _OLDEST * 12:
        return ""
    if months < 2:
        return _.plural(N_("{n} day"), "{n} days", (now - born).days)
    if months < 24:
        return _.plural(N_("{n} month"), "{n} months", months)
    return _.plural(N_("{n} year"), "{n} years", months // 12)


def _months(born: date, now: date) -> int:
    return (now.year - born.year) * 12 + now.month - born.month - (now.day < born.day)


def _written(_: Translate, moment: Moment) -> str:
    at, precision = moment.at, moment.precision
    if _.language == "fr":
        day = "/".join((f"{at.day:02}", f"{at.month:02}", f"{at.year:04}")[3 - min(precision, 3) :])
    else:
        day = "-".join(
            (f"{at.day:02}", _MONTHS[at.month - 1], f"{at.year:04}")[3 - min(precision, 3) :]
        )
    if precision < 4:
        return day
    return f"{day} {at:%H:%M}" if precision > 4 else f"{day} {at:%H} h"
