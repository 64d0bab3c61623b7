"""What follows from a person's word on a mail that waited."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from types import SimpleNamespace

import pytest

from gateway.box import BoxFailed, Why
from gateway.delivery import Purpose, State
from gateway.errors import Rejected, StoreFull
from gateway.intakes.smtp.results import Results
from gateway.intakes.smtp.returns import Returns
from gateway.intakes.smtp.waiting import Waiting
from gateway.mail.envelope import Envelope
from gateway.mail.letter import Letter
from gateway.mail.origin import Grade

MAIL = b"From: labo@x.example\r\nMessage-ID: <7@x.example>\r\nSubject: Mme MARTIN\r\n\r\nMme MARTIN\r\n"
ENVELOPE = Envelope(sender="labo@x.example", recipient="card@p", grade=Grade.B, grounds="signed by")
ONE, BAD, TWO = (b"MSH|^~\\&|S|L|||||ORU^R01|%d\rPID|1\r" % n for n in (1, 2, 3))


CLOCK = SimpleNamespace(now=lambda: 0.0)


class Store:
    def __init__(self):
        self.waiting, self.memory, self.state, self.attempts = [7], {}, State.REFUSED, ()
        self.stored = SimpleNamespace(
            id=7,
            raw=ENVELOPE.seal(MAIL),
            format="mail",
            intake="m",
            control_id="7 CARD",
            peer="192.0.2.7",
        )

    def of(self, grade):
        self.stored.raw = replace(ENVELOPE, grade=grade).seal(MAIL)
        return self

    async def quarantined(self, *, limit=500):
        return [SimpleNamespace(message_id=n) for n in self.waiting]

    async def content(self, message_id):
        return self.stored

    async def fates(self, message_id):
        delivery = SimpleNamespace(purpose=Purpose.WARD, state=self.state)
        return [SimpleNamespace(delivery=delivery, attempts=self.attempts)]

    async def remember(self, name, value, *, at):
        self.memory[name] = value

    async def recall(self, prefix):
        return dict(self.memory)


class Inbox:
    def __init__(self):
        self.taken, self.refused, self.fails = [], [], []

    async def accept(self, raw, *, door, peer, only=()):
        if self.fails:
            raise self.fails.pop()
        if raw == BAD:
            raise Rejected("no patient")
        self.taken.append((raw, peer))

    async def refuse(self, raw, rejected, *, door, peer):
        self.refused.append(rejected.reason)


class Box:
    def __init__(self, *files):
        self.files, self.fails = files, []

    async def call(self, function, payload, *, timeout=10.0):
        assert payload == MAIL
        if self.fails:
            raise BoxFailed(self.fails.pop())
        return Letter(hl7=self.files).dump()


class Bench:
    """An intake's watch over what waits, on a store that a test steers."""

    def __init__(self, folder, grade=Grade.B, *files):
        self.store, self.inbox, self.box = Store().of(grade), Inbox(), Box(*files)
        self.told, self.folder, self.spool = [], folder, folder
        self.restart()

    def restart(self):
        async def alarm(topic, *, subject, reason):
            self.told.append((topic, subject))

        self.watch = Waiting(
            self.store,
            intake="m",
            results=Results(self.inbox, door=None),
            returns=Returns(domain="p.example", spool=self.spool, alarm=alarm, clock=CLOCK),
            box=self.box,
            clock=CLOCK,
        )

    def look(self):
        run(self.watch.look())

    def decided(self, state):
        self.store.state, self.store.waiting = state, []
        self.look()

    @property
    def files(self):
        return sorted(path.name for path in self.folder.iterdir())


def run(work):
    with pytest.raises(StopIteration):
        work.send(None)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_proved_sender_is_told_once_without_a_word_of_its_mail(tmp_path, restarted):
    bench = Bench(tmp_path)
    bench.look()
    assert bench.files == []
    if restarted:
        bench.restart()
    for _ in range(3):
        bench.decided(State.REFUSED)
    assert bench.files == ["7.eml"]
    raw = (tmp_path / "7.eml").read_bytes()
    answer = message_from_bytes(raw)
    assert (answer["To"], answer["In-Reply-To"]) == ("labo@x.example", "<7@x.example>")
    assert answer["Auto-Submitted"] == "auto-replied"
    assert b"MARTIN" not in raw
    assert bench.told == []


def test_without_a_spool_the_laboratory_is_asked_to_tell(tmp_path):
    bench = Bench(tmp_path)
    bench.spool = None
    bench.restart()
    bench.look()
    bench.decided(State.REFUSED)
    bench.look()
    assert bench.told == [("mail undeliverable", "labo@x.example")]


@pytest.mark.parametrize(
    ("grade", "format", "state", "attempts"),
    [
        (Grade.C, "mail", State.REFUSED, ()),
        (Grade.B, "fax", State.REFUSED, ()),
        (Grade.B, "mail", State.OPEN, ()),
        (Grade.B, "mail", State.REFUSED, ("one",)),
    ],
    ids=["nothing proves it", "no mail", "let through", "let through and then refused"],
)
def test_nobody_else_is_told(tmp_path, grade, format, state, attempts):
    bench = Bench(tmp_path, grade)
    bench.store.stored.format, bench.store.attempts = format, attempts
    bench.look()
    bench.decided(state)
    assert (bench.told, bench.files) == ([], [])


def test_hl7_in_a_mail_that_is_let_through_goes_in_and_nobody_vouches_for_it(tmp_path):
    bench = Bench(tmp_path, Grade.C, ONE + BAD, TWO, b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + b"BTS|2\r")
    bench.look()
    assert bench.inbox.taken == []
    for _ in range(2):
        bench.decided(State.OPEN)
    assert bench.inbox.taken == [(ONE, "192.0.2.7"), (TWO, "192.0.2.7")]
    assert bench.inbox.refused == ["2 messages announced, 1 came"]


def test_of_a_proved_sender_it_went_in_when_it_came(tmp_path):
    bench = Bench(tmp_path, Grade.A, ONE)
    bench.look()
    bench.decided(State.DELIVERED)
    assert bench.inbox.taken == []


def test_it_is_not_forgotten_though_it_was_decided_while_nobody_looked(tmp_path):
    bench = Bench(tmp_path, Grade.C, ONE)
    run(bench.watch.expect(7))
    bench.restart()
    bench.decided(State.DELIVERED)
    assert [raw for raw, _ in bench.inbox.taken] == [ONE]


def test_what_fails_is_done_at_the_next_look(tmp_path):
    bench = Bench(tmp_path, Grade.C, ONE)
    bench.look()
    bench.inbox.fails = [KeyError("MARTIN"), StoreFull("x")]
    bench.box.fails = [Why.BUSY]
    for _ in range(3):
        bench.decided(State.OPEN)
        assert bench.inbox.taken == []
    bench.restart()
    bench.look()
    assert [raw for raw, _ in bench.inbox.taken] == [ONE]


def test_what_waits_beyond_the_first_hundreds_still_waits(tmp_path):
    bench = Bench(tmp_path, Grade.C, ONE)
    bench.look()
    bench.decided(State.QUARANTINED)  # no more among those looked at
    bench.decided(State.OPEN)
    assert [raw for raw, _ in bench.inbox.taken] == [ONE]
