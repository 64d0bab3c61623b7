"""Senders of mail for tests: Python's own client in a thread, and one that says bytes as it is told."""

from __future__ import annotations

import contextlib
import datetime as dt
import smtplib
import socket
import ssl
from pathlib import Path
from types import SimpleNamespace

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from gateway.box import Box
from gateway.clock import ReactorClock
from gateway.directory import Directory, Ward
from gateway.errors import Rejected
from gateway.intakes.smtp import Settings, build

DOMAIN = "print.chu.example"
MAIL = (
    b"From: Labo <labo@chu.example>\r\nSubject: Compte rendu\r\nMessage-ID: <%s@chu.example>\r\n"
    b"Date: Wed, 25 Nov 2026 10:00:00 +0100\r\n\r\nBonjour\r\n"
)


class Inbox:
    """A front door that remembers; it waits where a test holds it, and fails where it says so."""

    def __init__(self):
        self.taken, self.results = [], []
        self.failure = None
        self.hold = None  # a Deferred awaited before anything is on disk

    async def accept(self, raw, *, door, peer, only=()):
        if b"PID" not in raw:
            raise Rejected("no patient", code=101, location="PID-3")
        self.results.append(raw)

    async def take(self, message, raw, *, format, door, peer, wards=None, held=""):
        if self.hold is not None:
            await self.hold
        if self.failure is not None:
            raise self.failure
        self.taken.append(
            {
                "message": message,
                "raw": raw,
                "wards": wards,
                "held": held,
                "peer": peer,
                "door": door,
            }
        )
        return SimpleNamespace(message_id=len(self.taken))


def directory():
    wards = {
        "CARD": Ward(
            code="CARD", name="Cardiologie", devices=("cardio-slip",), aliases=("CARDIO",)
        ),
        "NEURO": Ward(code="NEURO", name="Neurologie", devices=("neuro-slip",)),
    }
    return Directory.of(wards, lab=Ward(code="LAB", name="Laboratoire", devices=("lab-slip",)))


@contextlib.asynccontextmanager
async def intake(inbox, *, kind="smtp", base=Path("/"), broken=None, **settings):
    box = Box(reactor, ReactorClock(reactor))
    box.startService()
    table = {
        "kind": kind,
        "name": "courriel",
        "listen": "tcp:0:interface=127.0.0.1",
        "domains": [DOMAIN],
        "senders": [{"address": "labo@chu.example", "login": "labo"}],
        **settings,
    }
    service = build(
        Settings(**table),
        inbox=inbox,
        reactor=reactor,
        clock=ReactorClock(reactor),
        base=base,
        on_broken=broken or (lambda why: None),
        directory=directory(),
        box=box,
    )
    try:
        await service.startService()
        yield service
    finally:
        await service.stopService()
        await box.stopService()


def in_thread(work, *args, **named):
    return deferToThread(work, *args, **named)


class Talk:
    """A connection that says what it is told; blocking, for a thread."""

    def __init__(self, port, *, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.heard = b""

    def say(self, data):
        self.socket.sendall(data)

    def hear(self):
        """One whole answer, all its lines; b"" when it hung up."""
        lines = b""
        while True:
            while b"\r\n" not in self.heard:
                more = self.socket.recv(65536)
                if not more:
                    return lines
                self.heard += more
            line, _, self.heard = self.heard.partition(b"\r\n")
            lines += line + b"\r\n"
            if line[3:4] != b"-":
                return lines

    def ask(self, data):
        self.say(data)
        return self.hear()

    def rest(self):
        """All it hears until the other side hangs up."""
        heard = self.heard
        with contextlib.suppress(ConnectionError):
            while more := self.socket.recv(65536):
                heard += more
        return heard

    def close(self):
        self.socket.close()


def in_data(port, *, to="card@" + DOMAIN):
    """A connection that has been asked for a mail (354)."""
    talk = Talk(port)
    talk.hear()
    rcpt = f"RCPT TO:<{to}>\r\n".encode()
    for step in (b"EHLO x\r\n", b"MAIL FROM:<labo@chu.example>\r\n", rcpt, b"DATA\r\n"):
        talk.ask(step)
    return talk


def conversation(port, *steps):
    """The last line of each answer, "" where it hung up; begins with the greeting's."""
    talk = Talk(port)
    answers = [talk.hear()]
    try:
        for step in steps:
            try:
                answers.append(talk.ask(step))
            except ConnectionError:
                answers.append(b"")
    finally:
        talk.close()
    return [a.decode().rstrip("\r\n").rpartition("\r\n")[2] for a in answers]


def send(port, mail, *, to=("card@" + DOMAIN,), sender="labo@chu.example", tls=None, login=None):
    """The refusals by recipient; raises smtplib's errors."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20, local_hostname="client.chu.example") as client:
        if tls is not None:
            client.starttls(context=tls)
        if login is not None:
            client.login(*login)
        return client.sendmail(sender, list(to), mail)


def refusal(port, mail, **how):
    """ "550 5.7.1 …" as the sender got it, "" when its mail was taken."""
    try:
        send(port, mail, **how)
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
    except smtplib.SMTPNotSupportedError as refused:
        return str(refused)
    except smtplib.SMTPResponseException as refused:
        code, text = refused.smtp_code, refused.smtp_error
    else:
        return ""
    return f"{code} {text.decode()}"


def authority(folder):
    """A made-up authority; `issue(name)` gives a certificate and key as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "ca.pem").write_bytes(_signed("CA", key, "CA", key, ca=True))

    def issue(name, host=None):
        own = ec.generate_private_key(ec.SECP256R1())
        path = folder / f"{name}.pem"
        private = own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(_signed(name, own, "CA", key, host=host) + private)
        return path

    return issue


def _signed(name, key, issuer, issuer_key, *, ca=False, host=None):
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if host:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = builder.add_extension(names, critical=False)
    made = builder.sign(issuer_key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def client_tls(folder, own=None):
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.check_hostname = False
    if own is not None:
        context.load_cert_chain(own)
    return context
