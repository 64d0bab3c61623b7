"""The store in one SQLite file: every method of the role, handed to the writer or to the reader."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads

from gateway.delivery import Attempt, Delivery, NewDelivery
from gateway.store import (
    Accepted,
    Acknowledgement,
    Arrival,
    DeviceRow,
    Fate,
    Outage,
    PlatformRow,
    SlipRecord,
    Stored,
    Whereabouts,
    Word,
    arrivals,
    claims,
    lookback,
    moves,
    people,
    reads,
    receipts,
    rows,
    site,
)
from gateway.store.connection import Path_
from gateway.store.opening import RESERVE, Opened, open_inline, open_threaded
from gateway.store.untold import LateWords, Unrecorded

__all__ = ["SqliteStore"]


class SqliteStore:
    """Fills `gateway.store.Store`.

    With `inline` every job is committed at once on the caller's thread and its Deferred has already
    fired: for tests on a fake clock (":memory:"), and for a command beside the running service.
    Otherwise `reactor` carries the answers back from the writer's thread.

    `on_broken` is called once, with one line, when the disk can no longer be trusted. Below `reserve`
    bytes of room `accept` fails with StoreFull, so that what was accepted can still be written down.
    Raises StoreRefused when the file cannot be used.
    """

    def __init__(
        self,
        path: Path_,
        *,
        reactor: IReactorFromThreads | None = None,
        inline: bool = False,
        on_broken: Callable[[str], None] = lambda why: None,
        reserve: int = RESERVE,
    ) -> None:
        self._opened: Opened
        if inline:
            self._opened = open_inline(path, on_broken=on_broken, reserve=reserve)
        else:
            assert reactor is not None, "a store on its own thread needs the reactor"
            self._opened = open_threaded(
                path, reactor=reactor, on_broken=on_broken, reserve=reserve
            )
        self._writer = self._opened.writer
        self._reader = self._opened.reader

    # -- hot

    def accept(self, arrival: Arrival) -> Deferred[Accepted]:
        return self._writer.submit(lambda work: arrivals.accept(work, arrival), grows=True)

    def whereabouts(self, keys: Sequence[str]) -> Deferred[Whereabouts | None]:
        # On the writer's queue: a patient moved by the message before must be found where they are.
        return self._writer.submit(lambda work: arrivals.find(work, keys), synced=False)

    def claim(
        self, lane: str, *, node: str, now: float, limit: int, busy: Collection[str] = ()
    ) -> Deferred[list[Delivery]]:
        return self._writer.submit(
            lambda work: claims.claim(work, lane, node=node, now=now, limit=limit, busy=busy),
            synced=False,
        )

    def begin(
        self, delivery: Delivery, *, device: str, at: float, paper: bool
    ) -> Deferred[Attempt]:
        return self._writer.submit(
            lambda work: moves.begin(work, delivery, device=device, at=at, paper=paper)
        )

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
        return self._writer.submit(
            lambda work: moves.settle(
                work, before, after, at=at, attempt=attempt, extra=extra, note=note
            )
        )

    # -- moves

    def wake(self, lane: str, *, now: float) -> Deferred[int]:
        return self._writer.submit(lambda work: claims.wake(work, lane, now=now), synced=False)

    def recover(self, *, node: str, now: float) -> Deferred[int]:
        return self._writer.submit(lambda work: claims.recover(work, node=node, now=now))

    def release(self, *, now: float, limit: int) -> Deferred[int]:
        return self._writer.submit(lambda work: moves.release(work, now=now, limit=limit))

    def confirm(
        self, *, sender: str | None, control_id: str, at: float, proof: str
    ) -> Deferred[list[Delivery]]:
        return self._writer.submit(
            lambda work: receipts.confirm(
                work, sender=sender, control_id=control_id, at=at, proof=proof
            )
        )

    # -- the site

    def save_device(self, row: DeviceRow) -> Deferred[None]:
        return self._writer.submit(lambda work: site.save_device(work, row))

    def save_platform(self, row: PlatformRow) -> Deferred[None]:
        return self._writer.submit(lambda work: site.save_platform(work, row))

    def begin_outage(self, *, at: float, reason: str, by: str) -> Deferred[Outage]:
        return self._writer.submit(
            lambda work: site.begin_outage(work, at=at, reason=reason, by=by)
        )

    def end_outage(self, *, at: float) -> Deferred[Outage | None]:
        return self._writer.submit(lambda work: site.end_outage(work, at=at))

    def say(
        self, *, at: float, by: str, word: str, reason: str, detail: Mapping[str, Any]
    ) -> Deferred[Word]:
        return self._writer.submit(
            lambda work: site.say(work, at=at, by=by, word=word, reason=reason, detail=detail)
        )

    def note(self, what: str, *, at: float, detail: Mapping[str, Any]) -> Deferred[None]:
        return self._writer.submit(lambda work: site.note(work, what, at=at, detail=detail))

    def purge(self, *, before: float, limit: int) -> Deferred[int]:
        return self._writer.submit(lambda work: site.purge(work, before=before, limit=limit))

    # -- people

    def acknowledge(self, said: Acknowledgement) -> Deferred[list[Delivery]]:
        return self._writer.submit(lambda work: people.acknowledge(work, said))

    def owe(self, message_id: int, new: NewDelivery, *, at: float, by: str) -> Deferred[Delivery]:
        return self._writer.submit(lambda work: people.owe(work, message_id, new, at=at, by=by))

    def judge(
        self, message_id: int, *, through: bool, by: str, reason: str, at: float
    ) -> Deferred[list[Delivery]]:
        return self._writer.submit(
            lambda work: people.judge(
                work, message_id, through=through, by=by, reason=reason, at=at
            )
        )

    def remember(self, name: str, value: Mapping[str, Any] | None, *, at: float) -> Deferred[None]:
        return self._writer.submit(lambda work: site.remember(work, name, value, at=at))

    def recall(self, prefix: str) -> Deferred[dict[str, dict[str, Any]]]:
        return self._reader.ask(lambda c: reads.recalled(c, prefix))

    def acknowledgements(self, message_ids: Sequence[int]) -> Deferred[list[Acknowledgement]]:
        return self._reader.ask(lambda c: reads.acknowledgements(c, message_ids))

    def unacknowledged(self, *, since: float, limit: int = 500) -> Deferred[list[Stored]]:
        return self._reader.ask(
            lambda c: [rows.stored(row) for row in c.execute(reads.UNACKNOWLEDGED, (since, limit))]
        )

    def quarantined(self, *, limit: int = 500) -> Deferred[list[Delivery]]:
        return self._reader.ask(lambda c: reads.deliveries(c, reads.QUARANTINED, (limit,)))

    # -- questions

    def lanes(self) -> Deferred[dict[str, float]]:
        return self._reader.ask(reads.lanes)

    def moments(self, *, after: float) -> Deferred[list[tuple[str, float]]]:
        return self._reader.ask(lambda c: reads.moments(c, after=after))

    def overdue(self, *, now: float, limit: int) -> Deferred[list[Delivery]]:
        return self._reader.ask(lambda c: reads.deliveries(c, reads.OVERDUE, (now, limit)))

    def expired(self, to: str, *, now: float, limit: int = 500) -> Deferred[list[Delivery]]:
        return self._reader.ask(lambda c: reads.deliveries(c, reads.EXPIRED, (to, now, limit)))

    def open_deliveries(
        self, *, to: str | None = None, limit: int = 1000
    ) -> Deferred[list[Delivery]]:
        sql = reads.OPEN_ALL if to is None else reads.OPEN_TO
        return self._reader.ask(lambda c: reads.deliveries(c, sql, (to, limit)))

    def delivery(self, delivery_id: int) -> Deferred[Delivery]:
        """Fails with LookupError when there is none."""
        return self._reader.ask(lambda c: reads.delivery(c, delivery_id))

    def content(self, message_id: int) -> Deferred[Stored]:
        """Fails with LookupError when there is none."""
        return self._reader.ask(lambda c: reads.content(c, message_id))

    def earlier(
        self, patient_key: str, *, order_keys: Sequence[str], before: int
    ) -> Deferred[list[Stored]]:
        return self._reader.ask(lambda c: reads.earlier(c, patient_key, order_keys, before))

    def series(self, ward: str, *, before: int, limit: int = 20) -> Deferred[list[SlipRecord]]:
        return self._reader.ask(lambda c: reads.series(c, ward, before, limit))

    def papers(self, message_ids: Sequence[int]) -> Deferred[dict[int, SlipRecord]]:
        return self._reader.ask(lambda c: reads.papers(c, message_ids))

    def devices(self) -> Deferred[dict[str, DeviceRow]]:
        return self._reader.ask(reads.devices)

    def platform(self) -> Deferred[PlatformRow | None]:
        return self._reader.ask(reads.platform)

    def outages(self) -> Deferred[list[Outage]]:
        return self._reader.ask(reads.outages)

    def words(self, *, after: int) -> Deferred[list[Word]]:
        return self._reader.ask(lambda c: reads.words(c, after))

    def present(self, ward: str) -> Deferred[list[Whereabouts]]:
        return self._reader.ask(lambda c: lookback.present(c, ward))

    def latest(
        self, keys: Sequence[str], *, since: float, limit: int = 30
    ) -> Deferred[list[Stored]]:
        return self._reader.ask(lambda c: lookback.latest(c, keys, since=since, limit=limit))

    def keyed(self, number: str, *, since: float, limit: int = 5) -> Deferred[list[str]]:
        return self._reader.ask(lambda c: lookback.keyed(c, number, since=since, limit=limit))

    def known(self, *, sender: str, control_id: str) -> Deferred[bool]:
        return self._reader.ask(lambda c: lookback.known(c, sender=sender, control_id=control_id))

    def doubted(self, message_id: int) -> Deferred[bool]:
        return self._reader.ask(lambda c: lookback.doubted(c, message_id))

    def fates(self, message_id: int) -> Deferred[list[Fate]]:
        return self._reader.ask(lambda c: lookback.fates(c, message_id))

    def unrecorded(
        self, outage_id: int, *, sender: str, prefix: str, after: int = 0, limit: int = 500
    ) -> Deferred[Unrecorded]:
        return self._reader.ask(
            lambda c: lookback.unrecorded(
                c, outage_id, sender=sender, prefix=prefix, after=after, limit=limit
            )
        )

    def late_words(self, *, after: int, sender: str, prefix: str) -> Deferred[LateWords]:
        return self._reader.ask(
            lambda c: lookback.late_words(c, after=after, sender=sender, prefix=prefix)
        )

    def counts(self) -> Deferred[dict[str, int]]:
        return self._reader.ask(reads.counts)

    def changed(self) -> bool:
        return self._opened.overtaken()

    def messages(self, control_id: str | None = None) -> list[dict[str, Any]]:
        """At once: the contract's listing (see `views.messages`)."""
        return self._opened.listing(control_id)

    def close(self) -> Deferred[None]:
        """After every job asked for before; the log goes into the database. Closing twice is closing once."""
        if self._closing is None:
            self._closing = self._writer.close().addCallback(lambda _: self._opened.close())
        done: Deferred[None] = Deferred()
        self._closing.addBoth(done.callback)
        return done

    _closing: Deferred[None] | None = None
