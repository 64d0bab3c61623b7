"""Short texts on the screens of telephones that show them: a hint beside the call, never a proof."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Any, Protocol

import structlog

from gateway.asterisk.ami.session import NoAnswer, NotSent, Refused
from gateway.asterisk.ami.words import Unsayable

log = structlog.get_logger()

#: What stays below Asterisk's longest line once it is written in base 64, bytes.
LONGEST = 600


class Asker(Protocol):
    """The link to Asterisk, as far as a text needs it."""

    async def ask(self, name: str, headers: Mapping[str, str] | None = None) -> Any: ...


class Texts:
    """Sends texts to the handsets that are registered with our own Asterisk (RFC 3428, SIP MESSAGE)."""

    def __init__(self, link: Asker, *, handsets: Collection[str], sender: str) -> None:
        """`handsets`: their numbers; nobody else is ever sent a text. `sender`: the number shown."""
        self._link = link
        self._handsets = frozenset(handsets)
        self._sender = sender

    async def send(self, number: str, text: str) -> bool:
        """Whether Asterisk took it; that a telephone showed it nobody can know. Never raises."""
        if number not in self._handsets:
            return False
        body = text.encode()[:LONGEST].decode("utf-8", "ignore")
        headers = {
            "To": f"pjsip:{number}",
            "From": f"sip:{self._sender}@localhost",
            "Base64Body": b64encode(body.encode()).decode(),
        }
        try:
            await self._link.ask("MessageSend", headers)
        except (NotSent, NoAnswer, Refused, Unsayable) as failure:
            log.info("text not sent", number=number, why=str(failure))
            return False
        return True
