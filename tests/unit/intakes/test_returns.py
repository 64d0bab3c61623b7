"""Who hears of a mail that a person kept out."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from types import SimpleNamespace

import pytest

from gateway.delivery import Purpose, State
from gateway.intakes.smtp.returns import Returns
from gateway.mail.envelope import Envelope
from gateway.mail.origin import Grade

MAIL = b"From: labo@x.example\r\nMessage-ID: <7@x.example>\r\nSubject: Mme MARTIN\r\n\r\nMme MARTIN\r\n"
ENVELOPE = Envelope(sender="labo@x.example", recipient="card@p", grade=Grade.B, grounds="signed by")


class Store:
    def __init__(self, grade=Grade.B, format="mail"):
        self.waiting, self.state, self.memory = [7], State.REFUSED, {}
        self.stored = SimpleNamespace(
            raw=replace(ENVELOPE, grade=grade).seal(MAIL),
            format=format,
            intake="m",
            control_id="7 CARD",
        )

    async def quarantined(self, *, limit=500):
        return [SimpleNamespace(message_id=n) for n in self.waiting]

    async def content(self, message_id):
        return self.stored

    async def fates(self, message_id):
        return [SimpleNamespace(delivery=SimpleNamespace(purpose=Purpose.WARD, state=self.state))]

    async def remember(self, name, value, *, at):
        self.memory[name] = value

    async def recall(self, prefix):
        return dict(self.memory)


def looking(store, spool, told):
    async def alarm(topic, *, subject, reason):
        told.append((topic, subject))

    clock = SimpleNamespace(now=lambda: 0.0)
    return Returns(store, intake="m", domain="p.example", spool=spool, alarm=alarm, clock=clock)


def run(work):
    with pytest.raises(StopIteration):
        work.send(None)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_proved_sender_is_told_once_without_a_word_of_its_mail(tmp_path, restarted):
    store, told = Store(), []
    returns = looking(store, tmp_path, told)
    run(returns.look())
    assert not list(tmp_path.iterdir())
    store.waiting = []
    if restarted:
        returns = looking(store, tmp_path, told)
    for _ in range(3):
        run(returns.look())
    (path,) = tmp_path.iterdir()
    answer = message_from_bytes(path.read_bytes())
    assert (answer["To"], answer["In-Reply-To"]) == ("labo@x.example", "<7@x.example>")
    assert answer["Auto-Submitted"] == "auto-replied"
    assert b"MARTIN" not in path.read_bytes()
    assert told == []


def test_without_a_spool_the_laboratory_is_asked_to_tell():
    store, told = Store(), []
    returns = looking(store, None, told)
    run(returns.look())
    store.waiting = []
    run(returns.look())
    run(returns.look())
    assert told == [("mail undeliverable", "labo@x.example")]


@pytest.mark.parametrize(
    "change",
    [{"grade": Grade.C}, {"format": "fax"}, {"state": State.OPEN}],
    ids=["nothing proves it", "no mail", "let through"],
)
def test_nobody_else_is_told(tmp_path, change):
    state = change.pop("state", State.REFUSED)
    store, told = Store(**change), []
    store.state = state
    returns = looking(store, tmp_path, told)
    run(returns.look())
    store.waiting = []
    run(returns.look())
    assert (told, list(tmp_path.iterdir())) == ([], [])
