"""An answer handed to a mail server: from nobody, whole, and what its refusals mean."""

from __future__ import annotations

import asyncio

import pytest
from aiosmtpd.smtp import SMTP
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway.bridge import from_asyncio
from gateway.intakes.smtp.smarthost import Unwanted, sender
from tests.unit.intakes.test_returned import made


class Server:
    """A mail server that says what a test tells it to."""

    def __init__(self, *, rcpt="250 OK", data="250 OK"):
        self.rcpt, self.data, self.heard = rcpt, data, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, session, envelope):
        self.heard.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.data


async def handed(server):
    loop = asyncio.get_event_loop()
    listening = await from_asyncio(
        loop.create_server(lambda: SMTP(server, hostname="s", loop=loop), "127.0.0.1", 0)
    )
    port = listening.sockets[0].getsockname()[1]
    send = sender(reactor, smarthost=f"tcp:127.0.0.1:{port}", name="print.chu.example")
    try:
        await Deferred.fromCoroutine(send("labo@x.example", made()))
    finally:
        listening.close()


async def test_it_comes_from_nobody_and_whole():
    server = Server()
    await handed(server)
    assert server.heard == [("<>", ["labo@x.example"], made())]


@pytest.mark.parametrize("how", [{"rcpt": "550 5.1.1 nobody"}, {"data": "554 5.7.1 spam"}])
async def test_what_is_refused_for_good_is_unwanted(how):
    with pytest.raises(Unwanted, match="55"):
        await handed(Server(**how))


@pytest.mark.parametrize("how", [{"rcpt": "450 4.2.0 later"}, {"data": "451 4.3.0 later"}])
async def test_what_is_refused_now_may_be_tried_again(how):
    with pytest.raises(Exception, match="45") as caught:
        await handed(Server(**how))
    assert not isinstance(caught.value, Unwanted)


async def test_a_server_that_is_not_there_is_no_refusal():
    send = sender(reactor, smarthost="tcp:127.0.0.1:1", name="print.chu.example")
    with pytest.raises(Exception, match="refused") as caught:
        await Deferred.fromCoroutine(send("labo@x.example", made()))
    assert not isinstance(caught.value, Unwanted)
