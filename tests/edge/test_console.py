"""The console's own rim: TLS, a port that is taken, a browser that never ends its request."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, wrapClientTLS
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol

from gateway.clock import ReactorClock
from gateway.service import at_once
from gateway.web.service import Console
from gateway.web.settings import ConsoleSettings
from tests.edge.test_mllp_intake import Authority, trusting


def console(folder, *, port=0, **settings):
    house = SimpleNamespace(
        name="Hôpital", language="fr", zone="Europe/Paris", drill=False,
        clock=ReactorClock(reactor), aside=at_once,
    )  # fmt: skip
    made = ConsoleSettings(listen=f"tcp:{port}:interface=127.0.0.1", **settings)
    return Console(made, house=house, reactor=reactor, base=folder, on_broken=lambda why: None)


class Heard(Protocol):
    def __init__(self):
        self.data, self.closed = b"", Deferred()

    def dataReceived(self, data):
        self.data += data

    def connectionLost(self, reason):
        self.closed.callback(None)


async def ask(port, data, tls=None):
    endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port}")
    endpoint = wrapClientTLS(tls, endpoint) if tls else endpoint
    heard = await endpoint.connect(Factory.forProtocol(Heard))
    heard.transport.write(data)
    await heard.closed
    return heard.data.decode()


GET = b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_it_speaks_tls_and_says_what_every_answer_says(tmp_path):
    authority = Authority(tmp_path, "ours")
    authority.issue("wardline.example")
    files = {"certificate": "wardline.example.crt", "private_key": "wardline.example.key"}
    service = console(tmp_path, **files)
    await service.startService()
    try:
        said = await ask(service.port, GET, trusting(authority))
    finally:
        await service.stopService()
    assert said.startswith("HTTP/1.1 200 OK")
    assert "Code personnel" in said
    head = said.partition("\r\n\r\n")[0].lower()
    for word in ("cache-control: no-store", "x-content-type-options: nosniff", "script-src 'none'"):
        assert word in head
    assert "server:" not in head


async def test_a_port_that_is_taken_stops_the_start(tmp_path):
    first = console(tmp_path)
    await first.startService()
    second = console(tmp_path, port=first.port)
    with pytest.raises(CannotListenError):
        await second.startService()
    await first.stopService()


async def test_a_request_that_never_ends_is_ended(tmp_path):
    service = console(tmp_path)
    service.within = 0.2
    await service.startService()
    try:
        said = await ask(
            service.port, b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nco"
        )
    finally:
        await service.stopService()
    assert said == "" or said.startswith("HTTP/1.1 408")
