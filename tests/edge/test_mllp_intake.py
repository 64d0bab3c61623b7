"""The MLLP way in over real sockets: TLS, taken ports, many senders, and its end."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs
from twisted.internet import error, reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from gateway.clock import ReactorClock
from gateway.hl7 import Framer, peek, read_ack
from gateway.intakes.mllp import MllpIntake, Settings


def message(control_id, *, more=""):
    return f"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|{control_id}|P|2.5\r{more}".encode()


def framed(*bodies):
    return b"".join(b"\x0b" + body + b"\x1c\r" for body in bodies)


class Inbox:
    """Commits like a store that commits in groups: all that wait, at once, when told or by itself."""

    def __init__(self):
        self.seen, self.peers, self.waiting = [], set(), []
        self.holding = False
        self.asked = Deferred()
        self.wanted = 1

    async def accept(self, raw, *, door, peer):
        self.seen.append(peek(raw).control_id)
        self.peers.add(peer)
        if self.holding:
            done = Deferred()
            self.waiting.append(done)
            if len(self.waiting) == self.wanted:
                self.asked.callback(None)
            await done

    async def refuse(self, raw, rejected, *, door, peer):
        """Nothing is kept here."""

    def commit(self):
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done.callback(None)


class Sender(Protocol):
    def __init__(self):
        self.answers, self.chunks, self.closed = [], 0, Deferred()
        self._framer, self._wanted = Framer(), []

    def dataReceived(self, data):
        self.chunks += 1
        self.answers += [read_ack(f.data).control_id for f in self._framer.feed(data)]
        for count, fired in self._wanted:
            if len(self.answers) >= count and not fired.called:
                fired.callback(None)

    def connectionLost(self, reason):
        self.closed.callback(None)

    def until(self, count):
        fired = Deferred()
        self._wanted.append((count, fired))
        return fired


class Site:
    def __init__(self, *, base=Path(), **settings):
        table = {"kind": "mllp", "name": "lab", "mode": "direct"}
        table |= {"listen": "tcp:0:interface=127.0.0.1"} | settings
        self.inbox = Inbox()
        self.intake = MllpIntake(
            Settings(**table),
            inbox=self.inbox,
            reactor=reactor,
            clock=ReactorClock(reactor),
            zone="Europe/Paris",
            base=base,
            on_broken=lambda error: None,
        )

    async def __aenter__(self):
        await self.intake.startService()
        return self

    async def __aexit__(self, *_):
        await self.intake.stopService()

    async def dial(self, tls=None):
        endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{self.intake.port}")
        endpoint = wrapClientTLS(tls, endpoint) if tls else endpoint
        return await endpoint.connect(Factory.forProtocol(Sender))


async def test_a_port_that_is_taken_fails_the_start():
    async with Site() as site:
        other = Site(listen=f"tcp:{site.intake.port}:interface=127.0.0.1")
        with pytest.raises(error.CannotListenError):
            await other.intake.startService()


async def test_once_stopped_nobody_is_let_in():
    async with Site() as site:
        endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{site.intake.port}")
    with pytest.raises(error.ConnectionRefusedError):
        await endpoint.connect(Factory.forProtocol(Sender))


async def test_stopping_answers_what_came_and_then_closes():
    async with Site() as site:
        site.inbox.holding = True
        sender = await site.dial()
        sender.transport.write(framed(message("A1")))
        await site.inbox.asked
        stopping = site.intake.stopService()
        site.inbox.commit()
        await stopping
        await sender.closed
        assert sender.answers == ["A1"]


async def test_answers_of_one_commit_leave_together():
    async with Site(at_once=64) as site:
        site.inbox.holding, site.inbox.wanted = True, 40
        sender = await site.dial()
        sender.transport.write(framed(*[message(f"A{n}") for n in range(40)]))
        await site.inbox.asked
        site.inbox.commit()
        await sender.until(40)
        assert sender.chunks == 1
        assert sender.answers == [f"A{n}" for n in range(40)]
        sender.transport.loseConnection()
        await sender.closed


async def test_a_sender_that_ends_its_side_gets_its_answer():
    async with Site() as site:
        site.inbox.holding = True
        sender = await site.dial()
        sender.transport.write(framed(message("A1")))
        sender.transport.loseWriteConnection()
        await site.inbox.asked
        site.inbox.commit()
        await sender.closed
        assert sender.answers == ["A1"]


async def test_a_sender_that_reads_no_answers_holds_no_memory_here():
    async with Site() as site:
        sender = await site.dial()
        sender.transport.pauseProducing()
        crowd = framed(*[message(f"A{n}") for n in range(20_000)])
        other = await site.dial()
        for _ in range(20):
            sender.transport.write(crowd)
        for hundred in range(40):  # turns of the reactor, each with an answer for somebody else
            taken = len(site.inbox.seen)
            for n in range(100 * hundred, 100 * hundred + 100):
                other.transport.write(framed(message(f"B{n}")))
                await other.until(n + 1)
            if len(site.inbox.seen) == taken + 100:
                break
        else:
            pytest.fail("the deaf one is listened to for ever")
        # Far less than it would say: what it does not read holds nothing here.
        assert len(site.inbox.seen) < 20 * 20_000 / 2
        sender.transport.abortConnection()
        other.transport.loseConnection()
        await gatherResults([sender.closed, other.closed])


async def test_a_hundred_slow_senders_do_not_delay_a_good_one():
    async with Site(per_peer=500, within="20s") as site:
        slow = [await site.dial() for _ in range(100)]
        for sender in slow:
            sender.transport.write(b"\x0bMSH|^~")
        good = await site.dial()
        began = reactor.seconds()
        for n in range(100):
            good.transport.write(framed(message(f"A{n}")))
            await good.until(n + 1)
        assert reactor.seconds() - began < 2
        for sender in (*slow, good):
            sender.transport.abortConnection()
        await gatherResults([sender.closed for sender in (*slow, good)])


async def test_two_thousand_connections_leave_the_first_five_hundred_served():
    async with Site(per_peer=500) as site:
        held = [await site.dial() for _ in range(500)]
        with capture_logs() as logs:
            refused = [await site.dial() for _ in range(1500)]
            await gatherResults([sender.closed for sender in refused])
        assert [entry["event"] for entry in logs] == ["intake.refused_peer"]
        for n, sender in enumerate(held):
            sender.transport.write(framed(message(f"A{n}")))
        await gatherResults([sender.until(1) for sender in held])
        for sender in held:
            sender.transport.abortConnection()
        await gatherResults([sender.closed for sender in held])


# -- TLS


class Authority:
    """A certificate authority of the test's own, and what it signs."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(name, self.key, ca=True)
        (folder / f"{name}.pem").write_bytes(_pem(self.certificate))

    def issue(self, name):
        """A certificate and key for `name`, also as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(name, key)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (self.folder / f"{name}.crt").write_bytes(_pem(certificate))
        (self.folder / f"{name}.key").write_bytes(private)
        return {"certificate": certificate, "privateKey": key}

    def _signed(self, name, key, *, ca=False):
        now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        builder = x509.CertificateBuilder(
            issuer_name=_named(self.name),
            subject_name=_named(name),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - dt.timedelta(days=9000),
            not_valid_after=now + dt.timedelta(days=9000),
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        return builder.add_extension(names, False).sign(self.key, hashes.SHA256())


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def ours(tmp_path):
    authority = Authority(tmp_path, "ours")
    authority.issue("wardline.example")
    return authority


def secured(authority, **more):
    return Site(
        base=authority.folder,
        certificate="wardline.example.crt",
        private_key="wardline.example.key",
        **more,
    )


def trusting(authority, own=None):
    """How a client that trusts `authority` speaks TLS, with a certificate of its `own` or none."""
    trust = trustRootFromCertificates([Certificate.loadPEM(_pem(authority.certificate))])
    return optionsForClientTLS("wardline.example", trust, extraCertificateOptions=own or {})


async def test_tls_without_client_certificates(ours):
    async with secured(ours) as site:
        sender = await site.dial(trusting(ours))
        sender.transport.write(framed(message("A1")))
        await sender.until(1)
        assert site.inbox.peers == {"127.0.0.1"}
        sender.transport.loseConnection()
        await sender.closed


async def test_a_sender_with_our_certificate_is_known_by_its_name(ours):
    async with secured(ours, client_ca="ours.pem") as site:
        sender = await site.dial(trusting(ours, ours.issue("sil.example")))
        sender.transport.write(framed(message("A1")))
        await sender.until(1)
        assert site.inbox.peers == {"127.0.0.1 sil.example"}
        sender.transport.loseConnection()
        await sender.closed


async def test_a_certificate_is_good_for_its_own_application_only(ours):
    bound = [{"certificate": "sil.example", "application": "SIL"}]
    async with secured(ours, client_ca="ours.pem", senders=bound) as site:
        with capture_logs() as logs:
            for name, control_id in (("sil.example", "A1"), ("gam.example", "A2")):
                sender = await site.dial(trusting(ours, ours.issue(name)))
                sender.transport.write(framed(message(control_id)))
                await sender.until(1)
                sender.transport.loseConnection()
                await sender.closed
        assert site.inbox.seen == ["A1"]
        alarms = [entry for entry in logs if entry["event"] == "alarm"]
        assert [entry["peer"] for entry in alarms] == ["127.0.0.1 gam.example"]


@pytest.mark.parametrize("own", ["none", "of another authority"])
async def test_a_sender_without_our_certificate_is_not_heard(ours, tmp_path, own):
    folder = tmp_path / "theirs"
    folder.mkdir()
    stranger = None if own == "none" else Authority(folder, "theirs").issue("sil.example")
    async with secured(ours, client_ca="ours.pem") as site:
        with capture_logs() as logs:
            for _ in range(2):
                sender = await site.dial(trusting(ours, stranger))
                sender.transport.write(framed(message("A1")))
                await sender.closed
        assert site.inbox.seen == []
        assert sender.answers == []
        assert [entry["event"] for entry in logs] == ["intake.peer_trouble"]


async def test_bytes_in_clear_to_a_tls_port_are_not_heard(ours):
    async with secured(ours) as site:
        sender = await site.dial()
        sender.transport.write(framed(message("A1")))
        await sender.closed
        assert site.inbox.seen == []


async def test_a_handshake_that_never_ends_is_cut(ours):
    async with secured(ours, within="200ms") as site:
        sender = await site.dial()
        await sender.closed
        assert site.intake.connections == 0


async def test_after_the_handshake_a_sender_may_take_its_time(ours):
    async with secured(ours, within="100ms", idle="500ms") as site:
        began = reactor.seconds()
        sender = await site.dial(trusting(ours))
        await sender.closed
        assert reactor.seconds() - began >= 0.5


async def test_a_certificate_that_is_not_there_fails_the_start(tmp_path):
    site = Site(base=tmp_path, certificate="a.pem", private_key="b.pem")
    with pytest.raises(OSError, match=r"a\.pem"):
        await site.intake.startService()


async def test_a_file_without_a_certificate_fails_the_start(ours):
    (ours.folder / "empty.pem").write_text("")
    site = secured(ours, client_ca="empty.pem")
    with pytest.raises(ValueError, match="no certificate"):
        await site.intake.startService()
