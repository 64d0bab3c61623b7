"""Rows in, records out: the only place that knows in which order columns stand."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from gateway.delivery import Attempt, Delivery, NewDelivery, Outcome, Purpose, State, Step
from gateway.message import Identifier, Kind, Location, Patient, Priority
from gateway.store import (
    Acknowledgement,
    Arrival,
    DeviceRow,
    Outage,
    PlatformRow,
    SlipRecord,
    Stored,
    Whereabouts,
    Word,
)

# Words of ours are `StrEnum`s: they are text, and bound as they are.
Row = tuple[Any, ...]


def plain(text: str) -> str:
    """Text that SQLite can hold: a lone surrogate from a doubtful reading is written as its escape."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


_TEXTS: dict[int, tuple[tuple[Step, ...], str]] = {}


def steps_text(steps: tuple[Step, ...]) -> str:
    # A site has a handful of plans, each one object: to hash its steps would cost more than to find it.
    found = _TEXTS.get(id(steps))
    if found is not None and found[0] is steps:
        return found[1]
    if len(_TEXTS) >= 256:
        _TEXTS.clear()
    text = json.dumps([_step(step) for step in steps], separators=(",", ":"))
    _TEXTS[id(steps)] = steps, text
    return text


@lru_cache(maxsize=256)
def steps(text: str) -> tuple[Step, ...]:
    return tuple(
        Step(by=by, within=within, to=to[0] if to else "") for by, within, *to in json.loads(text)
    )


def _step(step: Step) -> list[Any]:
    return [step.by, step.within, step.to] if step.to else [step.by, step.within]


def message_values(
    arrival: Arrival,
    *,
    sha256: bytes,
    patient_key: str,
    reused: int | None,
    outage_id: int | None,
    state: str,
    closed_at: float | None,
) -> Row:
    """For MESSAGE_INSERT."""
    message = arrival.message
    return (
        arrival.intake,
        plain(arrival.peer),
        arrival.received_at,
        arrival.format,
        sha256,
        plain(message.control_id),
        plain(message.sender),
        message.kind,
        plain(message.type),
        message.priority,
        plain(arrival.ward),
        patient_key,
        message.test,
        plain(arrival.refused),
        reused,
        json.dumps(message.warnings) if message.warnings else "[]",
        outage_id,
        state,
        closed_at,
    )


def delivery_values(delivery: Delivery) -> Row:
    """For DELIVERY_INSERT."""
    return (
        delivery.id,
        delivery.message_id,
        delivery.to,
        delivery.purpose,
        delivery.priority,
        delivery.patient_key,
        steps_text(delivery.steps),
        delivery.created_at,
        delivery.step,
        delivery.step_since,
        delivery.state,
        delivery.due,
        delivery.degraded,
        plain(delivery.reason),
        delivery.expires_at,
        delivery.priority.rank,
        delivery.lane,
        delivery.deadline,
        steps_text(delivery.beside),
    )


def move_values(delivery: Delivery) -> Row:
    """For MOVE."""
    return (
        delivery.step,
        delivery.step_since,
        delivery.state,
        delivery.due,
        delivery.tries,
        delivery.cycles,
        delivery.doubtful,
        delivery.degraded,
        plain(delivery.reason),
        delivery.expires_at,
        delivery.lane,
        delivery.deadline,
        delivery.id,
    )


def move_if_values(delivery: Delivery, *, before: Delivery) -> Row:
    """For MOVE_IF."""
    new = move_values(delivery)[:-1]
    return (*new, before.id, before.state, before.step, before.tries, before.cycles)


def begun(new: NewDelivery, *, id: int, message_id: int, patient_key: str, at: float) -> Delivery:
    """A new delivery as it will stand: an open one is due at once, its first step begins now."""
    return Delivery(
        id=id,
        message_id=message_id,
        to=new.to,
        purpose=new.purpose,
        priority=new.priority,
        patient_key=patient_key,
        steps=new.steps,
        created_at=at,
        step=new.step,
        step_since=at,
        state=new.state,
        due=at if new.state is State.OPEN else None,
        degraded=new.degraded,
        reason=new.reason,
        expires_at=new.expires_at,
        beside=new.beside,
    )


