"""Mail through the whole service: every mail of the corpora answered, and none lost or printed twice."""

from __future__ import annotations

import json
import os
import re
import smtplib
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from argon2 import PasswordHasher

from demo.hospital import free_ports
from tests.edge.smtp_sender import DOMAIN, MAIL, Talk, authority, client_tls, in_data, refusal
from tests.system.stage import Stage, balanced

pytestmark = pytest.mark.system

CARD, NEURO = f"card@{DOMAIN}", f"neuro@{DOMAIN}"
LOGIN = ("labo", "sesame")


@dataclass
class Post(Stage):
    """A site with a way in for mail; `labo@chu.example` may print when it has logged in."""

    mail_port: int = 0
    out_port: int = 0

    def open(self) -> None:
        self.mail_port, self.out_port = free_ports(2)
        super().open()

    def start_wardline(self) -> None:
        folder = self.folder
        if not (folder / "users").exists():
            hashed = PasswordHasher(time_cost=1, memory_cost=8192).hash(LOGIN[1])
            (folder / "users").write_text(f"{LOGIN[0]}:{hashed}\n")
            authority(folder)("server")
        super().start_wardline()

    def _tables(self) -> Iterator[str]:
        yield from super()._tables()
        yield "[[intakes]]"
        table = {
            "kind": "smtp",
            "name": "courriel",
            "listen": f"tcp:{self.mail_port}:interface=127.0.0.1",
            "domains": [DOMAIN],
            "certificate": "server.pem",
            "private_key": "server.pem",
            "users": "users",
            "unverified_per_hour": 10_000,
            "per_hour": 10_000,
            "bytes_per_hour": 10**10,
        }
        yield from (f"{key} = {json.dumps(value)}" for key, value in table.items())
        yield f'smarthost = "tcp:127.0.0.1:{self.out_port}"'
        scanner = '{ address = "scan@chu.example", login = "labo", wards = ["NEURO"] }'
        yield f'senders = [{{ address = "labo@chu.example", login = "labo" }}, {scanner}]\n'

    def lab_says(self) -> list[str]:
        return [slip.text for slip in self.papers["lab"].slips]

    def post(self, mail: bytes, *, to=(CARD,), sender="labo@chu.example") -> str:
        """As the laboratory; "" when it was taken."""
        tls = client_tls(self.folder)
        return refusal(self.mail_port, mail, to=to, sender=sender, tls=tls, login=LOGIN)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    post = Post(folder=tmp_path_factory.mktemp("mail") / "site", mode="direct", with_platform=False)
    post.open()
    yield post
    post.close()


def corpus():
    where = os.environ.get("WARDLINE_CORPORA")
    if not where:
        pytest.skip("WARDLINE_CORPORA names no folder: the corpora are not part of the project")
    for folder in ("own/mail-hostile", "mail"):
        for path in sorted(p for p in (Path(where) / folder).rglob("*") if p.is_file()):
            yield re.sub(rb"\r\n|\n|\r", b"\r\n", path.read_bytes())  # as every client sends it


def slips(site, ward):
    """The texts that came out in a ward."""
    return [slip.text for slip in site.papers[site.wards[ward][0]].slips]


def test_a_mail_from_a_known_sender_comes_out_in_its_ward_and_says_so(site):
    assert site.post(MAIL % b"first", to=(CARD, NEURO)) == ""
    site.until("two slips", lambda: slips(site, "CARD") and slips(site, "NEURO"), within=20)
    (slip,) = slips(site, "CARD")
    for said in ("COURRIEL", "Labo <labo@chu.example>", "A: expéditeur vérifié", "Bonjour"):
        assert said in slip
    assert site.post(MAIL % b"first", to=(CARD, NEURO)) == ""
    assert [m["state"] for m in site.messages()] == ["delivered", "delivered"]


def test_a_mail_that_nothing_vouches_for_comes_out_when_a_person_says_so(site):
    before = len(slips(site, "CARD"))
    assert refusal(site.mail_port, MAIL % b"unproved") == ""
    site.until("the lab is told", lambda: "rien ne prouve" in " ".join(site.lab_says()), within=20)
    assert len(slips(site, "CARD")) == before
    held = next(m for m in site.messages() if m["control_id"].startswith("unproved"))
    site.tell("held", "let", str(held["id"]), "--reason", "known to me")
    site.until("its slip", lambda: len(slips(site, "CARD")) > before, within=20)
    assert "EXPÉDITEUR NON VÉRIFIÉ" in slips(site, "CARD")[-1]


class Sink:
    """The hospital's mail server: keeps what it is handed."""

    def __init__(self):
        self.heard = []

    async def handle_DATA(self, server, session, envelope):
        self.heard.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


