"""HTTP/1.1 as strangers speak it, bounded: connections, time, headers and bodies, before anything is read.

Twisted refuses two lengths, length and chunks together, bare CR, LF and NUL in headers. Here are the
bounds it leaves open: a request must be whole within a time, a body is never written to a file, and what
comes from nobody we know is not kept at all.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web import http, server

from gateway.intakes.http.answers import PROBLEM, TITLES, written

# Twisted's own classes assign to one another what their annotations do not know.
_Request: Any = server.Request
_HTTPChannel: Any = http.HTTPChannel
_Site: Any = server.Site

#: Bytes and number of header lines of one request.
HEADER_BYTES, HEADERS = 16 * 1024, 64
#: A body declared longer than this many times the longest is not even waited for.
HOPELESS = 4
#: An address with its host, as for a proxy (RFC 9112, 3.2.2).
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(/.*)?", re.IGNORECASE)
_NOWHERE = b"/-"


class Host(Protocol):
    """The intake or the console, as its connections need it."""

    longest: int
    within: float
    idle: float

    def objection(self, host: str) -> str: ...
    def entered(self, channel: Channel, host: str) -> None: ...
    def left(self, channel: Channel, host: str) -> None: ...
    def holds(self, more: int) -> bool:
        """Count `more` bytes of bodies; False when that is too much for all together."""
        ...

    def knows(self, authorization: list[bytes]) -> Any:
        """Whoever has this header's token; None: nobody, and no body of theirs is kept."""
        ...


class Incoming(_Request):  # type: ignore[misc]
    """One request. Its body is kept only when a known sender sends it, and only while there is room."""

    path: bytes
    sender: Any = None
    too_long = False
    no_room = False

    def gotLength(self, length: int | None) -> None:
        host: Host = self.channel.host
        self.content = BytesIO()
        self._host, self._size = host, 0
        self.sender = host.knows(self.requestHeaders.getRawHeaders(b"Authorization") or [])
        self.too_long = length is not None and length > host.longest
        if length is not None and length > HOPELESS * host.longest:
            self.channel.turn_away(413, "too-large")

    def handleContentChunk(self, data: bytes) -> None:
        if self.sender is None or self.too_long or self.no_room:
            return
        if self._size + len(data) > self._host.longest:
            self.too_long = True
        elif not self._hold(len(data)):
            self.no_room = True
        else:
            self.content.write(data)
            return
        self.content = BytesIO()

    def process(self) -> None:
        """An address that no reader here could follow leads nowhere, in our own words."""
        absolute = _ABSOLUTE.fullmatch(self.path)
        if absolute is not None and absolute[1].lower() == self.getHeader(b"Host").lower():
            self.path = absolute[2] or b"/"
        try:
            unquote_to_bytes(self.path).decode("utf-8")
        except UnicodeDecodeError:
            self.path = _NOWHERE
        if self.path == b"*":
            self.path = _NOWHERE
        super().process()

    def _hold(self, more: int) -> bool:
        self._size += more
        return self._host.holds(more)

    def release(self) -> None:
        """The body is no longer needed."""
        held, self._size = self._size, 0
        if held:
            self._host.holds(-held)
            self.content = BytesIO()

    def finish(self) -> None:
        self.release()
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        if hasattr(self, "_host"):
            self.release()
        super().connectionLost(reason)


class Channel(_HTTPChannel):  # type: ignore[misc]
    """One connection."""

    totalHeadersSize = HEADER_BYTES
    maxHeaders = HEADERS
    MAX_LENGTH = HEADER_BYTES
    abortTimeout = 3

    def __init__(self, host: Host, peer: str) -> None:
        super().__init__()
        self.host = host
        self.peer = peer
        self._inside = False  # part of a request is here
        self._over = False  # what still comes is not heard
        self.timeOut = host.idle

    def connectionMade(self) -> None:
        self.host.entered(self, self.peer)
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.host.left(self, self.peer)

    def dataReceived(self, data: bytes) -> None:
        """Unlike Twisted's, time is not given anew with every byte: a request has so long, and no more."""
        if self._over:
            return
        if not self._inside and not self._handlingRequest:
            self._inside = True
            self.setTimeout(self.host.within)
        LineReceiver.dataReceived(self, data)

    def headerReceived(self, line: bytes) -> bool:
        name = line.partition(b":")[0]
        if name != name.strip() or b" " in name or b"\t" in name:
            self._respondToBadRequestAndDisconnect()
            return False
        return bool(super().headerReceived(line))

    def lineReceived(self, line: bytes) -> None:
        if self._over:
            return
        if line[:1] in (
            b" ",
            b"\t",
        ):  # obs-fold (RFC 9112, 5.2): two readers may part it differently
            self._respondToBadRequestAndDisconnect()
            return
        super().lineReceived(line)

    def allHeadersReceived(self) -> None:
        hosts = self.requests[-1].requestHeaders.getRawHeaders(b"Host") or []
        if (len(hosts) != 1 and (self._version != b"HTTP/1.0" or hosts)) or not all(
            host.isascii() for host in hosts
        ):
            self.turn_away(400, "bad-request")
            return
        wanted = self.requests[-1].requestHeaders.getRawHeaders(b"Expect") or []
        if any(word.lower() != b"100-continue" for word in wanted):
            self.turn_away(417, "bad-request")
            return
        super().allHeadersReceived()

    def _send100Continue(self) -> None:
        """Only to whom will be heard: who asks first is told first."""
        request = self.requests[-1]
        if request.sender is None:
            self.turn_away(401, "unauthorized", more=b"WWW-Authenticate: Bearer\r\n")
        elif request.too_long:
            self.turn_away(413, "too-large")
        else:
            super()._send100Continue()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.turn_away(400, "bad-request")

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return bool(self._handlingRequest)

    def allContentReceived(self) -> None:
        if self._over:
            return
        self._inside = False
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self._savedTimeOut = self.host.idle
        super().requestDone(request)

    def timeoutConnection(self) -> None:
        if self._inside and not self._handlingRequest:
            self.transport.write(_short(408, "too-slow"))
        super().timeoutConnection()

    def turn_away(self, status: int, kind: str, *, more: bytes = b"") -> None:
        """Answer before the request has ended, and hear no more of it."""
        if self._over:
            return
        self.transport.write(_short(status, kind, more=more))
        self._over = True
        self.loseConnection()


def _short(status: int, kind: str, *, more: bytes = b"") -> bytes:
    """A whole response to what was not heard to its end: a problem document, in English."""
    body = written({"type": f"/problems/{kind}", "title": TITLES[kind], "status": status})
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
        f"Content-Type: {PROBLEM}\r\nContent-Length: {len(body)}\r\n"
    )
    return head.encode() + more + b"\r\n" + body


class Door(_Site):  # type: ignore[misc]
    """Twisted's way to ask for a connection; writes no access log, which would name what is asked for."""

    noisy = False
    displayTracebacks = False

    def __init__(self, resource: Any, host: Host, reactor: Any) -> None:
        super().__init__(
            resource, requestFactory=Incoming, reactor=reactor, parsePOSTFormSubmission=False
        )
        self._host = host

    def buildProtocol(self, addr: IAddress | None) -> Channel | None:
        peer = getattr(addr, "host", "") or "local"
        if self._host.objection(peer):
            return None
        channel = Channel(self._host, peer)
        channel.factory = channel.site = self
        channel.requestFactory = self.requestFactory
        channel.callLater = self.reactor.callLater
        return channel

    def log(self, request: Any) -> None:
        """Nothing: what matters of a request stands in the store."""

    def startFactory(self) -> None:
        """No clock for an access log that is not kept."""
