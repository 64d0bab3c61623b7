"""Where nothing is forgotten: what the service asks of its memory, whatever holds it.

Every method that writes is one transaction with its journal entries, and its Deferred fires only after
that transaction is on disk, synced. Moments are seconds since the epoch (UTC), given by the caller:
the store never looks at a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from gateway.delivery import Attempt, Delivery, NewDelivery, State
from gateway.message import Kind, Location, Message, Patient, Priority
from gateway.store.untold import LateWords, Unrecorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a patient is, from ADT; `location` None: not here (discharged, cancelled)."""

    patient: Patient
    location: Location | None
    ward: str  # the directory's code, "" when the location means no ward of ours
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message as an intake hands it in, with its plan: what `accept` writes in one transaction."""

    intake: str
    peer: str
    received_at: float
    message: Message
    raw: bytes
    format: str = "hl7v2"  # which reader understands `raw`: "hl7v2", "notice"…
    ward: str = ""  # the directory's code; "" when it has none
    deliveries: tuple[NewDelivery, ...] = ()
    refused: str = ""  # why, when the sender was refused: kept and shown to the lab all the same
    whereabouts: Whereabouts | None = None  # what this message says of where its patient is
    merged: str = ""  # the patient key that is no more (ADT^A40): its rows follow message.patient
    supersedes: tuple[int, ...] = ()  # deliveries this (summary) message stands for, moved with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of an arrival. On a duplicate `message_id` is the first one's and nothing was written."""

    message_id: int
    duplicate: bool = False
    reused: int | None = (
        None  # an earlier message with this sender and control id but other content
    )
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A message out of the store. `raw` is b"" once purged."""

    id: int
    intake: str
    peer: str
    received_at: float
    format: str
    raw: bytes
    sha256: bytes
    control_id: str
    sender: str
    kind: Kind
    type: str
    priority: Priority
    ward: str
    patient_key: str
    test: bool
    refused: str
    reused: int | None
    warnings: tuple[str, ...]
    outage_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipRecord:
    """One number of a ward's series and what is known of its paper."""

    ward: str
    number: int
    delivery_id: int
    device: str  # where its last attempt went
    at: float
    state: State  # of its delivery
    confirmed: bool  # an attempt with this number was confirmed by a device


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person said of the platform or asked for, by CLI, API or telephone."""

    id: int
    at: float
    by: str
    word: str  # "outage begin", "outage end", "reprint"…
    reason: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """The interval the platform was down. `ended_at` None: still down."""

    id: int
    began_at: float
    ended_at: float | None
    reason: str
    by: str  # "watch" or a person


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """The last known state of a device: "ok", "trouble", "unreachable" or "unknown"."""

    name: str
    state: str
    reasons: tuple[str, ...]
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRow:
    """The last known state of the platform, enough to go on judging it after a restart."""

    state: str  # "up", "suspect", "down", "recovering"
    since: float
    reason: str = ""
    by: str = ""  # the person whose word holds; "" when the watch judges
    proof: bool = False  # it hung: only an acknowledgement counts as good


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one delivery: how it stands, and every try, oldest first."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A person's "I have it", or a try that did not count: the record of ISO 15189:2022 7.4.1.3."""

    message_id: int
    at: float
    name: str  # of the person notified, as the directory or they themselves say it
    via: str  # "call": we rang; "phone": they dialled in; "desk": told the laboratory; "console"
    person: str = ""  # their code in the directory
    delivery_id: int | None = None  # whose slip code was given, or whose call it was
    accepted: bool = True  # False: wrong read-back, nobody there; kept as a difficulty
    conveyed: str = ""  # what was said: "Potassium 6,8 mmol/L"; forgotten with the content
    read_back: str = ""  # "", "ok" or "failed"
    keyed: tuple[str, ...] = ()  # each read-back as keyed
    difficulties: str = ""


