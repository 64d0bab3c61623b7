"""The voice of a telephone: A-law both ways, keys by RFC 4733, and what was heard as samples."""

from __future__ import annotations

import struct
from array import array
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import DatagramProtocol

RATE = 8000
FRAME = 160  # samples of 20 ms
ALAW, KEYS = 8, 101  # payload types
LONGEST_GAP = 120 * RATE  # samples: a timestamp that is further on counts from elsewhere
SILENCE = b"\xd5" * FRAME


def _linear(byte: int) -> int:
    """The sample that an A-law byte stands for (G.711)."""
    byte ^= 0x55
    segment, low = (byte & 0x70) >> 4, byte & 0x0F
    value = (low << 4) + 8 if segment == 0 else ((low << 4) + 0x108) << (segment - 1)
    return value if byte & 0x80 else -value


_LINEAR = [_linear(byte) for byte in range(256)]


class Voice(DatagramProtocol):
    """One leg's RTP. Between prompts Asterisk sends nothing: a gap is as long as its timestamps say
    (RFC 3550 section 5.1), so that a machine that stalls tears no hole into a prompt.

    `packets` and `lost`: how many came, and how many are missing in their numbers.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._peer: tuple[str, int] | None = None
        self._began: float | None = None
        self._heard: list[tuple[int, bytes]] = []  # the sample at which it begins, and A-law
        self._cursor = 0
        self._expected: int | None = None  # the timestamp that continues what came last
        self._sequence, self._stamp = 1, 1
        self._due = 0.0
        self._beat: IDelayedCall | None = None
        self._keying = False
        self._last: int | None = None
        self.packets = self.lost = 0

    def open(self) -> int:
        """Its port."""
        self._port = self._reactor.listenUDP(0, self, interface="127.0.0.1")
        return int(self._port.getHost().port)

    def talk_to(self, peer: tuple[str, int], *, silent: bool = False) -> None:
        """Begin to send (silence); `silent`: no packet at all, as a telephone with a broken network."""
        self._peer = peer
        self._began = self._due = self._reactor.seconds()
        if not silent:
            self._send_frame()

    def close(self) -> None:
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
        self._beat = None
        self._peer = None
        self._port.stopListening()

    def datagramReceived(self, data: bytes, addr: object) -> None:
        if len(data) < 12 or data[1] & 0x7F != ALAW or self._began is None:
            return
        sequence, stamp = struct.unpack("!HI", data[2:8])
        if self._last is not None:
            self.lost += max(0, (sequence - self._last - 1) & 0xFFFF) % 0x8000
        self._last = sequence
        self.packets += 1
        if stamp != self._expected:
            self._cursor = self._place(stamp, self._reactor.seconds() - self._began)
        self._heard.append((self._cursor, data[12:]))
        self._cursor += len(data) - 12
        self._expected = (stamp + len(data) - 12) & 0xFFFFFFFF

    def _place(self, stamp: int, seconds: float) -> int:
        """The sample at which a packet begins that does not continue the last one."""
        if self._expected is not None:
            gap = (stamp - self._expected) & 0xFFFFFFFF
            if gap < LONGEST_GAP:
                return self._cursor + gap
        return max(self._cursor, int(seconds * RATE))  # the first one, or another clock's

    @property
    def heard(self) -> array[int]:
        """Everything heard until now: 16 bit samples at 8 kHz from the moment the call was up."""
        samples = array("h", bytes(2 * self._cursor))
        for at, data in self._heard:
            samples[at : at + len(data)] = array("h", [_LINEAR[byte] for byte in data])
        return samples

    async def press(self, keys: str, *, length: float = 0.08, gap: float = 0.08) -> None:
        """Keys as a telephone sends them: RFC 4733 section 2.5, the end three times."""
        for key in keys:
            code = "0123456789*#".index(key)
            self._keying = True
            stamp, steps = self._stamp, max(2, int(length / 0.02))
            for step in range(1, steps + 1):
                self._send(KEYS, struct.pack("!BBH", code, 10, step * FRAME), stamp, mark=step == 1)
                await self._sleep(0.02)
            for _ in range(3):
                self._send(KEYS, struct.pack("!BBH", code, 0x80 | 10, steps * FRAME), stamp)
            self._stamp = stamp + (steps + 1) * FRAME
            self._keying = False
            await self._sleep(gap)

    def _send_frame(self) -> None:
        # By when it is due, not by when the last one went: on a busy machine a voice must not run slow.
        while self._due <= self._reactor.seconds():
            if not self._keying:
                self._send(ALAW, SILENCE, self._stamp)
                self._stamp += FRAME
            self._due += 0.02
        pause = max(0.0, self._due - self._reactor.seconds())
        self._beat = self._reactor.callLater(pause, self._send_frame)

    def _send(self, kind: int, payload: bytes, stamp: int, *, mark: bool = False) -> None:
        transport: Any = self.transport
        if self._peer is None or transport is None:
            return
        kind |= 0x80 if mark else 0
        head = struct.pack("!BBHII", 0x80, kind, self._sequence, stamp & 0xFFFFFFFF, 77)
        transport.write(head + payload, self._peer)
        self._sequence = (self._sequence + 1) & 0xFFFF

    def _sleep(self, seconds: float) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, done.callback, None)
        return done
