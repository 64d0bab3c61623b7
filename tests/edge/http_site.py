"""An HTTP intake on a free port, with a real store or an inbox that does as it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol

from gateway.clock import ReactorClock
from gateway.delivery import Step
from gateway.directory import Directory, Ward
from gateway.hl7 import Limits
from gateway.inbox import Inbox
from gateway.intakes.http import Settings, build
from gateway.message import Priority
from gateway.router import Plan
from gateway.store.sqlite import SqliteStore

TOKEN = "a-token-of-the-lab"
PLAN = Plan(steps=(Step(by="slip", within=10), Step(by="courier")), expires=100.0)
WARDS = {"CARD": Ward(code="CARD", name="Cardiologie")}


def hl7(control_id="A1", *, sender="SIL|LABO", more=""):
    return (
        f"MSH|^~\\&|{sender}|X|Y|20260101||ORU^R01|{control_id}|P|2.5\rPID|1||4711^^^CHU^PI||Roux^A\r"
        f"PV1|1|I|CARD\rOBX|1|NM|K^Potassium||4.10|mmol/L|||||F{more}\r"
    ).encode()


@dataclass
class Said:
    """One response."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Line:
    """One connection, raw."""

    protocol: Protocol
    heard: bytearray
    closed: Deferred
    waiting: list = field(default_factory=list)

    def say(self, data):
        self.protocol.transport.write(data)

    def part(self):
        self.protocol.transport.loseConnection()
        return self.closed


class Client(Protocol):
    def __init__(self):
        self.line = Line(self, bytearray(), Deferred())

    def dataReceived(self, data):
        self.line.heard += data
        for wanted, done in tuple(self.line.waiting):
            if wanted(self.line.heard) and not done.called:
                done.callback(None)

    def connectionLost(self, reason):
        for _, done in self.line.waiting:
            if not done.called:
                done.callback(None)
        self.line.closed.callback(None)


def parsed(data):
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    return Said(int(first.split(" ")[1]), headers, body)


def whole(data):
    if b"\r\n\r\n" not in data:
        return False
    said = parsed(data)
    return len(said.body) >= int(said.headers.get("content-length", 0))


class Site:
    def __init__(self, folder, *, inbox=None, store=None, saying=None, **settings):
        (folder / "token").write_text(sha256(TOKEN.encode()).hexdigest())
        sender = {"name": "labo", "token_file": "token", "sends_as": ["SIL|LABO"]}
        table = {"kind": "http", "name": "web", "mode": "direct", "senders": [sender]}
        table |= {"listen": "tcp:0:interface=127.0.0.1"} | settings
        self.clock = ReactorClock(reactor)
        self.store = None
        if inbox is None:
            self.store = store or SqliteStore(folder / "w.db", reactor=reactor, reserve=0)
            inbox = Inbox(
                self.store,
                Directory.of(WARDS, lab=Ward(code="LAB", name="Laboratoire")),
                plans=dict.fromkeys(Priority, PLAN),
                limits=Limits(),
                clock=self.clock,
                on_deliveries=lambda accepted: None,
            )
        self.inbox, self.broken = inbox, []
        self.intake = build(
            Settings(**table),
            inbox=inbox,
            reactor=reactor,
            clock=self.clock,
            base=folder,
            on_broken=self.broken.append,
            saying=saying,
        )

    async def __aenter__(self):
        await self.intake.startService()
        return self

    async def __aexit__(self, *_):
        await self.intake.stopService()
        if self.store is not None:
            await self.store.close()

    async def dial(self, tls=None):
        endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{self.intake.port}")
        endpoint = wrapClientTLS(tls, endpoint) if tls else endpoint
        return (await endpoint.connect(Factory.forProtocol(Client))).line

    async def raw(self, data, *, until=whole):
        """What comes back for these bytes; the connection is closed after."""
        line = await self.dial()
        line.say(data)
        done = Deferred()
        line.waiting.append((until, done))
        if until(line.heard):
            done.callback(None)
        await done
        await line.part()
        return parsed(line.heard) if line.heard else None

    async def ask(self, method, path, body=b"", *, token=TOKEN, **headers):
        lines = [f"{method} {path} HTTP/1.1", "Host: here"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def post(self, body, media="application/hl7-v2", path="/api/v1/messages", **headers):
        return await self.ask("POST", path, body, Content_Type=media, **headers)

    async def fhir(self, found, path="/fhir", **headers):
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return await self.post(body, "application/fhir+json", path, **headers)
