"""A telephone for tests, in Twisted: registers, dials, answers, declines, rings on, or plays dead.

Only what a test needs of RFC 3261, over UDP on loopback: no retransmission of its own, one dialog to a call.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol

from tests.system.rtp import ALAW, KEYS, Voice


class Message:
    """A SIP request or response. Header names in small letters; repeated ones keep their order."""

    def __init__(self, first, headers, body=b""):
        self.first = first
        self.headers = headers
        self.body = body

    @classmethod
    def parse(cls, data):
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("utf-8", "replace").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(first, [(n.strip().lower(), v.strip()) for n, _, v in pairs], body)

    def __getitem__(self, name):
        return next((v for n, v in self.headers if n == name), "")

    @property
    def code(self):
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self):
        return self["cseq"].split()[1]

    def encode(self):
        lines = [
            self.first,
            *(f"{n}: {v}" for n, v in self.headers),
            f"content-length: {len(self.body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


class SipCall:
    """One call of a telephone. `ringing`, `answered` (True or False) and `ended` can be waited for."""

    def __init__(self, phone, call_id, *, placed):
        self.phone = phone
        self.id = call_id
        self.placed = placed
        self.local = self.remote = self.target = ""
        self.code = 0  # the final response
        self.hung_up_by_us = False
        self.invite = None
        self.cseq = 1
        self.voice = Voice(phone.reactor)
        self.port = self.voice.open()
        self.ringing, self.answered, self.ended = Moment(), Moment(), Moment()

    @property
    def heard(self):
        return self.voice.heard

    async def press(self, keys, **how):
        await self.voice.press(keys, **how)

    def hang_up(self):
        """BYE in a call that is up, CANCEL or a refusal in one that is not."""
        if self.ended.past:
            return
        self.hung_up_by_us = True
        if self.answered.value:
            self.cseq += 1
            self.phone.request("BYE", self.target, call=self)
        elif self.placed:
            self.phone.request("CANCEL", self.target, call=self, branch=self.branch)
        else:
            self.phone.respond(self.invite, 603, call=self)
        self.over()

    def up(self, sdp, *, silent=False):
        address = re.search(rb"^c=IN IP4 (\S+)", sdp, re.MULTILINE)[1].decode()
        port = int(re.search(rb"^m=audio (\d+)", sdp, re.MULTILINE)[1])
        self.voice.talk_to((address, port), silent=silent)
        self.answered.come(True)

    def over(self):
        if not self.ended.past:
            self.voice.close()
        self.ringing.come(False)
        self.answered.come(False)
        self.ended.come(True)


class Moment:
    """Something that happens once; whoever awaits it later gets the same value."""

    def __init__(self):
        self.past, self.value, self._waiting = False, None, []

    def come(self, value):
        if not self.past:
            self.past, self.value = True, value
            for one in self._waiting:
                one.callback(value)

    def __await__(self):
        one = Deferred()
        if self.past:
            one.callback(self.value)
        else:
            self._waiting.append(one)
        return one.__await__()


class Phone(DatagramProtocol):
    """A telephone of `number` at an exchange.

    `conduct` says what it does when it is rung: "answer", "ring" (and nothing more), "ignore" (not a word),
    or a SIP code to refuse with. `after`: seconds it rings before it answers. `name`: how it is displayed.
    """

    def __init__(self, reactor, number, *, password, server, name="", address="127.0.0.1"):
        self.reactor = reactor
        self.number = number
        self.password = password
        self.server = server
        self.name = name
        self.address = address
        self.conduct, self.after, self.silent = "answer", 0.0, False
        self.calls = []  # those it placed and those it got
        self.texts = []  # bodies of SIP MESSAGEs
        self._waiting = {}  # (call id, cseq) -> Deferred
        self._rung = []

    def open(self):
        self._port = self.reactor.listenUDP(0, self, interface=self.address)
        self.port = self._port.getHost().port
        return self

    def close(self):
        for call in self.calls:
            call.hang_up()
        return self._port.stopListening()

    async def register(self, *, expires=300):
        """Raises AssertionError when the exchange will not have us."""
        call_id, uri = secrets.token_hex(8), f"sip:{self.server[0]}:{self.server[1]}"
        answer = await self._asked("REGISTER", uri, call_id, [("expires", str(expires))])
        assert answer.code == 200, answer.first
        return self

    def dial(self, number, *, extra=()):
        """A call to `number`; the call's moments say what becomes of it."""
        call = SipCall(self, secrets.token_hex(8), placed=True)
        call.target = f"sip:{number}@{self.server[0]}:{self.server[1]}"
        call.remote, call.local = f"<{call.target}>", f"{self._me()};tag={secrets.token_hex(4)}"
        self.calls.append(call)
        self._invite(call, [("content-type", "application/sdp"), *extra])
        return call

    def rung(self):
        """The next call that comes in (its INVITE was seen)."""
        waiting = Deferred()
        self._rung.append(waiting)
        return waiting

    # --- requests that we make

    def _me(self):
        shown = f'"{self.name}" ' if self.name else ""
        return f"{shown}<sip:{self.number}@{self.server[0]}>"

    def _contact(self):
        return f"<sip:{self.number}@{self.address}:{self.port}>"

    def _invite(self, call, extra):
        call.branch = self.request(
            "INVITE", call.target, call=call, extra=extra, body=self._sdp(call)
        )
        call.extra = extra

    def request(self, method, uri, *, call, extra=(), body=b"", branch=None, cseq=None):
        branch = branch or "z9hG4bK" + secrets.token_hex(8)
        headers = [
            ("via", f"SIP/2.0/UDP {self.address}:{self.port};rport;branch={branch}"),
            ("max-forwards", "70"),
            ("from", call.local),
            ("to", call.remote),
            ("call-id", call.id),
            ("cseq", f"{cseq or call.cseq} {method}"),
            ("contact", self._contact()),
            *extra,
        ]
        self._send(Message(f"{method} {uri} SIP/2.0", headers, body))
        return branch

    async def _asked(self, method, uri, call_id, extra):
        """A request outside a call, with our password where it is asked for: the final answer."""
        me = self._me()
        proof = []
        for cseq in (1, 2):
            headers = [
                (
                    "via",
                    f"SIP/2.0/UDP {self.address}:{self.port};rport;branch=z9hG4bK{secrets.token_hex(8)}",
                ),
                ("max-forwards", "70"),
                ("from", f"{me};tag={call_id[:6]}"),
                ("to", me),
                ("call-id", call_id),
                ("cseq", f"{cseq} {method}"),
                ("contact", self._contact()),
                *extra,
                *proof,
            ]
            waiting = self._waiting[call_id, cseq] = Deferred()
            self._send(Message(f"{method} {uri} SIP/2.0", headers))
            answer = await waiting
            if answer.code != 401 or proof:
                return answer
            proof = [self._proof(answer, method, uri)]
        return answer

    def _proof(self, challenge, method, uri):
        """RFC 7616 with MD5, the one algorithm every exchange offers."""
        offered = [v for n, v in challenge.headers if n == "www-authenticate"]
        field = next((v for v in offered if "MD5" in v.upper()), offered[0])
        given = {
            k.lower(): q or b for k, q, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', field)
        }
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        ha1 = md5(f"{self.number}:{given['realm']}:{self.password}")
        ha2, cnonce = md5(f"{method}:{uri}"), secrets.token_hex(4)
        response = md5(f"{ha1}:{given['nonce']}:00000001:{cnonce}:auth:{ha2}")
        quoted = {"username": self.number, "realm": given["realm"], "nonce": given["nonce"], "uri": uri,
                  "response": response, "cnonce": cnonce, "opaque": given.get("opaque", "")}  # fmt: skip
        words = ", ".join(f'{k}="{v}"' for k, v in quoted.items())
        return "authorization", f"Digest {words}, qop=auth, nc=00000001, algorithm=MD5"

    # --- what comes in

    def datagramReceived(self, data, addr):
        if not data.strip():
            return
        message = Message.parse(data)
        if message.code:
            self._answered(message)
        else:
            getattr(self, "_on_" + message.method.lower(), self._on_other)(message)

    def _answered(self, message):
        waiting = self._waiting.get((message["call-id"], int(message["cseq"].split()[0])))
        if waiting is not None and message.code >= 200:
            del self._waiting[message["call-id"], int(message["cseq"].split()[0])]
            waiting.callback(message)
            return
        call = self._call(message)
        if call is None or message.method != "INVITE":
            return
        if message.code in (180, 183):
            call.ringing.come(True)
        elif message.code >= 200:
            self._final(call, message)

    def _final(self, call, message):
        known, call.remote = call.remote, message["to"]
        seq = int(message["cseq"].split()[0])
        if message.code < 300:
            call.target = re.search(r"<([^>]+)>", message["contact"])[1]
            self.request("ACK", call.target, call=call, cseq=seq)
            if not call.answered.past:
                call.code = message.code
                call.up(message.body, silent=self.silent)
            return
        branch = re.search(r"branch=([^;,\s]+)", message["via"])[1]
        self.request("ACK", call.target, call=call, cseq=seq, branch=branch)
        if message.code == 401 and seq == call.cseq == 1:
            call.remote = known
            call.cseq += 1
            self._invite(call, [*call.extra, self._proof(message, "INVITE", call.target)])
        elif seq == call.cseq and not call.ended.past:
            call.code = message.code
            call.over()

    def _on_invite(self, message):
        call = self._call(message)
        if call is not None:
            # Again: our answer is on its way. A new offer within the call gets what we said before.
            if call.answered.value:
                self.respond(message, 200, call=call, body=self._sdp(call))
            return
        call = SipCall(self, message["call-id"], placed=False)
        call.invite = message
        call.local, call.remote = f"{message['to']};tag={secrets.token_hex(4)}", message["from"]
        call.target = re.search(r"<([^>]+)>", message["contact"])[1]
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

    def answer(self, call):
        """Take the handset off."""
        if not call.ended.past:
            self.respond(call.invite, 200, call=call, body=self._sdp(call))
            call.up(call.invite.body, silent=self.silent)

    def _on_ack(self, message):
        pass

    def _on_cancel(self, message):
        call = self._call(message)
        self.respond(message, 200, call=call)
        if call is not None and not call.ended.past and self.conduct != "ignore":
            self.respond(call.invite, 487, call=call)
            call.over()

    def _on_bye(self, message):
        call = self._call(message)
        self.respond(message, 200, call=call)
        if call is not None:
            call.over()

    def _on_message(self, message):
        self.texts.append(message.body.decode())
        self._on_other(message)

    def _on_other(self, message):
        self.respond(message, 200, call=self._call(message))

    def respond(self, message, code, *, call=None, body=b""):
        kept = [(n, v) for n, v in message.headers if n in ("via", "from", "call-id", "cseq")]
        to = message["to"] if ";tag=" in message["to"] or call is None else call.local
        kind = [("content-type", "application/sdp")] if body else []
        headers = [*kept, ("to", to), ("contact", self._contact()), *kind]
        self._send(Message(f"SIP/2.0 {code} Test", headers, body))

    def _call(self, message):
        return next((c for c in self.calls if c.id == message["call-id"]), None)

    def _send(self, message):
        if self.transport is not None:
            self.transport.write(message.encode(), self.server)

    def _sdp(self, call):
        return (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {call.port} RTP/AVP {ALAW} {KEYS}\r\na=rtpmap:{ALAW} PCMA/8000\r\n"
            f"a=rtpmap:{KEYS} telephone-event/8000\r\na=fmtp:{KEYS} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        ).encode()
