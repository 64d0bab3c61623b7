"""A SIP telephone in Twisted: registers, dials, answers, declines, rings on, or plays dead.

Only what one telephone needs, over UDP on one machine: no retransmission of its own, one dialog to a call.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol

from demo.telephone.call import SipCall
from demo.telephone.message import Header, Message, branch_of, proof, uri
from demo.telephone.voice import ALAW, KEYS


class Refused(Exception):
    """The exchange will not have this telephone; the words are its answer."""


class Phone(DatagramProtocol):
    """A telephone of `number` at an exchange (`server`: host and port).

    `conduct` says what it does when it is rung: "answer", "ring" (and nothing more), "ignore" (not a word),
    or a SIP code to refuse with. `after`: seconds it rings before it answers. `name`: how it is displayed.
    """

    def __init__(
        self,
        reactor: Any,
        number: str,
        *,
        password: str,
        server: tuple[str, int],
        name: str = "",
        address: str = "127.0.0.1",
    ) -> None:
        self.reactor = reactor
        self.number = number
        self.password = password
        self.server = server
        self.name = name
        self.address = address
        self.conduct: str | int = "answer"
        self.after, self.silent = 0.0, False
        self.calls: list[SipCall] = []  # those it placed and those it got
        self.texts: list[str] = []  # bodies of SIP MESSAGEs
        self._waiting: dict[tuple[str, int], Deferred[Message]] = {}
        self._rung: list[Deferred[SipCall]] = []

    def open(self) -> Phone:
        self._port = self.reactor.listenUDP(0, self, interface=self.address)
        self.port = self._port.getHost().port
        return self

    def close(self) -> Any:
        for call in self.calls:
            call.hang_up()
        return self._port.stopListening()

    async def register(self, *, expires: int = 300) -> Phone:
        """Raises Refused."""
        call_id, target = secrets.token_hex(8), f"sip:{self.server[0]}:{self.server[1]}"
        authorization: list[Header] = []
        answer = Message("", [])
        for cseq in (1, 2):
            headers = [
                ("via", self._via("z9hG4bK" + secrets.token_hex(8))),
                ("max-forwards", "70"),
                ("from", f"{self._me()};tag={call_id[:6]}"),
                ("to", self._me()),
                ("call-id", call_id),
                ("cseq", f"{cseq} REGISTER"),
                ("contact", self._contact()),
                ("expires", str(expires)),
                *authorization,
            ]
            waiting = self._waiting[call_id, cseq] = Deferred()
            self._send(Message(f"REGISTER {target} SIP/2.0", headers))
            answer = await waiting
            if answer.code != 401 or authorization:
                break
            authorization = [self._proof(answer, "REGISTER", target)]
        if answer.code != 200:
            raise Refused(answer.first)
        return self

    def dial(self, number: str) -> SipCall:
        """A call to `number`; the call's moments say what becomes of it."""
        call = SipCall(self, secrets.token_hex(8), placed=True)
        call.target = f"sip:{number}@{self.server[0]}:{self.server[1]}"
        call.remote, call.local = f"<{call.target}>", f"{self._me()};tag={secrets.token_hex(4)}"
        self.calls.append(call)
        self._invite(call, [])
        return call

    def rung(self) -> Deferred[SipCall]:
        """The next call that comes in (its INVITE was seen)."""
        waiting: Deferred[SipCall] = Deferred()
        self._rung.append(waiting)
        return waiting

    def answer(self, call: SipCall) -> None:
        """Take the handset off."""
        if not call.ended.past:
            self.respond(call.invite, 200, call=call, body=self._sdp(call))
            call.up(call.invite.body, silent=self.silent)

    # --- requests that we make

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
    ) -> str:
        branch = branch or "z9hG4bK" + secrets.token_hex(8)
        headers = [
            ("via", self._via(branch)),
            ("max-forwards", "70"),
            ("from", call.local),
            ("to", call.remote),
            ("call-id", call.id),
            ("cseq", f"{cseq or call.cseq} {method}"),
            ("contact", self._contact()),
            *([("content-type", "application/sdp")] if body else []),
            *extra,
        ]
        self._send(Message(f"{method} {target} SIP/2.0", headers, body))
        return branch

    def _invite(self, call: SipCall, extra: Sequence[Header]) -> None:
        body = self._sdp(call)
        call.branch = self.request("INVITE", call.target, call=call, extra=extra, body=body)

    def _me(self) -> str:
        shown = f'"{self.name}" ' if self.name else ""
        return f"{shown}<sip:{self.number}@{self.server[0]}>"

    def _contact(self) -> str:
        return f"<sip:{self.number}@{self.address}:{self.port}>"

    def _via(self, branch: str) -> str:
        return f"SIP/2.0/UDP {self.address}:{self.port};rport;branch={branch}"

    def _proof(self, challenge: Message, method: str, target: str) -> Header:
        return proof(challenge, method, target, user=self.number, password=self.password)

    # --- what comes in

    def datagramReceived(self, data: bytes, addr: object) -> None:
        if not data.strip():
            return
        message = Message.parse(data)
        if message.code:
            self._answered(message)
        else:
            getattr(self, "_on_" + message.method.lower(), self._on_other)(message)

    def _answered(self, message: Message) -> None:
        waiting = self._waiting.get((message["call-id"], message.number))
        if waiting is not None and message.code >= 200:
            del self._waiting[message["call-id"], message.number]
            waiting.callback(message)
            return
        call = self._call(message)
        if call is None or message.method != "INVITE":
            return
        if message.code in (180, 183):
            call.ringing.come(True)
        elif message.code >= 200:
            self._final(call, message)

    def _final(self, call: SipCall, message: Message) -> None:
        known, call.remote = call.remote, message["to"]
        seq = message.number
        if message.code < 300:
            call.target = uri(message["contact"])
            self.request("ACK", call.target, call=call, cseq=seq)
            if not call.answered.past:
                call.code = message.code
                call.up(message.body, silent=self.silent)
            return
        self.request("ACK", call.target, call=call, cseq=seq, branch=branch_of(message))
        if message.code == 401 and seq == call.cseq == 1:
            call.remote = known
            call.cseq += 1
            self._invite(call, [self._proof(message, "INVITE", call.target)])
        elif seq == call.cseq and not call.ended.past:
            call.code = message.code
            call.over()

    def _on_invite(self, message: Message) -> None:
        call = self._call(message)
        if call is not None:
            # Again: our answer is on its way. A new offer within the call gets what we said before.
            if call.answered.value:
                self.respond(message, 200, call=call, body=self._sdp(call))
            return
        call = SipCall(self, message["call-id"], placed=False)
        call.invite = message
        call.local, call.remote = f"{message['to']};tag={secrets.token_hex(4)}", message["from"]
        call.target = uri(message["contact"])
        self.calls.append(call)
        waiting, self._rung = self._rung, []
        for one in waiting:
            one.callback(call)
        if isinstance(self.conduct, int):
            self.respond(message, self.conduct, call=call)
            call.code = self.conduct
            call.over()
        elif self.conduct != "ignore":
            self.respond(message, 180, call=call)
            call.ringing.come(True)
            if self.conduct == "answer":
                self.reactor.callLater(self.after, self.answer, call)

    def _on_ack(self, message: Message) -> None:
        """Nothing to say to it."""

    def _on_cancel(self, message: Message) -> None:
        call = self._call(message)
        self.respond(message, 200, call=call)
        if call is not None and not call.ended.past and self.conduct != "ignore":
            self.respond(call.invite, 487, call=call)
            call.over()

    def _on_bye(self, message: Message) -> None:
        call = self._call(message)
        self.respond(message, 200, call=call)
        if call is not None:
            call.over()

    def _on_message(self, message: Message) -> None:
        self.texts.append(message.body.decode())
        self._on_other(message)

    def _on_other(self, message: Message) -> None:
        self.respond(message, 200, call=self._call(message))

    def respond(
        self, message: Message, code: int, *, call: SipCall | None = None, body: bytes = b""
    ) -> None:
        kept = [(n, v) for n, v in message.headers if n in ("via", "from", "call-id", "cseq")]
        to = message["to"] if ";tag=" in message["to"] or call is None else call.local
        kind = [("content-type", "application/sdp")] if body else []
        headers = [*kept, ("to", to), ("contact", self._contact()), *kind]
        self._send(Message(f"SIP/2.0 {code} Wardline", headers, body))

    def _call(self, message: Message) -> SipCall | None:
        return next((c for c in self.calls if c.id == message["call-id"]), None)

    def _send(self, message: Message) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.write(message.encode(), self.server)

    def _sdp(self, call: SipCall) -> bytes:
        return (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {call.port} RTP/AVP {ALAW} {KEYS}\r\na=rtpmap:{ALAW} PCMA/8000\r\n"
            f"a=rtpmap:{KEYS} telephone-event/8000\r\na=fmtp:{KEYS} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        ).encode()