class Store(Protocol):
    """One suite of contract tests holds over all who fill this role."""

    def accept(self, arrival: Arrival) -> Deferred[Accepted]:
        """Message, plan and journal entry in one commit. Fails with StoreFull or StoreBroken."""
        ...

    def whereabouts(self, keys: Sequence[str]) -> Deferred[Whereabouts | None]:
        """Where the patient with one of these keys (IPP, NDA) is, after every accept asked for before."""
        ...

    def claim(
        self, lane: str, *, node: str, now: float, limit: int, busy: Collection[str] = ()
    ) -> Deferred[list[Delivery]]:
        """Open rows of a lane that are due, oldest of the most pressing first, now SENDING for `node`.

        Never a row whose patient is in `busy` or has an earlier message open or sending in the same
        lane: the earlier one is claimed instead.
        """
        ...

    def wake(self, lane: str, *, now: float) -> Deferred[int]:
        """Open rows of a lane that waited for its devices are due now; returns how many."""
        ...

    def lanes(self) -> Deferred[dict[str, float]]:
        """Each lane that has open rows, with the earliest due among them."""
        ...

    def moments(self, *, after: float) -> Deferred[list[tuple[str, float]]]:
        """Every lane and moment at which an open row becomes due later than `after`, each once; moments
        are whole seconds, rounded up."""
        ...

    def overdue(self, *, now: float, limit: int) -> Deferred[list[Delivery]]:
        """Open rows whose step's deadline has passed, most pressing first."""
        ...

    def begin(
        self, delivery: Delivery, *, device: str, at: float, paper: bool
    ) -> Deferred[Attempt]:
        """Write an attempt down before its first byte. `paper`: give it the next number of its ward's
        gapless series unless it has one, and count its reprints."""
        ...

    def settle(
        self,
        before: Delivery,
        after: Delivery,
        *,
        at: float,
        attempt: Attempt | None = None,
        extra: Sequence[NewDelivery] = (),
        note: str = "",
    ) -> Deferred[Delivery]:
        """End an attempt (outcome and detail set) and move its delivery, in one commit.

        `extra` are deliveries this move calls for (the hand-back owed to the platform). When a hand-back
        is delivered, what still waits for paper is WITHDRAWN: the platform has brought it. Raises
        IllegalMove; a row that another process moved meanwhile is left alone and the stored one returned.
        """
        ...

    def delivery(self, delivery_id: int) -> Deferred[Delivery]: ...

    def expired(self, to: str, *, now: float, limit: int = 500) -> Deferred[list[Delivery]]:
        """Open deliveries to `to` past their time to live, most pressing first, then oldest."""
        ...

    def open_deliveries(
        self, *, to: str | None = None, limit: int = 1000
    ) -> Deferred[list[Delivery]]:
        """Deliveries not yet final, oldest first."""
        ...

    def content(self, message_id: int) -> Deferred[Stored]: ...

    def confirm(
        self, *, sender: str | None, control_id: str, at: float, proof: str
    ) -> Deferred[list[Delivery]]:
        """The platform confirmed a message late, or by another way (tap receipt).

        Its hand-back, when owed, becomes DELIVERED; a paper delivery not yet under way WITHDRAWN; one
        already on paper stays as it is and the journal records both. Returns the deliveries moved.
        """
        ...

    def earlier(
        self, patient_key: str, *, order_keys: Sequence[str], before: int
    ) -> Deferred[list[Stored]]:
        """Messages about the same patient and one of these orders that came before message `before`,
        newest first; what a correction corrects."""
        ...

    def series(self, ward: str, *, before: int, limit: int = 20) -> Deferred[list[SlipRecord]]:
        """The slips of a ward numbered below `before`, highest first."""
        ...

    def papers(self, message_ids: Sequence[int]) -> Deferred[dict[int, SlipRecord]]:
        """For each of these messages that went to paper, its last slip (by message id)."""
        ...

    def recover(self, *, node: str, now: float) -> Deferred[int]:
        """At start: attempts of `node` that never ended are UNCERTAIN, their deliveries OPEN (paper:
        doubtful) and due now. Returns how many."""
        ...

    def release(self, *, now: float, limit: int) -> Deferred[int]:
        """HELD hand-backs become OPEN, oldest message first; returns how many."""
        ...

    def save_device(self, row: DeviceRow) -> Deferred[None]: ...

    def devices(self) -> Deferred[dict[str, DeviceRow]]: ...

    def save_platform(self, row: PlatformRow) -> Deferred[None]: ...

    def platform(self) -> Deferred[PlatformRow | None]:
        """The platform's last saved state; None before the first."""
        ...

    def begin_outage(self, *, at: float, reason: str, by: str) -> Deferred[Outage]:
        """Open an outage, or return the one that is open; messages accepted from now belong to it."""
        ...

    def end_outage(self, *, at: float) -> Deferred[Outage | None]: ...

    def outages(self) -> Deferred[list[Outage]]: ...

    def say(
        self, *, at: float, by: str, word: str, reason: str, detail: Mapping[str, Any]
    ) -> Deferred[Word]: ...

    def words(self, *, after: int) -> Deferred[list[Word]]: ...

    def changed(self) -> bool:
        """Whether another process has written since the last call (cheap; for hearing `say` from the CLI)."""
        ...

    def note(self, what: str, *, at: float, detail: Mapping[str, Any]) -> Deferred[None]:
        """A journal entry of its own: alarms, starts and stops, clock jumps."""
        ...

    def purge(self, *, before: float, limit: int) -> Deferred[int]:
        """Forget the content of messages that are final and older; their proof stays. Returns how many."""
        ...

    def present(self, ward: str) -> Deferred[list[Whereabouts]]:
        """Who is in a ward, as ADT says: each patient once, under the number that holds."""
        ...

    def latest(
        self, keys: Sequence[str], *, since: float, limit: int = 30
    ) -> Deferred[list[Stored]]:
        """Results of the patient with one of these keys (IPP, NDA, or one merged into them) received
        since then, newest first; no tests, nothing that was purged."""
        ...

    def keyed(self, number: str, *, since: float, limit: int = 5) -> Deferred[list[str]]:
        """The keys of the patients whose results since then carry this IPP or NDA, as a telephone keys it:
        its figures only. Whose key it is exactly, `latest` finds."""
        ...

    def known(self, *, sender: str, control_id: str) -> Deferred[bool]:
        """Whether there is a message of this identity."""
        ...

    def doubted(self, message_id: int) -> Deferred[bool]:
        """Whether the platform may have it already, though nobody knows."""
        ...

    def fates(self, message_id: int) -> Deferred[list[Fate]]:
        """A message's deliveries with their attempts; then those of the summaries that stand for it."""
        ...

    def unrecorded(
        self, outage_id: int, *, sender: str, prefix: str, after: int = 0, limit: int = 500
    ) -> Deferred[Unrecorded]:
        """Messages of this outage that another way than the platform carried, and whose record, a
        message of `sender` whose control id is `prefix` and the message's id, was not made."""
        ...

    def late_words(self, *, after: int, sender: str, prefix: str) -> Deferred[LateWords]:
        """Messages whose record says less than is known by now, among acknowledgements after the one
        numbered `after`. A further record's control id is the first one's, a point and a number."""
        ...

    def acknowledge(self, said: Acknowledgement) -> Deferred[list[Delivery]]:
        """Write an acknowledgement down. An accepted one ends the message's calls, and paper of it that
        only waits to be printed again because nobody could know whether it came out."""
        ...

    def acknowledgements(self, message_ids: Sequence[int]) -> Deferred[list[Acknowledgement]]:
        """Of these messages, oldest first, those that did not count included."""
        ...

    def unacknowledged(self, *, since: float, limit: int = 500) -> Deferred[list[Stored]]:
        """Critical results received since then that no person said to have, oldest first: the laboratory's
        worklist. Those that called for calls; and of the others, those whose ward has neither screen nor
        paper: a courier's slip is only at the laboratory."""
        ...

    def owe(self, message_id: int, new: NewDelivery, *, at: float, by: str) -> Deferred[Delivery]:
        """One more delivery of a message that is there, because person `by` asked for it (COPY). Fails with
        LookupError when there is none."""
        ...

    def quarantined(self, *, limit: int = 500) -> Deferred[list[Delivery]]:
        """What waits for a person to let it through, oldest first."""
        ...

    def judge(
        self, message_id: int, *, through: bool, by: str, reason: str, at: float
    ) -> Deferred[list[Delivery]]:
        """A person's word on a quarantined message: its deliveries become OPEN, or REFUSED for good."""
        ...

    def remember(self, name: str, value: Mapping[str, Any] | None, *, at: float) -> Deferred[None]:
        """Keep a small JSON object under its name until it is replaced; None forgets it."""
        ...

    def recall(self, prefix: str) -> Deferred[dict[str, dict[str, Any]]]:
        """What is remembered under names that begin so, by name."""
        ...

    def counts(self) -> Deferred[dict[str, int]]:
        """Messages by state: open, delivered, superseded, refused, recorded."""
        ...

    def close(self) -> Deferred[None]: ...
