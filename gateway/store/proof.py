"""What the journal says of messages, deliveries and attempts, held against their rows."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

import apsw

from gateway.delivery import Outcome, Purpose, State
from gateway.store.journal import Entry
from gateway.store.standing import standing

_MESSAGE = """
SELECT m.sha256, m.control_id, m.sender, m.intake, m.ward, m.priority, c.raw
FROM message m LEFT JOIN content c ON c.message_id = m.id WHERE m.id = ?
"""
_MESSAGES = "SELECT id FROM message ORDER BY id"
_DELIVERY = "SELECT message_id, recipient FROM delivery WHERE id = ?"
_DELIVERIES = "SELECT id, state, slip FROM delivery ORDER BY id"
_ATTEMPT = "SELECT delivery_id, channel, device, slip FROM attempt WHERE id = ?"
_ATTEMPTS = "SELECT id, outcome FROM attempt ORDER BY id"
_STANDING = """
SELECT m.id, m.state, m.refused, json_group_array(json_array(d.purpose, d.state))
FROM message m LEFT JOIN delivery d ON d.message_id = m.id GROUP BY m.id ORDER BY m.id
"""

_STATES = {state.value: number for number, state in enumerate(State, start=1)}
# A claim is no act: between the journal's word and the attempt's end a row may be on its way.
_STATES["sending"] = _STATES["open"]
_OUTCOMES = {None: 1} | {outcome.value: number for number, outcome in enumerate(Outcome, start=2)}


class Altered(Exception):
    """An entry, or something an entry speaks of, is not as it was written."""

    def __init__(self, entry: int, reason: str) -> None:
        super().__init__(f"entry {entry}: {reason}")
        self.entry = entry
        self.reason = reason


class _Ledger:
    """For each id the last value said of it and the entry that said it; 9 bytes an id."""

    def __init__(self) -> None:
        self.value = array("B")
        self.said = array("q")

    def note(self, number: int, value: int, *, seq: int) -> None:
        missing = number + 1 - len(self.value)
        if missing == 1:
            self.value.append(value)
            self.said.append(seq)
            return
        if missing > 1:
            self.value.extend([0] * missing)
            self.said.extend([0] * missing)
        self.value[number] = value
        self.said[number] = seq

    def get(self, number: int) -> tuple[int, int]:
        """The value, 0 when nothing was ever said, and the entry."""
        if 0 <= number < len(self.value):
            return self.value[number], self.said[number]
        return 0, 0


class Proof:
    """Hears every entry in order, then compares what it heard with the rows as they stand."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = connection.cursor().execute
        self._seq = 0
        self._messages = _Ledger()  # 1 its bytes are there, 2 they are not, 3 they were purged
        self._deliveries = _Ledger()
        self._attempts = _Ledger()
        self._slips: dict[int, int] = {}

    def hear(self, entry: Entry) -> None:
        """Raises Altered when the entry contradicts what cannot have changed since."""
        self._seq = entry.seq
        if entry.delivery_id is None and entry.what in {"accepted", "refused"}:
            self._accepted(entry, _detail(entry))
        elif entry.what == "purged" and entry.message_id is not None:
            self._messages.note(entry.message_id, 3, seq=entry.seq)
        elif entry.delivery_id is not None:
            self._moved(entry, entry.delivery_id, _detail(entry))

    def compare(self) -> None:
        """Raises Altered for the first row that contradicts the last word on it."""
        found = [*self._odd_messages(), *self._odd_deliveries(), *self._odd_attempts()]
        # A message's state follows from its deliveries': where those are wrong, it is no news.
        if found := found or self._odd_standings():
            raise Altered(*min(found))

    # -- heard

    def _accepted(self, entry: Entry, detail: dict[str, Any]) -> None:
        number = entry.message_id
        row = self._row(_MESSAGE, number)
        if row is None or number is None:
            raise Altered(entry.seq, f"its message {number} is gone")
        digest, *rest, raw = row
        names = ("control_id", "sender", "intake", "ward", "priority")
        if digest.hex() != detail["sha256"] or rest != [detail[name] for name in names]:
            raise Altered(entry.seq, f"its message {number} was changed")
        if raw is not None and sha256(raw).digest() != digest:
            raise Altered(entry.seq, f"the bytes of its message {number} were changed")
        self._messages.note(number, 2 if raw is None else 1, seq=entry.seq)
        for delivery_id, to, state in detail["deliveries"]:
            self._began(entry, delivery_id, to, state)

    def _began(self, entry: Entry, delivery_id: int, to: str, state: str) -> None:
        if self._row(_DELIVERY, delivery_id) != (entry.message_id, to):
            raise Altered(entry.seq, f"its delivery {delivery_id} is gone or was changed")
        self._deliveries.note(delivery_id, _STATES[state], seq=entry.seq)

    def _moved(self, entry: Entry, delivery_id: int, detail: dict[str, Any]) -> None:
        if entry.what == "owed":
            self._began(entry, delivery_id, detail["to"], detail["state"])
        elif entry.what == "attempt":
            self._tried(entry, delivery_id, detail)
        elif "state" in detail:
            self._deliveries.note(delivery_id, _STATES[detail["state"]], seq=entry.seq)
        if "outcome" in detail and not detail.get("late"):
            self._attempts.note(detail["attempt"], _OUTCOMES[detail["outcome"]], seq=entry.seq)
        for attempt in detail.get("attempts", ()):
            self._attempts.note(attempt, _OUTCOMES["uncertain"], seq=entry.seq)

    def _tried(self, entry: Entry, delivery_id: int, detail: dict[str, Any]) -> None:
        number, slip = detail["attempt"], detail["slip"]
        if self._row(_ATTEMPT, number) != (delivery_id, detail["channel"], detail["device"], slip):
            raise Altered(entry.seq, f"its attempt {number} is gone or was changed")
        self._attempts.note(number, _OUTCOMES[None], seq=entry.seq)
        if slip is not None:
            self._slips[delivery_id] = slip

    # -- compared

    def _odd_messages(self) -> list[tuple[int, str]]:
        known = self._rows(_MESSAGES)
        odd = [
            (self._seq, f"message {number} was never accepted")
            for (number,) in known
            if not self._messages.get(number)[0]
        ]
        lost = [n for n, value in enumerate(self._messages.value) if value == 2]
        return odd + [
            (self._messages.said[n], f"the bytes of its message {n} are gone") for n in lost
        ]

    def _odd_deliveries(self) -> list[tuple[int, str]]:
        odd = []
        for number, state, slip in self._rows(_DELIVERIES):
            value, seq = self._deliveries.get(number)
            if not value:
                odd.append((self._seq, f"delivery {number} stands in no entry"))
            elif _STATES.get(state) != value or slip != self._slips.get(number):
                odd.append((seq, f"its delivery {number} was changed"))
        return odd

    def _odd_attempts(self) -> list[tuple[int, str]]:
        odd = []
        for number, outcome in self._rows(_ATTEMPTS):
            value, seq = self._attempts.get(number)
            if not value:
                odd.append((self._seq, f"attempt {number} stands in no entry"))
            elif _OUTCOMES.get(outcome) != value:
                odd.append((seq, f"its attempt {number} was changed"))
        return odd

    def _odd_standings(self) -> list[tuple[int, str]]:
        return [
            (
                self._messages.get(number)[1] or self._seq,
                f"the state of message {number} was changed",
            )
            for number, state, refused, deliveries in self._rows(_STANDING)
            if state != _stands(deliveries, refused=refused)
        ]

    def _row(self, sql: str, number: int | None) -> Any:
        found = self._execute(sql, (number,)).fetchall()
        return found[0] if found else None

    def _rows(self, sql: str, values: Sequence[object] = ()) -> apsw.Cursor:
        return self._connection.execute(sql, values)


def _detail(entry: Entry) -> dict[str, Any]:
    """As it was written, without blanks: half the time that `json.loads` takes to look for them."""
    detail: dict[str, Any] = _read(entry.detail)[0]
    return detail


_read = json.JSONDecoder().raw_decode


@lru_cache(maxsize=1024)  # most messages have the same few
def _stands(deliveries: str, *, refused: str) -> str | None:
    try:
        rows = [(Purpose(p), State(s)) for p, s in json.loads(deliveries) if p is not None]
    except ValueError:
        return None  # no word of ours
    return standing(rows, refused=bool(refused)).value
