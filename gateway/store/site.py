"""What is remembered of the site itself: outages, the platform, devices, people's words; and forgetting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.store import DeviceRow, Outage, PlatformRow, Word, queries, rows
from gateway.store.work import Work


def begin_outage(work: Work, *, at: float, reason: str, by: str) -> Outage:
    """Open an outage, or return the one that is open.

    Messages still open belong to it, and those that came since `at`.
    """
    if work.outage is not None:
        return rows.outage(work.outage)
    number = work.insert(queries.OUTAGE_BEGIN, (at, rows.plain(reason), rows.plain(by)))
    taken = work.change(queries.OUTAGE_TAKES, (number,))
    taken += work.change(queries.OUTAGE_TAKES_RECENT, (number, at))
    work.outage_changed()
    detail = {"by": by, "messages": taken, "outage": number, "reason": reason}
    work.journal.append("outage began", at=at, detail=detail)
    return Outage(id=number, began_at=at, ended_at=None, reason=reason, by=by)


def end_outage(work: Work, *, at: float) -> Outage | None:
    if work.outage is None:
        return None
    began = rows.outage(work.outage)
    work.execute(queries.OUTAGE_END, (at, began.id))
    work.outage_changed()
    work.journal.append("outage ended", at=at, detail={"outage": began.id})
    return Outage(
        id=began.id, began_at=began.began_at, ended_at=at, reason=began.reason, by=began.by
    )


def save_platform(work: Work, row: PlatformRow) -> None:
    values = (row.state, row.since, rows.plain(row.reason), rows.plain(row.by), row.proof)
    work.execute(queries.PLATFORM_SAVE, values)
    detail = {"by": row.by, "reason": row.reason, "state": row.state}
    work.journal.append("platform", at=row.since, detail=detail)


def save_device(work: Work, row: DeviceRow) -> None:
    values = (row.name, row.state, json.dumps(row.reasons), row.since)
    work.execute(queries.DEVICE_SAVE, values)
    detail = {"device": row.name, "reasons": row.reasons, "state": row.state}
    work.journal.append("device", at=row.since, detail=detail)


def say(
    work: Work, *, at: float, by: str, word: str, reason: str, detail: Mapping[str, Any]
) -> Word:
    text = json.dumps(dict(detail))
    values = (at, rows.plain(by), rows.plain(word), rows.plain(reason), text)
    number = work.insert(queries.WORD_INSERT, values)
    said = {"by": by, "id": number, "reason": reason, "word": word}
    work.journal.append("said", at=at, detail=said)
    return Word(id=number, at=at, by=by, word=word, reason=reason, detail=json.loads(text))


def remember(work: Work, name: str, value: Mapping[str, Any] | None, *, at: float) -> None:
    """Keep a small state under its name; None forgets it. Not journalled: it proves nothing."""
    if value is None:
        work.execute(queries.FORGET, (name,))
    else:
        work.execute(queries.REMEMBER, (name, json.dumps(dict(value)), at))


def note(work: Work, what: str, *, at: float, detail: Mapping[str, Any]) -> None:
    work.journal.append(what, at=at, detail=detail)


def purge(work: Work, *, before: float, limit: int) -> int:
    """Forget the content of messages closed before `before` to which nothing is owed any more."""
    found = _purgeable(work, before=before, limit=limit)
    last = work.row(queries.LAST_AT)
    for message_id in found:
        work.execute(queries.PURGE, (message_id,))
        work.execute(queries.ACKNOWLEDGEMENT_PURGE, (message_id,))
        work.journal.append(
            "purged", at=last[0] if last else before, message_id=message_id, detail={}
        )
    work.execute(queries.WHEREABOUTS_PURGE, (before,))
    return len(found)


def _purgeable(work: Work, *, before: float, limit: int) -> list[int]:
    found: list[int] = []
    for message_id, received_at, purgeable in work.each(queries.PURGEABLE, (before,)):
        if received_at >= before or len(found) >= limit:
            break
        if purgeable:
            found.append(message_id)
    return found
