"""One call of a telephone, and moments in it that can be waited for."""

from __future__ import annotations

import re
from array import array
from collections.abc import Generator, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from demo.telephone.message import Header, Message
from demo.telephone.voice import Voice


class Moment:
    """Something that happens once; whoever awaits it later gets the same value."""

    def __init__(self) -> None:
        self.past, self.value = False, False
        self._waiting: list[Deferred[bool]] = []

    def come(self, value: bool) -> None:
        if not self.past:
            self.past, self.value = True, value
            for one in self._waiting:
                one.callback(value)

    def __await__(self) -> Generator[Any, Any, bool]:
        one: Deferred[bool] = Deferred()
        if self.past:
            one.callback(self.value)
        else:
            self._waiting.append(one)
        return one.__await__()


class Line(Protocol):
    """What a call needs of its telephone."""

    reactor: Any

    def request(
        self,
        method: str,
        target: str,
        *,
        call: SipCall,
        extra: Sequence[Header] = (),
        body: bytes = b"",
        branch: str = "",
        cseq: int = 0,
    ) -> str: ...

    def respond(
        self, message: Message, code: int, *, call: SipCall | None = None, body: bytes = b""
    ) -> None: ...


class SipCall:
    """`ringing`, `answered` (True or False) and `ended` can be waited for; `code`: the final response."""

    def __init__(self, phone: Line, call_id: str, *, placed: bool) -> None:
        self.phone = phone
        self.id = call_id
        self.placed = placed
        self.local = self.remote = self.target = self.branch = ""
        self.code = 0
        self.invite = Message("", [])
        self.extra: Sequence[Header] = ()
        self.cseq = 1
        self.voice = Voice(phone.reactor)
        self.port = self.voice.open()
        self.ringing, self.answered, self.ended = Moment(), Moment(), Moment()

    @property
    def heard(self) -> array[int]:
        return self.voice.heard

    async def press(self, keys: str, *, length: float = 0.08, gap: float = 0.08) -> None:
        await self.voice.press(keys, length=length, gap=gap)

    def hang_up(self) -> None:
        """BYE in a call that is up, CANCEL or a refusal in one that is not."""
        if self.ended.past:
            return
        if self.answered.value:
            self.cseq += 1
            self.phone.request("BYE", self.target, call=self)
        elif self.placed:
            self.phone.request("CANCEL", self.target, call=self, branch=self.branch)
        else:
            self.phone.respond(self.invite, 603, call=self)
        self.over()

    def up(self, sdp: bytes, *, silent: bool = False) -> None:
        """Somebody answered; `sdp` says where the other side hears."""
        address = re.search(rb"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
        port = re.search(rb"^m=audio (\d+)", sdp, re.MULTILINE)
        if address and port:
            self.voice.talk_to((address[1].decode(), int(port[1])), silent=silent)
        self.answered.come(True)

    def over(self) -> None:
        if not self.ended.past:
            self.voice.close()
        self.ringing.come(False)
        self.answered.come(False)
        self.ended.come(True)