def delivery(row: Row) -> Delivery:
    """From DELIVERY_COLUMNS."""
    return Delivery(
        id=row[0],
        message_id=row[1],
        to=row[2],
        purpose=Purpose(row[3]),
        priority=Priority(row[4]),
        patient_key=row[5],
        steps=steps(row[6]),
        created_at=row[7],
        step=row[8],
        step_since=row[9],
        state=State(row[10]),
        due=row[11],
        tries=row[12],
        cycles=row[13],
        doubtful=bool(row[14]),
        degraded=bool(row[15]),
        reason=row[16],
        slip=row[17],
        expires_at=row[18],
        beside=steps(row[19]),
    )


def attempt(row: Row) -> Attempt:
    """From ATTEMPT_COLUMNS."""
    return Attempt(
        id=row[0],
        delivery_id=row[1],
        channel=row[2],
        device=row[3],
        at=row[4],
        ended_at=row[5],
        outcome=Outcome(row[6]) if row[6] is not None else None,
        detail=row[7],
        slip=row[8],
        reprint=row[9],
    )


def stored(row: Row) -> Stored:
    """From STORED_COLUMNS."""
    return Stored(
        id=row[0],
        intake=row[1],
        peer=row[2],
        received_at=row[3],
        format=row[4],
        raw=row[5] or b"",
        sha256=row[6],
        control_id=row[7],
        sender=row[8],
        kind=Kind(row[9]),
        type=row[10],
        priority=Priority(row[11]),
        ward=row[12],
        patient_key=row[13],
        test=bool(row[14]),
        refused=row[15],
        reused=row[16],
        warnings=tuple(json.loads(row[17])),
        outage_id=row[18],
    )


def acknowledgement_values(said: Acknowledgement) -> Row:
    """For ACKNOWLEDGEMENT_INSERT."""
    return (
        said.message_id,
        said.delivery_id,
        said.at,
        plain(said.person),
        plain(said.name),
        said.via,
        said.accepted,
        plain(said.conveyed),
        said.read_back,
        json.dumps(said.keyed),
        plain(said.difficulties),
    )


def acknowledgement(row: Row) -> Acknowledgement:
    """From ACKNOWLEDGEMENT_COLUMNS."""
    return Acknowledgement(
        message_id=row[0],
        delivery_id=row[1],
        at=row[2],
        person=row[3],
        name=row[4],
        via=row[5],
        accepted=bool(row[6]),
        conveyed=row[7],
        read_back=row[8],
        keyed=tuple(json.loads(row[9])),
        difficulties=row[10],
    )


def slip_record(row: Row) -> SlipRecord:
    ward, number, delivery_id, device, at, state, confirmed = row
    return SlipRecord(
        ward=ward,
        number=number,
        delivery_id=delivery_id,
        device=device,
        at=at,
        state=State(state),
        confirmed=bool(confirmed),
    )


def whereabouts_values(where: Whereabouts) -> Row:
    """Patient, location, ward and moment, as columns."""
    location = None if where.location is None else json.dumps(asdict(where.location))
    return json.dumps(asdict(where.patient)), location, where.ward, where.at


def whereabouts(row: Row) -> Whereabouts:
    patient = json.loads(row[0])
    patient["identifiers"] = tuple(Identifier(**i) for i in patient["identifiers"])
    location = None if row[1] is None else Location(**json.loads(row[1]))
    return Whereabouts(patient=Patient(**patient), location=location, ward=row[2], at=row[3])


def outage(row: Row) -> Outage:
    return Outage(id=row[0], began_at=row[1], ended_at=row[2], reason=row[3], by=row[4])


def word(row: Row) -> Word:
    return Word(
        id=row[0], at=row[1], by=row[2], word=row[3], reason=row[4], detail=json.loads(row[5])
    )


def device(row: Row) -> DeviceRow:
    return DeviceRow(name=row[0], state=row[1], reasons=tuple(json.loads(row[2])), since=row[3])


def platform(row: Row) -> PlatformRow:
    return PlatformRow(state=row[0], since=row[1], reason=row[2], by=row[3], proof=bool(row[4]))
