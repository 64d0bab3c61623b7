"""What a person does at the laboratory's desk: typed as a verb or clicked in the console, the same act."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.delivery import Attempt, Delivery, Purpose
from gateway.errors import Unusable
from gateway.store import Acknowledgement, Fate, Store, Stored, views
from gateway.store.connection import Path_
from printers import code

#: How far back the worklist looks unless somebody says otherwise, seconds.
SINCE = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A critical result that nobody said to have, and what was tried."""

    stored: Stored
    codes: tuple[str, ...]  # under its slips, as printed
    calls: tuple[Attempt, ...]  # oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A message that waits for a person's word."""

    stored: Stored
    to: tuple[str, ...]  # whom it would go to
    reason: str  # why nobody vouches for it


def status(path: Path_, *, devices: Sequence[str], platform: bool) -> dict[str, Any]:
    """The platform, the devices and the counts; a device never heard of is "unknown"."""
    found = views.status(path)
    if not platform:
        found["platform"] = {"state": "none", "since": None, "reason": "", "by": ""}
    heard = found["devices"]
    unknown: dict[str, Any] = {"state": "unknown", "reasons": [], "since": None}
    found["devices"] = {name: heard.get(name, unknown) for name in devices}
    return found


async def worklist(store: Store, *, since: float) -> list[Waiting]:
    """Critical results received since then that nobody said to have, oldest first: whom to call next."""
    return [await _waiting(store, stored) for stored in await store.unacknowledged(since=since)]


async def slip(store: Store, written: str) -> Delivery:
    """The delivery whose slip has this code. Raises Unusable for a mistyped code, or one of no slip."""
    try:
        number = code.check(written)
    except ValueError as error:
        raise Unusable(f"{written}: {error}") from error
    try:
        return await store.delivery(number)
    except LookupError as error:
        raise Unusable(f"{written}: there is no slip of this code") from error


async def acknowledge(
    store: Store,
    delivery: Delivery,
    *,
    by: str,
    person: str,
    read_back: Sequence[str],
    via: str,
    at: float,
) -> list[Delivery]:
    """Somebody said to have a slip, and read these values back: on disk when this returns.

    The deliveries that ended by it.
    """
    said = Acknowledgement(
        message_id=delivery.message_id,
        delivery_id=delivery.id,
        at=at,
        name=by,
        person=person,
        via=via,
        read_back="ok" if read_back else "",
        keyed=tuple(read_back),
    )
    return await store.acknowledge(said)


async def held(store: Store) -> list[Kept]:
    """What nobody vouches for, oldest first; each message once, whoever it would go to."""
    waiting: dict[int, list[str]] = {}
    for delivery in await store.quarantined():
        waiting.setdefault(delivery.message_id, []).append(delivery.to)
    return [await _kept(store, number, to) for number, to in waiting.items()]


async def judge(
    store: Store, message_id: int, *, through: bool, by: str, reason: str, at: float
) -> None:
    """Let it through, or refuse it for good. Raises Unusable when it does not wait."""
    moved = await store.judge(message_id, through=through, by=by, reason=reason, at=at)
    if not moved:
        raise Unusable(
            f"message {message_id} does not wait: `wardline held list` names those that do"
        )


async def _waiting(store: Store, stored: Stored) -> Waiting:
    fates = await store.fates(stored.id)
    calls = (a for f in fates if f.delivery.purpose is Purpose.CALL for a in f.attempts)
    return Waiting(
        stored=stored,
        codes=tuple(_codes(fates)),
        calls=tuple(sorted(calls, key=lambda attempt: attempt.at)),
    )


def _codes(fates: Sequence[Fate]) -> Iterator[str]:
    """Of what came out, or is to come out, on paper; a result that came out nowhere has its first one's."""
    own = [f.delivery for f in fates if f.delivery.purpose in (Purpose.WARD, Purpose.COPY)]
    papers = [delivery for delivery in own if delivery.slip is not None]
    return (code.make(delivery.id) for delivery in papers or own[:1])


async def _kept(store: Store, message_id: int, to: Sequence[str]) -> Kept:
    stored = await store.content(message_id)
    fates = await store.fates(message_id)
    told = (f.delivery.reason for f in fates if f.delivery.purpose is Purpose.NOTICE)
    return Kept(stored=stored, to=tuple(to), reason=next(filter(None, told), ""))
