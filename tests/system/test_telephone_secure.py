"""TLS and SRTP as `wardline asterisk render` writes them: a real call, heard by its own, noise to others."""

from __future__ import annotations

import datetime as dt
from array import array
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.ssl import Certificate

from demo.telephone.exchange import free_ports
from demo.telephone.phone import Phone
from demo.telephone.voice import _LINEAR
from gateway.asterisk.files import Numbers
from gateway.asterisk.role import Ending
from gateway.asterisk.settings import TelephonySettings
from tests.system.asterisk import SECRET, Asterisk
from tests.system.rtp import likeness, samples
from tests.system.secure_phone import SecurePhone
from tests.system.test_telephone import SOUNDS, SURE, hears, pause, sound, telephony

pytestmark = pytest.mark.system

SEALED, TLS_ONLY = "201", "202"


class Secured(Asterisk):
    """Telephone 201 must use TLS and SRTP, 202 TLS; the others are as telephones are."""

    def __init__(self, folder):
        super().__init__(folder)
        (self.tls_port,) = free_ports(1)
        self.certificate = certificate(self.folder)
        self.table["pbx"] |= {
            "sip_tls": f"127.0.0.1:{self.tls_port}",
            "certificate": str(self.folder / "asterisk.pem"),
            "private_key": str(self.folder / "asterisk.key"),
        }
        self.table["phones"][0] |= {"transport": "tls", "srtp": True}
        self.table["phones"][1] |= {"transport": "tls"}
        self.settings = TelephonySettings.model_validate(self.table)
        self.write()


def certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    # Asterisk asks DNS for names, and no DNS knows localhost.
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "asterisk.pem").write_bytes(pem)
    (folder / "asterisk.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Certificate.loadPEM(pem)


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory):
    one = Secured(tmp_path_factory.mktemp("secure"))
    try:
        yield one.start()
    finally:
        one.close()


@asynccontextmanager
async def safe_phone(asterisk, **about):
    server = ("localhost", asterisk.tls_port)
    one = SecurePhone(
        reactor, SEALED, password=SECRET, server=server, trust=asterisk.certificate, **about
    )
    await one.connected()
    try:
        yield await one.register()
    finally:
        one.close()
        await pause(0.1)


def as_if_plain(wire):
    """What somebody hears who taps the line and takes it for A-law."""
    return array("h", [_LINEAR[byte] for packet in wire for byte in packet[12:172]])


async def test_a_caller_over_tls_hears_and_is_heard_and_who_taps_hears_noise(asterisk):
    keyed = []

    async def program(call):
        keyed.append(await call.ask(sound(asterisk, "fr/absent"), digits=8))

    async with telephony(asterisk, program), safe_phone(asterisk) as doctor:
        call = doctor.dial("610")
        assert await call.answered
        await hears(call, "fr/absent")
        await call.press("6*82#")
        await call.ended
        wire = list(doctor.wire)
    assert keyed == ["6*82"]
    assert len(wire) > 50
    prompt = samples(SOUNDS / "fr/absent.wav")
    assert likeness(call.heard, prompt)[0] > SURE
    assert likeness(as_if_plain(wire), prompt)[0] < 0.5


async def test_whom_wardline_rings_over_tls_hears_the_same_way(asterisk):
    async def program(call):
        await call.say(sound(asterisk, "fr/absent"))

    async with telephony(asterisk, program) as service, safe_phone(asterisk) as ward:
        rung = ward.rung()
        placed = await service.phone.call(SEALED, "t1")
        call = await rung
        await hears(call, "fr/absent")
        assert (await placed.outcome()).ending is Ending.DONE
    assert likeness(as_if_plain(ward.wire), samples(SOUNDS / "fr/absent.wav"))[0] < 0.5


async def test_voice_in_the_open_is_refused_where_it_must_be_sealed(asterisk):
    async with telephony(asterisk), safe_phone(asterisk, sealed=False) as careless:
        call = careless.dial("610")
        await call.ended
        assert (call.answered.value, call.code) == (False, 488)


@asynccontextmanager
async def in_the_open(asterisk, number):
    """A telephone of TLS, with its own password, over UDP."""
    one = Phone(reactor, number, password=SECRET, server=("127.0.0.1", asterisk.sip_port)).open()
    try:
        yield one
    finally:
        await one.close()


@pytest.mark.parametrize(("number", "code"), [(SEALED, 488), (TLS_ONLY, 403)])
async def test_plain_sip_is_no_way_in_for_a_telephone_of_tls(asterisk, number, code):
    asked = []

    async def program(call):
        asked.append(call)

    async with telephony(asterisk, program), in_the_open(asterisk, number) as plain:
        call = plain.dial("610")
        await call.ended
        assert (call.answered.value, call.code) == (False, code)
    assert not asked


