"""The way in for mail over real sockets: what is taken, from whom, and what each sender is told."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import smtplib
import socket
import ssl
from pathlib import Path

import dkim
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from structlog.testing import capture_logs
from twisted.internet import error, reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from gateway.errors import StoreBroken, StoreFull
from gateway.mail.envelope import unseal
from gateway.mail.origin import Grade
from tests.edge.smtp_sender import (
    DOMAIN,
    MAIL,
    Inbox,
    Talk,
    authority,
    client_tls,
    conversation,
    in_data,
    in_thread,
    intake,
    refusal,
    send,
)

CARD, NEURO = f"card@{DOMAIN}", f"neuro-slip@{DOMAIN}"
HL7 = b"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|7|P|2.5\rPID|1||123\r"


def with_hl7(*files):
    parts = b"".join(
        b"--b\r\nContent-Type: application/octet-stream; name=r.hl7\r\n\r\n%s\r\n"
        % file.replace(b"\r", b"\r\n")
        for file in files
    )
    head = (
        MAIL.replace(
            b"\r\n\r\n",
            b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
        )
        % b"hl7"
    )
    return head + parts + b"--b--\r\n"


async def test_a_mail_is_on_disk_before_its_sender_is_told():
    inbox = Inbox()
    inbox.hold = Deferred()
    async with intake(inbox) as service:
        sending = in_thread(send, service.port, MAIL % b"1", to=(CARD, NEURO))
        await deferLater(reactor, 0.3)
        assert not sending.called
        inbox.hold.callback(None)
        assert await sending == {}
    assert [t["wards"] for t in inbox.taken] == [("CARD",), ("NEURO",)]
    envelope, mail = unseal(inbox.taken[1]["raw"])
    assert mail == MAIL % b"1"
    assert (envelope.sender, envelope.recipient) == ("labo@chu.example", NEURO)
    assert inbox.taken[0]["message"].control_id == "1@chu.example CARD"


async def test_the_same_mail_is_the_same_to_us_and_for_another_ward_it_is_not():
    inbox = Inbox()
    async with intake(inbox) as service:
        for to in ((CARD,), (CARD,), (NEURO,)):
            await in_thread(send, service.port, MAIL % b"1", to=to)
    first, again, other = ((t["message"].control_id, t["raw"]) for t in inbox.taken)
    assert first == again
    assert first[0] != other[0]


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [
        ("<nobody@print.chu.example>", "550 5.1.1"),
        ("<card@elsewhere.example>", "550 5.7.1"),
        ("<victim%outside.example@print.chu.example>", "550 5.1.1"),
        ("<outside.example!victim@print.chu.example>", "550 5.1.1"),
        ("<@print.chu.example:card@print.chu.example>", "553"),
        ('<"card"@print.chu.example>', "553"),
        ("<card@[127.0.0.1]>", "553"),
        ("<card>", "553"),
        ("<>", "553"),
        ("card@print.chu.example", "553"),
        ("<card(x)@print.chu.example>", "553"),
        ("<CARDIO@Print.CHU.example>", "250"),
        ("<cardio-slip@print.chu.example>", "250"),
    ],
)
async def test_a_recipient_is_a_ward_or_a_device_of_ours_exactly(recipient, answer):
    async with intake(Inbox()) as service:
        answers = await in_thread(
            conversation,
            service.port,
            b"EHLO x\r\n",
            b"MAIL FROM:<labo@chu.example>\r\n",
            b"RCPT TO:%s\r\n" % recipient.encode(),
        )
    assert answers[-1].startswith(answer)


@pytest.mark.parametrize("sender", ["<>", "<a@b@c>", "<a b@c>", '<"a b"@c.example>', "a@c.example"])
async def test_a_sender_that_cannot_be_told_anything_is_refused(sender):
    async with intake(Inbox()) as service:
        answers = await in_thread(
            conversation, service.port, b"EHLO x\r\n", b"MAIL FROM:%s\r\n" % sender.encode()
        )
    assert answers[-1][:3] in ("550", "553")


async def test_what_nothing_vouches_for_waits_for_a_person_or_is_refused():
    inbox = Inbox()
    async with intake(inbox) as service:
        assert await in_thread(refusal, service.port, MAIL % b"1") == ""
        stranger = MAIL.replace(b"labo@", b"eve@") % b"2"
        assert await in_thread(refusal, service.port, stranger, sender="eve@evil.example") == ""
    assert [t["held"] for t in inbox.taken] == [
        "nothing proves its sender",
        "its sender is not on the list",
    ]
    async with intake(inbox, unverified="refuse") as service:
        told = await in_thread(refusal, service.port, MAIL % b"3")
    assert told.startswith("550 5.7.1 Refused: nothing proves its sender")


async def test_a_login_within_tls_vouches_for_its_own_address_only(tmp_path):
    (tmp_path / "users").write_text("labo:" + PasswordHasher(time_cost=1).hash("sesame") + "\n")
    issue = authority(tmp_path)
    pem = issue("server")
    inbox = Inbox()
    how = {"certificate": pem, "private_key": pem, "users": "users", "base": tmp_path}
    async with intake(inbox, **how) as service:
        tls = client_tls(tmp_path)
        login = ("labo", "sesame")
        refused = await in_thread(refusal, service.port, MAIL % b"0", login=login)
        assert "not supported" in refused
        wrong = await in_thread(refusal, service.port, MAIL % b"0", tls=tls, login=("labo", "x"))
        assert wrong.startswith("535 5.7.8")
        nobody = await in_thread(refusal, service.port, MAIL % b"0", tls=tls, login=("eve", ""))
        assert nobody.startswith("535 5.7.8")
        assert await in_thread(refusal, service.port, MAIL % b"1", tls=tls, login=login) == ""
        forged = MAIL.replace(b"<labo@", b"<chef@") % b"2"
        await in_thread(send, service.port, forged, tls=tls, login=login)
        other = MAIL % b"3"
        await in_thread(send, service.port, other, tls=tls, login=login, sender="eve@chu.example")
    grades = [(unseal(t["raw"])[0].grade, t["held"]) for t in inbox.taken]
    assert grades == [
        (Grade.A, ""),
        (Grade.C, "its sender is not on the list"),
        (Grade.C, "it names another sender than who handed it in"),
    ]


async def test_passwords_cannot_be_guessed_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.intakes.smtp.hooks.FAILURES", 2)
    hashed = PasswordHasher(time_cost=1, memory_cost=8192).hash("sesame")
    (tmp_path / "users").write_text(f"labo:{hashed}\n")
    pem = authority(tmp_path)("server")
    how = {"certificate": pem, "private_key": pem, "users": "users", "base": tmp_path}
    async with intake(Inbox(), **how) as service:
        tls = client_tls(tmp_path)
        told = [
            await in_thread(refusal, service.port, MAIL % b"1", tls=tls, login=("labo", word))
            for word in ("a", "b", "sesame")
        ]
    assert told[0].startswith("535 5.7.8")
    assert told[-1].startswith("454 4.7.0")


async def test_a_client_certificate_vouches_also_when_tls_is_there_from_the_first_byte(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("gateway.intakes.smtp.conversation.HANDSHAKE", 1.0)
    issue = authority(tmp_path)
    server, mine = issue("server"), issue("labo-client", "labo.chu.example")
    inbox = Inbox()
    senders = [{"address": "labo@chu.example", "certificate": "labo.chu.example"}]

    def send_tls(port):
        tls = client_tls(tmp_path, mine)
        with smtplib.SMTP_SSL("127.0.0.1", port, timeout=20, context=tls) as client:
            client.sendmail("labo@chu.example", [CARD], MAIL % b"1")

    how = {"certificate": server, "private_key": server, "client_ca": "ca.pem", "base": tmp_path}
    async with intake(inbox, senders=senders, implicit=True, **how) as service:
        await in_thread(send_tls, service.port)
        with capture_logs() as logs:
            assert await in_thread(conversation, service.port) == [""]  # speaks no TLS: cut in time
        assert [log["event"] for log in logs] == ["intake.peer_trouble"]
    async with intake(inbox, senders=senders, tls_first=True, **how) as service:
        clear = await in_thread(refusal, service.port, MAIL % b"2")
        assert clear.startswith("530 5.7.0")
        tls = client_tls(tmp_path, mine)
        assert await in_thread(refusal, service.port, MAIL % b"2", tls=tls) == ""
        injected = await in_thread(
            conversation,
            service.port,
            b"EHLO x\r\n",
            b"STARTTLS\r\nMAIL FROM:<labo@chu.example>\r\n",
        )
        assert injected[-1].startswith("220")
    assert [unseal(t["raw"])[0].grade for t in inbox.taken] == [Grade.A, Grade.A]


async def test_a_handshake_that_is_here_before_we_are_is_no_command(tmp_path):
    """A client in a hurry: its first bytes lie in the socket when the connection is made."""
    server = authority(tmp_path)("server")
    how = {"certificate": server, "private_key": server, "implicit": True, "base": tmp_path}
    async with intake(Inbox(), **how) as service:
        line, ours, theirs = hello(service.port, client_tls(tmp_path))
        assert (await in_thread(greeting, line, ours, theirs)).startswith(b"220 ")


def hello(port, context):
    """Said before the reactor has its next turn."""
    line = socket.create_connection(("127.0.0.1", port), timeout=10)
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(theirs, ours)
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    line.sendall(ours.read())
    return line, (session, ours), theirs


def greeting(line, said, theirs):
    session, ours = said
    with line:
        while True:
            theirs.write(line.recv(65536))
            try:
                session.do_handshake()
                line.sendall(ours.read())
                return session.read(1000)
            except ssl.SSLWantReadError:
                line.sendall(ours.read())


def key_pair(folder, selector="2026", domain="chu.example"):
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = b"".join(public.splitlines()[1:-1]).decode()
    (folder / "dkim").mkdir(exist_ok=True)
    (folder / "dkim" / f"{selector}._domainkey.{domain}.txt").write_text(
        f"v=DKIM1; k=rsa; p={text}"
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def signed(mail, key, *, domain=b"chu.example", **how):
    headers = how.pop("headers", [b"from", b"subject", b"date", b"message-id"])
    return dkim.sign(mail, b"2026", domain, key, include_headers=headers, **how) + mail


async def test_a_signature_of_its_own_domain_vouches_for_a_mail(tmp_path):
    key = key_pair(tmp_path)
    other = key_pair(tmp_path, domain="evil.example")
    mail = MAIL % b"1"
    inbox = Inbox()
    whole = signed(mail, key)
    cases = [
        whole,
        whole.replace(b"Bonjour", b"Bonsoir"),
        b"Subject: Autre\r\n" + whole,
        signed(mail, key, headers=[b"from", b"date"]),
        signed(mail, key, length=True),
        signed(mail, other, domain=b"evil.example"),
        signed(mail, other),
    ]
    async with intake(inbox, keys="dkim", base=tmp_path) as service:
        for case in cases:
            await in_thread(send, service.port, case, sender="relay@elsewhere.example")
    assert [unseal(t["raw"])[0].grade for t in inbox.taken] == [Grade.B, *[Grade.C] * 6]
    assert unseal(inbox.taken[0]["raw"])[0].proof == "chu.example"


async def test_hl7_in_a_mail_goes_in_as_hl7_when_its_sender_is_known(tmp_path):
    key = key_pair(tmp_path)
    inbox = Inbox()
    head = [b"from", b"subject", b"date", b"message-id", b"content-type"]
    async with intake(inbox, keys="dkim", base=tmp_path) as service:
        await in_thread(send, service.port, signed(with_hl7(HL7, HL7), key, headers=head))
        assert len(inbox.results) == 2
        bad = signed(with_hl7(HL7, HL7.replace(b"PID", b"PIX")), key, headers=head)
        told = await in_thread(refusal, service.port, bad)
        assert told == "550 5.6.0 HL7 message 2 refused: PID-3 no patient"
        assert len(inbox.taken) == 1
        await in_thread(send, service.port, with_hl7(HL7))  # unsigned: waits as it is
    assert len(inbox.results) == 3
    assert inbox.taken[-1]["held"]


ENDS = (
    *(b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\n.\r", b"\r\n.\0\r\n"),
    *(b"\r\r\n.\r\r\n", b"\r\n\0.\r\n", b"\r\n.\n", b"\r\n.\r"),
)
SMUGGLED = (
    b"MAIL FROM:<admin@chu.example>\r\nRCPT TO:<neuro@print.chu.example>\r\nDATA\r\n"
    b"From: x\r\n\r\nfalse\r\n.\r\n"
)


@pytest.mark.parametrize("end", ENDS)
async def test_only_one_end_ends_a_mail(end):
    inbox = Inbox()
    async with intake(inbox) as service:
        answers = await in_thread(
            conversation,
            service.port,
            b"EHLO x\r\n",
            b"MAIL FROM:<labo@chu.example>\r\n",
            b"RCPT TO:<card@print.chu.example>\r\n",
            b"DATA\r\n",
            MAIL % b"1" + b"one" + end + SMUGGLED,
        )
    assert not [t for t in inbox.taken if t["wards"] == ("NEURO",)]
    if b"\0" in end:
        assert answers[-1].startswith("250 2.6.0")
    else:
        assert answers[-1].startswith("550 5.5.2 Mail with bare CR or LF")
        assert not inbox.taken


async def test_bare_line_ends_in_commands_end_the_conversation():
    async with intake(Inbox()) as service:
        for first in (b"EHLO x\n", b"EHLO x\rMAIL FROM:<a@b.example>\r\n"):
            answers = await in_thread(conversation, service.port, first, b"NOOP\r\n")
            assert answers[1].startswith("501 5.5.2")
            assert answers[2] == ""
        halves = await in_thread(conversation, service.port, b"EHLO x\r\nNOOP\r\n")
        assert halves[1].startswith("250")


@pytest.mark.parametrize(
    "first",
    [
        b"BDAT 400 LAST\r\n",
        b"POST / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n",
        b"CONNECT x:25 HTTP/1.1\r\n",
    ],
)
async def test_another_protocol_is_not_listened_to(first):
    inbox = Inbox()
    async with intake(inbox) as service:
        answers = await in_thread(
            conversation,
            service.port,
            b"EHLO x\r\n",
            b"MAIL FROM:<labo@chu.example>\r\n",
            b"RCPT TO:<card@print.chu.example>\r\n",
            first + b"Host: x\r\n\r\n" + SMUGGLED,
            b"NOOP\r\n",
        )
    assert answers[-2].startswith("521 5.5.1")
    assert answers[-1] == ""
    assert not inbox.taken


async def test_what_is_offered_is_what_there_is():
    """Neither CHUNKING nor SMTPUTF8, DSN or AUTH: who asks for one is refused, not misunderstood."""
    asks = (
        b"MAIL FROM:<labo@chu.example> SMTPUTF8\r\n", b"MAIL FROM:<labo@chu.example> RET=HDRS ENVID=1\r\n",
        b"MAIL FROM:<labo@chu.example> BODY=BINARYMIME\r\n", b"AUTH PLAIN AGEAYg==\r\n", b"EXPN card\r\n",
        b"STARTTLS\r\n", b"XCLIENT ADDR=127.0.0.1\r\n", b"TURN\r\n", b"VRFY <card@print.chu.example>\r\n",
    )  # fmt: skip
    async with intake(Inbox()) as service:
        talk = await in_thread(Talk, service.port)
        await in_thread(talk.hear)
        offered = (await in_thread(talk.ask, b"EHLO x\r\n")).decode().splitlines()
        told = [await in_thread(talk.ask, ask) for ask in asks]
        talk.close()
    assert {line[4:].partition(" ")[0] for line in offered[1:]} == {
        "SIZE",
        "8BITMIME",
        "ENHANCEDSTATUSCODES",
    }
    assert all(answer[:1] in (b"4", b"5") for answer in told[:-1])
    assert told[-1].startswith(b"252")


async def test_a_mail_of_dots_comes_out_as_it_was():
    inbox = Inbox()
    mail = MAIL % b"1" + b".\r\n..\r\n...x\r\n.\r\n"
    async with intake(inbox) as service:
        await in_thread(send, service.port, mail)
        await in_thread(send, service.port, MAIL % b"2")
    assert unseal(inbox.taken[0]["raw"])[1] == mail


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def flood(port, size, *, line_end=b""):
    """An endless line; how much of it was taken before we were cut off, and what was said."""
    talk = in_data(port)
    sent, chunk = 0, b"x" * 65536 + line_end
    try:
        while sent < size:
            talk.say(chunk)
            sent += len(chunk)
        talk.say(b"\r\n.\r\n")
        return sent, talk.hear()
    except ConnectionError:
        return sent, talk.rest()
    finally:
        talk.close()


async def test_an_endless_line_costs_no_memory():
    async with intake(Inbox(), size=2**20) as service:
        await in_thread(flood, service.port, 2**19)
        before = resident()
        sent, told = await in_thread(flood, service.port, 100 * 2**20)
        assert sent < 20 * 2**20
        assert resident() - before < 10 * 2**20
        _, told = await in_thread(flood, service.port, 2**20 + 2**18, line_end=b"\r\n")
        assert told.startswith(b"552 5.3.4")


async def test_a_size_told_beforehand_is_refused_beforehand():
    senders = [{"address": "labo@chu.example", "size": 5000}]
    async with intake(Inbox(), senders=senders) as service:
        answers = await in_thread(
            conversation,
            service.port,
            b"EHLO x\r\n",
            b"MAIL FROM:<labo@chu.example> SIZE=5001\r\n",
            b"MAIL FROM:<eve@chu.example> SIZE=99999999999\r\n",
            b"MAIL FROM:<labo@chu.example> SIZE=5000\r\n",
        )
    assert [a[:9] for a in answers[2:]] == ["552 5.3.4", "552 Error", "250 2.1.0"]


async def test_a_sender_gone_while_its_mail_is_put_on_disk_does_not_stop_that():
    inbox = Inbox()
    async with intake(inbox) as service:
        for leave in (socket.SHUT_WR, None):
            inbox.hold = Deferred()

            def hand_in(how=leave):
                talk = in_data(service.port)
                talk.say(MAIL % b"1" + b".\r\n")
                if how is None:
                    talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    talk.close()
                    return b""
                talk.socket.shutdown(how)
                told = talk.hear()
                talk.close()
                return told

            done = in_thread(hand_in)
            await deferLater(reactor, 0.4)
            inbox.hold.callback(None)
            told = await done
            await deferLater(reactor, 0.1)
            assert told.startswith(b"250" if leave is not None else b"")
    assert len(inbox.taken) == 2


@pytest.mark.parametrize(
    ("failure", "answer"),
    [(StoreFull("x"), "452 4.3.1"), (StoreBroken("x"), "451 4.3.0"), (KeyError("Mme MARTIN"), "451 4.3.0")],
)  # fmt: skip
async def test_what_fails_here_is_told_without_a_word_of_it(failure, answer):
    inbox, broken = Inbox(), []
    inbox.failure = failure
    with capture_logs() as logs:
        async with intake(inbox, broken=broken.append) as service:
            told = await in_thread(refusal, service.port, MAIL % b"1")
    assert told.startswith(answer)
    assert "MARTIN" not in told + repr(logs)
    assert bool(broken) == isinstance(failure, StoreBroken)


async def test_commands_recipients_and_connections_are_counted():
    async with intake(Inbox(), per_peer=2, recipients=2) as service:
        rcpt = b"RCPT TO:<%s>\r\n" % CARD.encode()
        answers = await in_thread(
            conversation,
            service.port,
            b"EHLO x\r\n",
            b"MAIL FROM:<labo@chu.example>\r\n",
            rcpt,
            rcpt,
            rcpt,
        )
        assert answers[-1].startswith("452 4.5.3")
        answers = await in_thread(conversation, service.port, *[b"NOOP\r\n"] * 22)
        assert answers[-2].startswith("421")
        talks = [await in_thread(Talk, service.port) for _ in range(3)]
        greetings = [await in_thread(talk.hear) for talk in talks]
        assert [g[:3] for g in greetings] == [b"220", b"220", b"421"]
        for talk in talks:
            talk.close()
    async with intake(Inbox(), allow=["10.0.0.0/8"]) as service:
        assert (await in_thread(conversation, service.port))[0].startswith("554 5.7.1")


async def test_a_sender_in_a_hurry_is_told_to_wait():
    inbox = Inbox()
    async with intake(inbox, per_hour=2, unverified_per_hour=3) as service:
        told = [await in_thread(refusal, service.port, MAIL % b"%d" % n) for n in range(3)]
        assert told[:2] == ["", ""]
        assert told[2].startswith("451 4.7.1 Too many mails")
        other = {"sender": "eve@evil.example"}
        told = [
            await in_thread(refusal, service.port, MAIL % b"x%d" % n, **other) for n in range(2)
        ]
        assert told[0] == ""
        assert told[1].startswith("451 4.7.1")


async def test_a_silent_sender_is_cut_off():
    async with intake(Inbox(), idle="200ms") as service:
        talk = await in_thread(Talk, service.port)
        await in_thread(talk.hear)
        assert await in_thread(talk.hear) == b""
        talk.close()
    async with intake(Inbox(), within="300ms") as service:
        _, told = await in_thread(slow, service.port)
        assert told == b""


def slow(port):
    talk = in_data(port)
    try:
        return 0, talk.hear()
    finally:
        talk.close()


async def test_lmtp_answers_for_each_recipient(tmp_path):
    senders = [{"address": "labo@chu.example", "wards": ["CARD"]}]
    key = key_pair(tmp_path)
    inbox = Inbox()
    async with intake(inbox, kind="lmtp", senders=senders, keys="dkim", base=tmp_path) as service:

        def hand_in():
            talk = Talk(service.port)
            talk.hear()
            assert talk.ask(b"EHLO x\r\n").startswith(b"500")
            assert b"PIPELINING" in talk.ask(b"LHLO x\r\n")
            talk.ask(b"MAIL FROM:<labo@chu.example>\r\n")
            for to in (CARD, NEURO):
                talk.ask(b"RCPT TO:<%s>\r\n" % to.encode())
            talk.ask(b"DATA\r\n")
            answers = [talk.ask(signed(MAIL % b"1", key) + b".\r\n"), talk.hear()]
            talk.close()
            return answers

        first, second = await in_thread(hand_in)
    assert first.startswith(b"250 2.6.0 On disk, will be printed")
    assert second.startswith(b"250 2.6.0 On disk, waits for a person")
    assert [t["held"] for t in inbox.taken] == ["", "its sender may not print in this ward"]


async def test_a_port_that_is_taken_stops_the_start():
    async with intake(Inbox()) as service:
        with pytest.raises(error.CannotListenError):
            async with intake(Inbox(), listen=f"tcp:{service.port}:interface=127.0.0.1"):
                raise AssertionError


async def test_stopping_answers_what_came_whole():
    inbox = Inbox()
    inbox.hold = Deferred()
    async with intake(inbox) as service:
        idle = await in_thread(Talk, service.port)
        await in_thread(idle.hear)
        sending = in_thread(refusal, service.port, MAIL % b"1")
        await deferLater(reactor, 0.3)
        reactor.callLater(0.2, inbox.hold.callback, None)
    assert (await in_thread(idle.hear)).startswith(b"421 4.3.2")
    idle.close()
    assert await sending == ""


def dialogues():
    where = os.environ.get("WARDLINE_CORPORA")
    path = Path(where or "/nowhere") / "own/smtp-dialogues.json"
    return json.loads(path.read_text()) if path.exists() else []


#: Nothing in them is refused: one mail that hides another, one longer than it said, two cut short.
HARMLESS = ("smuggle_crlf_dot_nul", "size_lie", "drop_in_data", "drop_after_dot")


def play(port, dialogue):
    """Everything it says at once, to our own wards; all that is answered until it hangs up."""
    repeated, times = dialogue.get("repeat", ("", 0))
    said = [bytes.fromhex(step) for step in dialogue["send"]] + [bytes.fromhex(repeated)] * times
    talk = Talk(port, timeout=3.0)
    heard = talk.hear()
    with contextlib.suppress(OSError):
        for step in said:
            ours = step.replace(b"print+urg@gateway.example", b"card@print.chu.example")
            talk.say(re.sub(rb"print\+\w+@gateway\.example", b"neuro@print.chu.example", ours))
            answer = talk.hear()
            heard += answer
            if (
                not answer
            ):  # it hung up: what we said since would make the kernel forget its last words
                break
        talk.socket.shutdown(socket.SHUT_WR)
        heard += talk.rest()
    talk.close()
    return heard


@pytest.mark.skipif(not dialogues(), reason="WARDLINE_CORPORA names no folder with SMTP dialogues")
@pytest.mark.parametrize("dialogue", dialogues(), ids=lambda d: d["name"])
async def test_a_hostile_dialogue_prints_nothing_it_should_not(dialogue):
    inbox = Inbox()
    async with intake(inbox, size=2**20, idle="2s") as service:
        heard = await in_thread(play, service.port, dialogue)
        assert [t for t in inbox.taken if t["wards"] != ("CARD",)] == []
        assert len(inbox.taken) <= 1
        if dialogue["name"] not in HARMLESS:
            assert re.search(rb"(?m)^[45]\d\d[ -]", heard), heard[-300:]
        assert b"Traceback" not in heard
        assert await in_thread(refusal, service.port, MAIL % b"beside") == ""
