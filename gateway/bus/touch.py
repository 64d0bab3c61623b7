"""A bare TCP connection, closed at once: is there a machine, and does anybody listen on it?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, quoteStringArgument
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from gateway.bus.role import FROZEN, REFUSED, SILENT


def toucher(host: str, port: int, *, within: float, reactor: Any) -> Callable[[], Deferred[str]]:
    """What a silent bus looks like from here, in the words of `role`: FROZEN where the machine takes
    the connection, REFUSED where nobody listens, SILENT where nothing comes back `within` seconds."""
    endpoint = clientFromString(reactor, f"tcp:{quoteStringArgument(host)}:{port}")

    def touch() -> Deferred[str]:
        connecting: Deferred[Any] = endpoint.connect(Factory.forProtocol(_Touch))
        connecting.addTimeout(within, reactor)
        return connecting.addCallbacks(lambda _: FROZEN, _seen)

    return touch


def _seen(failure: Failure) -> str:
    return REFUSED if failure.check(Refused) else SILENT


class _Touch(Protocol):
    transport: Any  # set by Twisted

    def connectionMade(self) -> None:
        self.transport.abortConnection()
