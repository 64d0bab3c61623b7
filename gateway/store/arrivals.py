"""Taking a message in: the message, its plan and its journal entry, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted

from gateway.delivery import Delivery, Purpose, State
from gateway.message import Kind, Message
from gateway.store import Accepted, Arrival, Whereabouts, queries, rows
from gateway.store.moves import add_delivery, restand, shift
from gateway.store.standing import standing
from gateway.store.work import Work

_ORDERED = (Kind.RESULT, Kind.ORDER)
#: Fewer figures than this are nobody's number: "ROOM 12" would open twelve doors.
SHORTEST = 4


def accept(work: Work, arrival: Arrival) -> Accepted:
    """Write an arrival down, unless it is the same as one that came before."""
    digest = sha256(arrival.raw).digest()
    earlier = _earlier(work, arrival)
    for message_id, known in earlier:
        if known == digest:
            return _again(work, arrival, message_id)
    reused = max(earlier)[0] if earlier and not arrival.refused else None
    patient_key = _key_of(work, arrival.message)
    message_id = _insert(work, arrival, digest=digest, patient_key=patient_key, reused=reused)
    deliveries = tuple(
        add_delivery(
            work, new, message_id=message_id, patient_key=patient_key, at=arrival.received_at
        )
        for new in arrival.deliveries
    )
    _record(work, arrival, message_id=message_id, digest=digest, deliveries=deliveries)
    if arrival.whereabouts is not None:
        _place(work, arrival.whereabouts)
    if arrival.merged:
        _merge(work, arrival, message_id=message_id)
    for superseded in arrival.supersedes:
        _supersede(work, superseded, by=message_id, at=arrival.received_at)
    return Accepted(message_id=message_id, reused=reused, deliveries=deliveries)


def find(work: Work, keys: Sequence[str]) -> Whereabouts | None:
    """The newest word on a patient known by any of these numbers."""
    known = [_now(work, rows.plain(key)) for key in keys]
    found = [row for key in known if (row := work.row(queries.WHEREABOUTS, (key,)))]
    return rows.whereabouts(max(found, key=lambda row: row[3])) if found else None


def _earlier(work: Work, arrival: Arrival) -> list[tuple[int, bytes]]:
    """Messages of this sender under this control id: id and hash."""
    message = arrival.message
    identity = (rows.plain(message.control_id), rows.plain(message.sender), bool(arrival.refused))
    found = work.rows(queries.SAME_IDENTITY, identity)
    return found if len(found) < 50 else work.rows(queries.SAME_IDENTITY_NEWEST, identity)


def _again(work: Work, arrival: Arrival, message_id: int) -> Accepted:
    work.journal.append(
        "duplicate",
        at=arrival.received_at,
        message_id=message_id,
        detail={"intake": arrival.intake, "peer": arrival.peer},
    )
    return Accepted(message_id=message_id, duplicate=True)


def _insert(
    work: Work, arrival: Arrival, *, digest: bytes, patient_key: str, reused: int | None
) -> int:
    purposes = [(new.purpose, new.state) for new in arrival.deliveries]
    state = standing(purposes, refused=bool(arrival.refused))
    outage = work.outage
    message_id = work.insert(
        queries.MESSAGE_INSERT,
        rows.message_values(
            arrival,
            sha256=digest,
            patient_key=patient_key,
            reused=reused,
            outage_id=outage[0] if outage else None,
            state=state,
            closed_at=None if state == "open" else arrival.received_at,
        ),
    )
    work.execute(queries.CONTENT_INSERT, (message_id, arrival.raw))
    if arrival.message.kind in _ORDERED and not arrival.refused:
        for key in arrival.message.order_keys:
            work.execute(queries.ORDER_INSERT, (rows.plain(key), message_id))
    if arrival.message.kind is Kind.RESULT and not arrival.refused and not arrival.message.test:
        for number in _keyed(arrival.message) - {patient_key}:
            work.execute(queries.NUMBER_INSERT, (number, message_id))
    return message_id


def _keyed(message: Message) -> set[str]:
    """The patient's numbers as a telephone has them: figures and nothing else."""
    patient = message.patient
    numbers = (patient.ipp, patient.nda) if patient is not None else ()
    figures = ("".join(c for c in number if c.isascii() and c.isdecimal()) for number in numbers)
    return {number for number in figures if len(number) >= SHORTEST}


def _record(
    work: Work,
    arrival: Arrival,
    *,
    message_id: int,
    digest: bytes,
    deliveries: Sequence[Delivery],
) -> None:
    work.journal.append(
        "refused" if arrival.refused else "accepted",
        at=arrival.received_at,
        message_id=message_id,
        detail=_accepted(arrival, digest, deliveries),
    )


def _accepted(arrival: Arrival, digest: bytes, deliveries: Sequence[Delivery]) -> str:
    """Canonical JSON, written by hand: this is the entry every message pays for."""
    message = arrival.message
    rows_of_it = ",".join(f'[{d.id},{quoted(d.to)},"{d.state}"]' for d in deliveries)
    return (
        f'{{"control_id":{quoted(rows.plain(message.control_id))},"deliveries":[{rows_of_it}]'
        f',"intake":{quoted(arrival.intake)},"priority":"{message.priority}"'
        f',"sender":{quoted(rows.plain(message.sender))},"sha256":"{digest.hex()}"'
        f',"ward":{quoted(rows.plain(arrival.ward))}}}'
    )


# -- patients


def _now(work: Work, key: str) -> str:
    """The number that holds for `key`, which may have been merged into another."""
    if not work.merges:
        return key
    found = work.row(queries.ALIAS, (key,))
    return str(found[0]) if found else key


def _key_of(work: Work, message: Message) -> str:
    key = rows.plain(message.patient.key) if message.patient is not None else ""
    return _now(work, key) if key else ""


def _place(work: Work, where: Whereabouts) -> None:
    values = rows.whereabouts_values(where)
    for key in {where.patient.ipp, where.patient.nda} - {""}:
        work.execute(queries.WHEREABOUTS_SET, (_now(work, rows.plain(key)), *values))


def _merge(work: Work, arrival: Arrival, *, message_id: int) -> None:
    """ADT^A40: what stands under the number that is no more goes on under the one that remains."""
    patient = arrival.message.patient
    old, new = rows.plain(arrival.merged), rows.plain(patient.key) if patient else ""
    if not new or old == new:
        return
    work.merged()
    work.execute(queries.ALIAS_FOLLOW, (new, old))
    work.execute(queries.ALIAS_INSERT, (old, new))
    moved = work.change(queries.MERGE_OPEN, (new, old))
    moved += work.change(queries.MERGE_HELD, (new, old))
    work.execute(queries.MERGE_MESSAGES, (new, old))
    where = work.row(queries.WHEREABOUTS, (old,))
    if where is not None:
        work.execute(queries.WHEREABOUTS_SET, (new, *where))
        work.execute(queries.WHEREABOUTS_FORGET, (old,))
    work.journal.append(
        "merged", at=arrival.received_at, message_id=message_id, detail={"deliveries": moved}
    )


def _supersede(work: Work, delivery_id: int, *, by: int, at: float) -> None:
    row = work.row(queries.DELIVERY, (delivery_id,))
    if row is None or row[10] != State.OPEN or row[3] == Purpose.HANDBACK:
        return
    shift(work, rows.delivery(row), State.SUPERSEDED, at=at, detail={"by": by})
    work.execute(queries.STAND_IN, (delivery_id, by))
    restand(work, row[1], at=at)