async def test_who_registers_in_the_open_is_not_rung(asterisk):
    async with telephony(asterisk) as service, in_the_open(asterisk, TLS_ONLY) as plain:
        await plain.register()
        placed = await service.phone.call(TLS_ONLY, "t1", timeout=2)
        assert not (await placed.outcome()).ending.answered
        assert plain.calls == []


# --- the hospital's exchange, another Asterisk, over TLS


class Hospital(Asterisk):
    """The exchange: its telephone 301, and a trunk to ours that demands TLS and SRTP."""

    def __init__(self, folder, *, ours):
        super().__init__(folder)
        (self.tls_port,) = free_ports(1)
        self.certificate = certificate(self.folder)
        self.table["pbx"] |= {
            "sip_tls": f"127.0.0.1:{self.tls_port}",
            "certificate": str(self.folder / "asterisk.pem"),
            "private_key": str(self.folder / "asterisk.key"),
            "rtp": [33000, 33099],
        }
        self.settings = TelephonySettings.model_validate(self.table)
        self.write()
        pjsip = self.folder / "etc" / "pjsip.conf"
        pjsip.write_text(pjsip.read_text() + TRUNK.format(port=ours))
        (self.folder / "etc" / "extensions.conf").write_text(PLAN)


TRUNK = """
[wardline]
type = endpoint
transport = tls
context = from-wardline
disallow = all
allow = alaw
aors = wardline
direct_media = no
media_encryption = sdes
[wardline]
type = aor
contact = sip:127.0.0.1:{port};transport=tls
[wardline]
type = identify
endpoint = wardline
match = 127.0.0.1
"""
PLAN = """
[from-wardline]
exten => 01,1,NoOp()
exten => 0142000201,1,Dial(PJSIP/202,20)
[from-phones]
exten => 610,1,Dial(PJSIP/610@wardline,20)
"""
OUTSIDE = "0142000201"


class Trunked(Asterisk):
    """Ours, that reaches everything through the exchange, by TLS only, and looks at its certificate."""

    def __init__(self, folder, *, port, tls_port, authorities):
        super().__init__(folder, numbers=Numbers(phones=(OUTSIDE,)))
        self.table["pbx"] |= {
            "sip": "",
            "sip_tls": f"127.0.0.1:{tls_port}",
            "certificate": str(self.folder / "asterisk.pem"),
            "private_key": str(self.folder / "asterisk.key"),
            "authorities": str(authorities),
        }
        certificate(self.folder)
        self.table["phones"] = []
        self.table["trunk"] = {
            "host": f"127.0.0.1:{port}", "match": ["127.0.0.1"], "transport": "tls", "srtp": True,
        }  # fmt: skip
        self.settings = TelephonySettings.model_validate(self.table)
        self.write()


@asynccontextmanager
async def both(folder, *, authorities=None):
    (folder / "theirs").mkdir()
    (folder / "ours").mkdir()
    (port,) = free_ports(1)
    theirs = Hospital(folder / "theirs", ours=port)
    ours = Trunked(
        folder / "ours", port=theirs.tls_port, tls_port=port,
        authorities=authorities or theirs.folder / "asterisk.pem",
    )  # fmt: skip
    somebody = Phone(
        reactor, "202", password=SECRET, server=("127.0.0.1", theirs.sip_port), address="127.0.0.3"
    )
    try:
        theirs.start()
        ours.start()
        await somebody.open().register()
        yield ours, somebody
    finally:
        await somebody.close()
        ours.close()
        theirs.close()


@pytest.mark.patience(60)
async def test_over_the_exchanges_trunk_calls_go_both_ways_sealed(tmp_path):
    keyed = []

    async def program(call):
        keyed.append((call.token, call.caller, await call.ask(sound(ours, "fr/absent"), digits=2)))

    async with both(tmp_path) as (ours, somebody), telephony(ours, program) as service:
        rung = somebody.rung()
        placed = await service.phone.call(OUTSIDE, "t1")
        call = await rung
        await hears(call, "fr/absent")
        await call.press("42")
        assert (await placed.outcome()).ending is Ending.DONE
        calling = somebody.dial("610")
        assert await calling.answered
        await hears(calling, "fr/absent")
        await calling.press("43")
        await calling.ended
    assert [(token, keys) for token, _, keys in keyed] == [("t1", "42"), ("", "43")]


async def test_an_exchange_of_another_certificate_is_told_nothing(tmp_path):
    (tmp_path / "stranger").mkdir()
    certificate(tmp_path / "stranger")
    async with (
        both(tmp_path, authorities=tmp_path / "stranger" / "asterisk.pem") as (ours, somebody),
        telephony(ours) as service,
    ):
        placed = await service.phone.call(OUTSIDE, "t1", timeout=5)
        assert not (await placed.outcome()).ending.answered
        assert somebody.calls == []