def test_a_proved_sender_whose_mail_a_person_keeps_out_is_told_once(site):
    """Decided while the service is down: it is told all the same."""
    mail = (MAIL % b"scanned").replace(b"labo@", b"scan@")
    assert site.post(mail, sender="scan@chu.example") == ""
    (held,) = [m for m in site.messages() if m["control_id"].startswith("scanned")]
    site.kill("wardline")
    site.tell("held", "refuse", str(held["id"]), "--reason", "wrong ward")
    sink = Sink()
    server = Controller(sink, hostname="127.0.0.1", port=site.out_port)
    server.start()
    try:
        site.start_wardline()
        site.until("its answer", lambda: sink.heard, within=20)
        site.kill("wardline")
        site.start_wardline()
        assert site.post(MAIL % b"beside") == ""
        site.until("its slip", lambda: "beside@" in " ".join(slips(site, "CARD")), within=20)
    finally:
        server.stop()
    ((to, said),) = sink.heard
    assert to == ["scan@chu.example"]
    assert b"Action: failed" in said
    assert site.tell("journal", "verify")


def test_results_in_a_mail_that_nothing_vouches_for_come_out_once_it_is_let_through(site):
    hl7 = (
        b"MSH|^~\\&|SIL|LABO|W|H|20260101||ORU^R01|BYMAIL1|P|2.5\rPID|1||4711^^^H^PI||BYMAIL^A\r"
        b"PV1|1|I|NEURO\rOBR|1||B1|K^Iono\rOBX|1|NM|K^Potassium||4.1|mmol/L|||||F\r"
    )
    head = (MAIL % b"with-hl7").partition(b"\r\n\r\n")[0]
    part = b"Content-Type: application/octet-stream; name=r.hl7\r\nContent-Transfer-Encoding: base64\r\n"
    mail = (
        head + b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + part
        + b"\r\n" + b64encode(hl7) + b"\r\n--b--\r\n"
    )  # fmt: skip
    assert refusal(site.mail_port, mail) == ""
    (held,) = [m for m in site.messages() if m["control_id"].startswith("with-hl7")]
    site.tell("held", "let", str(held["id"]), "--reason", "known to me")
    site.until("the result", lambda: "BYMAIL" in " ".join(slips(site, "NEURO")), within=20)
    (slip,) = [s for s in slips(site, "NEURO") if "BYMAIL" in s]
    assert "SOURCE NON AUTHENTIFIÉE" in slip
    assert "4.1" in slip or "4,1" in slip


def drop(port, mail, *, wait_for):
    """Hand a mail in, and do not listen to what is said of it."""
    talk = in_data(port)
    talk.say(mail + b".\r\n")
    wait_for()
    return talk


def test_killed_between_its_commit_and_its_250_it_prints_once(site):
    """The mail is on disk, its sender was never told, and sends again."""
    for n in range(2):
        mail = MAIL % b"killed-%d" % n

        def on_disk(n=n):
            return [m for m in site.messages() if m["control_id"].startswith(f"killed-{n}")]

        def then_kill():
            site.until("it is on disk", on_disk, within=20)
            site.kill("wardline")

        drop(site.mail_port, mail, wait_for=then_kill).close()
        site.start_wardline()
        assert refusal(site.mail_port, mail) == ""
        (message,) = on_disk()
        assert message["deliveries"][0]["state"] == "quarantined"
        site.tell("held", "let", str(message["id"]), "--reason", "test")
        site.until("delivered", lambda n=n: on_disk(n)[0]["state"] == "delivered", within=20)
        assert sum(f"killed-{n}@" in slip for slip in slips(site, "CARD")) == 1
    balanced(site)


def test_a_mail_killed_before_its_commit_is_sent_again_and_prints_once(site):
    mail = MAIL % b"early"
    talk = in_data(site.mail_port)
    talk.say(mail)
    site.kill("wardline")
    talk.close()
    site.start_wardline()
    assert not [m for m in site.messages() if m["control_id"].startswith("early")]
    assert site.post(mail) == ""
    site.until("one slip", lambda: sum("early@" in s for s in slips(site, "CARD")) == 1, within=20)


def test_slow_senders_hold_up_nobody(site):
    talks = [Talk(site.mail_port) for _ in range(19)]
    for talk in talks:
        talk.hear()
        talk.say(b"EHLO x")
    began = time.monotonic()
    with smtplib.SMTP(
        "127.0.0.1", site.mail_port, timeout=20, source_address=("127.0.0.2", 0)
    ) as client:
        client.sendmail("labo@chu.example", [CARD], MAIL % b"beside")
    assert time.monotonic() - began < 5
    for talk in talks:
        talk.close()


def test_every_mail_of_the_corpora_is_taken_or_refused_with_a_reason(site):
    sent, told, slowest = 0, Counter(), 0.0
    known = len(site.messages())
    with smtplib.SMTP("127.0.0.1", site.mail_port, timeout=30) as client:
        for raw in corpus():
            if sent % 50 == 49:
                client.quit()
                client.connect("127.0.0.1", site.mail_port)
            began = time.monotonic()
            try:
                client.sendmail("someone@else.example", [CARD], raw)
                told["250"] += 1
            except smtplib.SMTPDataError as refused:
                told[f"{refused.smtp_code} {refused.smtp_error.decode()}"] += 1
            slowest = max(slowest, time.monotonic() - began)
            sent += 1
    assert told.pop("250") > 380
    assert set(told) == {"552 5.3.4 Header longer than 64 kB"}
    assert len(site.messages()) - known <= sent
    assert slowest < 10
    assert site.memory() < 300 * 2**20
