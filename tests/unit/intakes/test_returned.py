"""Answers to proved senders: what they say, to whom never, and that each is sent once, or told of."""

from __future__ import annotations

from email import message_from_bytes, policy
from types import SimpleNamespace

import pytest

from gateway.intakes.smtp.bounce import automatic, bounce
from gateway.intakes.smtp.smarthost import PATIENCE, REMEMBERED, Smarthost, Unwanted, place
from gateway.mail.envelope import Envelope
from gateway.mail.origin import Grade

ENVELOPE = Envelope(sender="labo@x.example", recipient="card@p", grade=Grade.B, grounds="signed by")
MAIL = (
    b"From: labo@x.example\r\nMessage-ID: <7@x.example>\r\nSubject: Mme MARTIN\r\n"
    b"Date: Wed, 25 Nov 2026 10:00:00 +0100\r\n\r\nMme MARTIN\r\n"
)


def made(mail=MAIL):
    return bounce(ENVELOPE, mail, domain="p.example", message_id=7, at=1.0)


def test_it_is_a_delivery_status_notification_without_a_word_of_the_mail():
    raw = made()
    assert b"MARTIN" not in raw
    assert raw.isascii() and raw.count(b"\n") == raw.count(b"\r\n")
    told = message_from_bytes(raw, policy=policy.default)
    assert (told.get_content_type(), told.get_param("report-type")) == (
        "multipart/report",
        "delivery-status",
    )
    assert (told["To"], told["In-Reply-To"]) == ("labo@x.example", "<7@x.example>")
    words, status, headers = told.iter_parts()
    assert "Appelez le service" in words.get_content()
    _, recipient = status.get_payload()
    assert (recipient["Final-Recipient"], recipient["Action"], recipient["Status"]) == (
        "rfc822; card@p", "failed", "5.7.1",
    )  # fmt: skip
    assert headers.get_content_type() == "text/rfc822-headers"
    assert "<7@x.example>" in headers.get_payload()
    assert made() == raw


@pytest.mark.parametrize(
    "named", [b"<\xc3\xa9>", b"<" + b"x" * 500 + b">", b"<a>\r\nBcc: eve@x.example"]
)
def test_nothing_of_a_strangers_making_becomes_a_header(named):
    told = message_from_bytes(made(MAIL.replace(b"<7@x.example>", named)))
    assert told["Bcc"] is None
    assert len(told.get_payload()) == 3


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (b"", False),
        (b"Auto-Submitted: no\r\n", False),
        (b"Auto-Submitted: auto-replied\r\n", True),
        (b"Auto-Submitted: auto-generated; owner-email=x\r\n", True),
        (b"Precedence: bulk\r\n", True),
        (b"List-Id: <l.x>\r\n", True),
        (b"Return-Path: <>\r\n", True),
    ],
)
def test_what_a_program_sent_is_known(header, known):
    assert automatic(header + MAIL) is known


class Bench:
    """A store, a server and a clock that a test steers."""

    def __init__(self):
        self.memory, self.sent, self.told, self.notes, self.fails, self.now = (
            {},
            [],
            [],
            [],
            [],
            0.0,
        )
        self.restart()

    def restart(self):
        clock = SimpleNamespace(now=lambda: self.now)
        self.post = Smarthost(self, intake="m", send=self._send, alarm=self._alarm, clock=clock)

    async def _send(self, to, mail):
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append((to, mail))

    async def _alarm(self, topic, *, subject, reason):
        self.told.append((topic, subject, reason))

    async def remember(self, name, value, *, at):
        self.memory[name] = value
        if value is None:
            del self.memory[name]

    async def recall(self, prefix):
        return {k: v for k, v in self.memory.items() if k.startswith(prefix)}

    async def note(self, what, *, at, detail):
        self.notes.append((what, detail))

    def put(self):
        run(self.post.put(7, to="labo@x.example", mail=made()))

    def look(self, *, after=0.0):
        self.now += after
        run(self.post.look())


def run(work):
    with pytest.raises(StopIteration):
        work.send(None)


def test_it_is_sent_once_over_restarts():
    bench = Bench()
    for _ in range(3):
        bench.put()
        bench.restart()
        bench.look()
    assert bench.sent == [("labo@x.example", made())]
    assert bench.notes == [("mail returned", {"message": 7})]
    bench.look(after=REMEMBERED + 1)
    assert bench.memory == {}


def test_a_server_that_is_away_is_asked_again_with_patience():
    bench = Bench()
    bench.put()
    bench.fails = [OSError(), TimeoutError(), OSError()]
    bench.look()
    bench.look(after=59)
    assert len(bench.fails) == 2
    for pause in (1, 120, 239):
        bench.look(after=pause)
    assert (bench.sent, bench.fails) == ([], [])
    bench.look(after=1)
    assert len(bench.sent) == 1
    assert bench.told == []


@pytest.mark.parametrize(("error", "after"), [(Unwanted("550 no"), 0), (OSError(), PATIENCE + 1)])
def test_the_laboratory_tells_the_sender_where_nothing_else_can(error, after):
    bench = Bench()
    bench.put()
    bench.fails = [error] * 2
    bench.look(after=after)
    bench.look(after=after)
    assert [(topic, who) for topic, who, _ in bench.told] == [
        ("mail undeliverable", "labo@x.example")
    ]
    assert bench.sent == []


def test_where_the_server_is():
    assert place("tcp:mail.chu.example:25") == ("mail.chu.example", 25)
    assert place("tcp:[::1]:587") == ("::1", 587)
    for wrong in ("mail.chu.example", "tcp:x", "tcp:x:0", "ssl:x:25", "tcp:a b:25"):
        with pytest.raises(ValueError, match="write"):
            place(wrong)
