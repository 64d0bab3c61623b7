"""What the command line shows, read from the file itself, whether or not the service runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import apsw

from gateway.delivery import Purpose, State
from gateway.errors import Unusable
from gateway.message import Kind
from gateway.store import migrate, reads, rows
from gateway.store.connection import NoStore, Path_, StoreRefused, readable
from gateway.store.journal import chain_end
from gateway.store.standing import Standing

__all__ = ["NoStore", "StoreRefused", "listing", "message", "messages", "report", "status"]

_MESSAGE = """
SELECT id, control_id, sender, intake, format, kind, priority, ward, received_at, state, outage_id,
       patient_key, refused
FROM message
"""
_BY_CONTROL_ID = _MESSAGE + "WHERE control_id = ? AND control_id <> '' ORDER BY id"
_BY_ID = _MESSAGE + "WHERE id = ?"
_BY_OUTAGE = _MESSAGE + "WHERE outage_id = ? ORDER BY id"
_ALL = _MESSAGE + "WHERE kind <> 'notice' ORDER BY id"

_CONTENT = "SELECT raw FROM content WHERE message_id = ?"
_DELIVERIES = """
SELECT id, recipient, purpose, steps, step, state, slip, reason FROM delivery WHERE message_id = ? ORDER BY id
"""
# Of the summaries that stand for a message's own deliveries.
_STAND_INS = """
SELECT d.id, d.recipient, d.purpose, d.steps, d.step, d.state, d.slip, d.reason
FROM delivery own JOIN stand_in s ON s.delivery_id = own.id JOIN delivery d ON d.message_id = s.message_id
WHERE own.message_id = ? ORDER BY d.id
"""
_ATTEMPTS = """
SELECT channel, device, at, ended_at, outcome, detail, slip, reprint
FROM attempt WHERE delivery_id = ? ORDER BY id
"""

# Oldest first: who has said to have it, and who could not.
_ACKNOWLEDGED = """
SELECT at, person, name, via, accepted, conveyed, read_back, keyed, difficulties
FROM acknowledgement WHERE message_id = ? ORDER BY id
"""

_FOR_WARDS = (Kind.RESULT, Kind.ORDER, Kind.DOCUMENT)
_ARRIVED = (State.DELIVERED, State.WITHDRAWN)
_SETTLED = (Standing.RECORDED, Standing.REFUSED)


class NoOutage(Unusable, LookupError):
    """There was no such outage."""


def status(path: Path_) -> dict[str, Any]:
    """Platform, devices, counts, the outage that is open, and the journal's head (to be printed).

    The platform is "suspect" until the service has looked at it once.
    """
    with reading(path) as connection:
        return {
            "platform": _platform(connection),
            "devices": {name: _device(row) for name, row in reads.devices(connection).items()},
            "counts": reads.counts(connection),
            "outage": next(
                (_outage(o) for o in reads.outages(connection) if o.ended_at is None), None
            ),
            "journal": head(connection),
        }


def messages(path: Path_, control_id: str | None = None) -> list[dict[str, Any]]:
    """Messages that came in, oldest first, each with its deliveries and their attempts.

    Moments are ISO 8601 in UTC with milliseconds: "2026-11-23T19:24:00.123+00:00".
    """
    with reading(path) as connection:
        return listing(connection, control_id)


def message(path: Path_, message_id: int) -> dict[str, Any]:
    """One message as in `messages`. Raises LookupError when there is none."""
    with reading(path) as connection:
        for found in _listed(connection, _BY_ID, (message_id,)):
            return found
    raise LookupError(f"no message {message_id}")


def listing(connection: apsw.Connection, control_id: str | None = None) -> list[dict[str, Any]]:
    """As `messages`, on a connection that is open already."""
    if control_id is None:
        return _listed(connection, _ALL, ())
    return _listed(connection, _BY_CONTROL_ID, (rows.plain(control_id),))


def report(
    path: Path_,
    outage_id: int | None = None,
    *,
    each: Callable[[dict[str, Any]], dict[str, Any]] = lambda message: message,
) -> dict[str, Any]:
    """Who received what during an outage (the last one when not named), and what nobody received.

    Each message as in `messages`, with its `raw` bytes (None once purged), and then as `each` makes it,
    before the next one is read: an outage of a day has more bytes than a process should hold. `nobody` are
    the ids of those that reached nobody. Raises NoOutage with one line when there was no such outage.
    """
    with reading(path) as connection:
        outage = _chosen(connection, outage_id)
        counts = {state.value: 0 for state in Standing}
        told, nobody = [], []
        cursor = connection.cursor()  # its own: others run meanwhile
        for row in cursor.execute(_BY_OUTAGE, (outage.id,)):
            message = _message(connection, row)
            counts[message["state"]] += 1
            if _by_nobody(message):
                nobody.append(message["id"])
            message["raw"] = _raw(connection, message["id"])
            told.append(each(message))
        return {
            "outage": _outage(outage),
            "counts": counts,
            "nobody": nobody,
            "messages": told,
            "journal": head(connection),
        }


def head(connection: apsw.Connection) -> dict[str, Any]:
    seq, digest = chain_end(connection.execute)
    return {"seq": seq, "hash": digest.hex()}


def moment(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


# -- details


@contextmanager
def reading(path: Path_) -> Iterator[apsw.Connection]:
    """One moment of the store: everything read in it belongs together."""
    connection = readable(path)
    try:
        migrate.check(connection)
        connection.execute("BEGIN")
        yield connection
    except apsw.Error as error:
        raise StoreRefused(f"{path}: cannot read the store: {error}") from error
    finally:
        connection.close()


def _listed(
    connection: apsw.Connection, sql: str, values: Sequence[object]
) -> list[dict[str, Any]]:
    return [_message(connection, row) for row in connection.execute(sql, values).fetchall()]


def _message(connection: apsw.Connection, row: rows.Row) -> dict[str, Any]:
    (
        message_id,
        control_id,
        sender,
        intake,
        form,
        kind,
        priority,
        ward,
        received_at,
        state,
        outage,
        patient,
        refused,
    ) = row
    found = connection.execute(_DELIVERIES, (message_id,)).fetchall()
    deliveries = [_delivery(connection, delivery) for delivery in found]
    found = connection.execute(_STAND_INS, (message_id,)).fetchall()
    stand_ins = [_delivery(connection, delivery) for delivery in found]
    found = connection.execute(_ACKNOWLEDGED, (message_id,)).fetchall()
    acknowledgements = [_acknowledgement(said) for said in found]
    return {
        "id": message_id,
        "control_id": control_id,
        "sender": sender,
        "intake": intake,
        "format": form,
        "kind": kind,
        "priority": priority,
        "ward": ward,
        "received_at": moment(received_at),
        "state": state,
        "received": state == Standing.DELIVERED
        or _at_its_wards(deliveries)
        or _elsewhere(deliveries, stand_ins)
        or any(said["accepted"] for said in acknowledgements),
        "refused": refused,
        "outage": outage,
        "patient": patient,
        "deliveries": deliveries,
        "stand_ins": stand_ins,
        "acknowledgements": acknowledgements,
    }


def _acknowledgement(row: rows.Row) -> dict[str, Any]:
    at, person, name, via, accepted, conveyed, read_back, keyed, difficulties = row
    return {
        "at": moment(at),
        "person": person,
        "name": name,
        "via": via,
        "accepted": bool(accepted),
        "conveyed": conveyed,
        "read_back": read_back,
        "keyed": json.loads(keyed),
        "difficulties": difficulties,
    }


def _by_nobody(message: dict[str, Any]) -> bool:
    """Of those that somebody waits for: what was refused was told to its sender and to the lab."""
    wanted = message["kind"] in _FOR_WARDS and message["state"] not in _SETTLED
    return wanted and not message["received"]


def _at_its_wards(deliveries: Sequence[dict[str, Any]]) -> bool:
    """Whether every ward it is for has it, though somebody may still be rung about it."""
    wards = [d["state"] for d in deliveries if d["purpose"] == Purpose.WARD]
    return bool(wards) and all(state in _ARRIVED for state in wards)


def _elsewhere(deliveries: Sequence[dict[str, Any]], stand_ins: Sequence[dict[str, Any]]) -> bool:
    """Whether somebody has it by another way than its own: the platform took it back, or a summary came
    out. A summary that still waits for paper has told nobody."""
    back = [d for d in deliveries if d["purpose"] == Purpose.HANDBACK]
    return any(d["state"] == State.DELIVERED for d in (*back, *stand_ins))


def _raw(connection: apsw.Connection, message_id: int) -> bytes | None:
    found: list[Any] = connection.execute(_CONTENT, (message_id,)).fetchall()
    return found[0][0] if found else None


def _delivery(connection: apsw.Connection, row: rows.Row) -> dict[str, Any]:
    delivery_id, to, purpose, steps, step, state, slip, reason = row
    found = connection.execute(_ATTEMPTS, (delivery_id,)).fetchall()
    return {
        "id": delivery_id,
        "to": to,
        "purpose": purpose,
        "channel": json.loads(steps)[step][0],
        "state": state,
        "slip": slip,
        "reason": reason,
        "attempts": [_attempt(attempt) for attempt in found],
    }


def _attempt(row: rows.Row) -> dict[str, Any]:
    channel, device, at, ended_at, outcome, detail, slip, reprint = row
    return {
        "at": moment(at),
        "ended_at": moment(ended_at),
        "outcome": outcome,
        "detail": detail,
        "channel": channel,
        "device": device,
        "slip": slip,
        "reprint": reprint,
    }


def _platform(connection: apsw.Connection) -> dict[str, Any]:
    row = reads.platform(connection)
    if row is None:
        return {"state": "suspect", "since": None, "reason": "", "by": ""}
    return {"state": row.state, "since": moment(row.since), "reason": row.reason, "by": row.by}


def _device(row: Any) -> dict[str, Any]:
    return {"state": row.state, "reasons": list(row.reasons), "since": moment(row.since)}


def _outage(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "began_at": moment(row.began_at),
        "ended_at": moment(row.ended_at),
        "reason": row.reason,
        "by": row.by,
    }


def _chosen(connection: apsw.Connection, outage_id: int | None) -> Any:
    found = [o for o in reads.outages(connection) if outage_id in (None, o.id)]
    if not found:
        which = "" if outage_id is None else f" {outage_id}"
        raise NoOutage(f"no outage{which} in this store")
    return found[-1]
