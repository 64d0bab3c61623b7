"""What people do with messages from the command line: say to have one, let one through, see what is left."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.asterisk.access import Weak, hashed
from gateway.clock import wall
from gateway.config import Site
from gateway.delivery import Delivery
from gateway.errors import Unusable
from gateway.store import Acknowledgement, views
from gateway.store.sqlite import SqliteStore
from printers import code

T = TypeVar("T")


def held(site: Site, word: str, number: int | None, *, reason: str, as_json: bool) -> int:
    """What waits for a person (`list`), or a person's word on one of it (`let`, `refuse`).

    Raises Unusable when message `number` does not wait.
    """
    store = SqliteStore(existing(site), reactor=None, inline=True)
    try:
        if word == "list":
            return _listed(fired(store.quarantined()), store, as_json=as_json)
        if number is None:
            raise Unusable(f"held {word}: which one? `wardline held list` names them")
        moved = fired(
            store.judge(
                number, through=word == "let", by=getpass.getuser(), reason=reason, at=wall()
            )
        )
    finally:
        store.close()
    if not moved:
        raise Unusable(f"message {number} does not wait: `wardline held list` names those that do")
    print(f"message {number}: {'let through' if word == 'let' else 'refused'}")
    return 0


def _listed(waiting: list[Delivery], store: SqliteStore, *, as_json: bool) -> int:
    found = []
    for delivery in waiting:
        stored = fired(store.content(delivery.message_id))
        found.append(
            {
                "id": stored.id,
                "received_at": views.moment(stored.received_at),
                "intake": stored.intake,
                "sender": stored.sender,
                "control_id": stored.control_id,
                "to": delivery.to,
            }
        )
    if as_json:
        return as_text(found)
    for one in found:
        print("{id:6} {received_at} {intake} {sender}: {control_id} for {to}".format_map(one))
    if not found:
        print("nothing waits for a person")
    return 0


def acknowledge(site: Site, slip: str, *, by: str, person: str, read_back: str) -> int:
    """Somebody told the laboratory that they have a slip. Raises Unusable for a mistyped code."""
    try:
        number = code.check(slip)
    except ValueError as error:
        raise Unusable(f"{slip}: {error}") from error
    store = SqliteStore(existing(site), reactor=None, inline=True)
    try:
        try:
            delivery = fired(store.delivery(number))
        except LookupError as error:
            raise Unusable(f"{slip}: there is no slip of this code") from error
        said = Acknowledgement(
            message_id=delivery.message_id,
            delivery_id=delivery.id,
            at=wall(),
            name=by,
            person=person,
            via="desk",
            read_back="ok" if read_back else "",
            keyed=(read_back,) if read_back else (),
        )
        ended = fired(store.acknowledge(said))
    finally:
        store.close()
    print(f"acknowledged by {by}: message {delivery.message_id}, {len(ended)} deliveries ended")
    return 0


def pin(*, code: str, ask: Callable[[str], str] = getpass.getpass) -> int:
    """Ask for a PIN twice where nobody sees it, and print its hash. Raises Unusable for a weak one."""
    keyed = ask("PIN: ")
    try:
        made = hashed(keyed, code=code)
    except Weak as weak:
        raise Unusable(f"this PIN will not do: {weak}") from weak
    if ask("once more: ") != keyed:
        raise Unusable("the two are not the same")
    print(made)
    return 0


def worklist(site: Site, *, since: float, as_json: bool) -> int:
    """Critical results that no person has said to have, oldest first: whom the laboratory calls next."""
    store = SqliteStore(existing(site), reactor=None, inline=True)
    try:
        waiting = fired(store.unacknowledged(since=wall() - since))
    finally:
        store.close()
    found = [
        {
            "id": stored.id,
            "control_id": stored.control_id,
            "ward": stored.ward,
            "received_at": views.moment(stored.received_at),
            "minutes": int((wall() - stored.received_at) // 60),
        }
        for stored in waiting
    ]
    if as_json:
        return as_text(found)
    for one in found:
        print("{minutes:5} min  {ward:8} {control_id} (message {id})".format_map(one))
    if not found:
        print("every critical result has been acknowledged")
    return 0


def existing(site: Site) -> Path:
    path = site.database()
    if not path.exists():
        raise Unusable(f"{path}: there is no store yet")
    return path


def fired(deferred: Deferred[T]) -> T:
    """The result of a Deferred of an inline store, which has fired already."""
    results: list[T] = []
    failures: list[Failure] = []
    deferred.addCallbacks(results.append, failures.append)
    if failures:
        failures[0].raiseException()
    return results[0]


def as_text(found: Any) -> int:
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0
