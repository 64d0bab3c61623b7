"""What people do with messages from the command line: say to have one, let one through, see what is left."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway import desk
from gateway.asterisk.access import Weak, hashed
from gateway.clock import wall
from gateway.config import Site
from gateway.errors import Unusable
from gateway.store import views
from gateway.store.sqlite import SqliteStore

T = TypeVar("T")


def held(site: Site, word: str, number: int | None, *, reason: str, as_json: bool) -> int:
    """What waits for a person (`list`), or a person's word on one of it (`let`, `refuse`).

    Raises Unusable when message `number` does not wait.
    """
    if word != "list" and number is None:
        raise Unusable(f"held {word}: which one? `wardline held list` names them")
    with _store(site) as store:
        if number is None or word == "list":
            return _listed(_did(desk.held(store)), as_json=as_json)
        through, by = word == "let", getpass.getuser()
        _did(desk.judge(store, number, through=through, by=by, reason=reason, at=wall()))
    print(f"message {number}: {'let through' if through else 'refused'}")
    return 0


def _listed(waiting: list[desk.Kept], *, as_json: bool) -> int:
    found = [
        {
            "id": kept.stored.id,
            "received_at": views.moment(kept.stored.received_at),
            "intake": kept.stored.intake,
            "sender": kept.stored.sender,
            "control_id": kept.stored.control_id,
            "to": to,
        }
        for kept in waiting
        for to in kept.to
    ]
    if as_json:
        return as_text(found)
    for one in found:
        print("{id:6} {received_at} {intake} {sender}: {control_id} for {to}".format_map(one))
    if not found:
        print("nothing waits for a person")
    return 0


def acknowledge(site: Site, slip: str, *, by: str, person: str, read_back: str) -> int:
    """Somebody told the laboratory that they have a slip. Raises Unusable for a mistyped code."""
    with _store(site) as store:
        delivery = _did(desk.slip(store, slip))
        back = (read_back,) if read_back else ()
        said = desk.acknowledge(
            store, delivery, by=by, person=person, read_back=back, via="desk", at=wall()
        )
        ended = _did(said)
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
    now = wall()
    with _store(site) as store:
        waiting = _did(desk.worklist(store, since=now - since))
    found = [
        {
            "id": one.stored.id,
            "control_id": one.stored.control_id,
            "ward": one.stored.ward,
            "received_at": views.moment(one.stored.received_at),
            "minutes": int((now - one.stored.received_at) // 60),
        }
        for one in waiting
    ]
    if as_json:
        return as_text(found)
    for line in found:
        print("{minutes:5} min  {ward:8} {control_id} (message {id})".format_map(line))
    if not found:
        print("every critical result is acknowledged, or in its ward where nobody was to be called")
    return 0


@contextmanager
def _store(site: Site) -> Iterator[SqliteStore]:
    store = SqliteStore(existing(site), reactor=None, inline=True)
    try:
        yield store
    finally:
        store.close()


def _did(work: Coroutine[Any, Any, T]) -> T:
    """The result of work on an inline store, which never waits."""
    return fired(Deferred.fromCoroutine(work))


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
