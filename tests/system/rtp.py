"""The voice of a test's telephone: A-law both ways, keys by RFC 4733, and what was heard as samples."""

from __future__ import annotations

import struct
import wave

import numpy as np
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol

RATE = 8000
FRAME = 160  # samples of 20 ms
ALAW, KEYS = 8, 101  # payload types
SILENCE = b"\xd5" * FRAME


def _alaw_table():
    """Linear value of each A-law byte (G.711)."""
    byte = np.arange(256) ^ 0x55
    segment, low = (byte & 0x70) >> 4, byte & 0x0F
    value = np.where(
        segment == 0, (low << 4) + 8, (((low << 4) + 0x108) << np.maximum(segment, 1)) >> 1
    )
    return np.where(byte & 0x80, value, -value).astype(np.int16)


_LINEAR = _alaw_table()


class Voice(DatagramProtocol):
    """One leg's RTP. Between prompts Asterisk sends nothing, so gaps are placed by when packets came."""

    def __init__(self, reactor):
        self._reactor = reactor
        self._peer = None
        self._began = None
        self._heard = []  # (first sample, bytes)
        self._cursor = 0
        self._expected = None  # the RTP timestamp that continues what came last
        self._sequence, self._stamp = 1, 1
        self._due = 0.0
        self._beat = None
        self._keying = False
        self.packets = self.lost = 0
        self._last = None

    def open(self):
        self._port = self._reactor.listenUDP(0, self, interface="127.0.0.1")
        return self._port.getHost().port

    def talk_to(self, peer, *, silent=False):
        """Begin to send (silence); `silent`: no packet at all, as a telephone with a broken network."""
        self._peer = peer
        self._began = self._due = self._reactor.seconds()
        if not silent:
            self._send_frame()

    def close(self):
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
        self._beat = None
        self._peer = None
        self._port.stopListening()

    def datagramReceived(self, data, addr):
        if len(data) < 12 or data[1] & 0x7F != ALAW or self._began is None:
            return
        sequence, stamp = struct.unpack("!HI", data[2:8])
        if self._last is not None:
            self.lost += max(0, (sequence - self._last - 1) & 0xFFFF) % 0x8000
        self._last = sequence
        self.packets += 1
        if stamp != self._expected:
            now = int((self._reactor.seconds() - self._began) * RATE)
            self._cursor = max(self._cursor, now)
        self._heard.append((self._cursor, data[12:]))
        self._cursor += len(data) - 12
        self._expected = (stamp + len(data) - 12) & 0xFFFFFFFF

    @property
    def heard(self):
        """Everything heard until now, samples at 8 kHz from the moment the call was up."""
        samples = np.zeros(self._cursor, np.int16)
        for at, data in self._heard:
            samples[at : at + len(data)] = _LINEAR[np.frombuffer(data, np.uint8)]
        return samples

    async def press(self, keys, *, length=0.08, gap=0.08):
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

    def _send_frame(self):
        # By when it is due, not by when the last one went: on a busy machine a voice must not run slow.
        while self._due <= self._reactor.seconds():
            if not self._keying:
                self._send(ALAW, SILENCE, self._stamp)
                self._stamp += FRAME
            self._due += 0.02
        self._beat = self._reactor.callLater(self._due - self._reactor.seconds(), self._send_frame)

    def _send(self, kind, payload, stamp, *, mark=False):
        if self._peer is None:
            return
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if mark else 0), self._sequence, stamp, 77)
        self.transport.write(head + payload, self._peer)
        self._sequence = (self._sequence + 1) & 0xFFFF

    def _sleep(self, seconds):
        done = Deferred()
        self._reactor.callLater(seconds, done.callback, None)
        return done


def samples(path):
    """A WAV file's samples (8 kHz, mono, 16 bits)."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def likeness(heard, prompt, *, longest=2.0):
    """How surely `prompt` was heard, 0 to 1, and at which second it began.

    The normalised cross-correlation of its first `longest` seconds: what was really heard gives 0.97 and
    more through A-law, what was not at most 0.55 (measured). Say 0.9.
    """
    part = prompt[: int(longest * RATE)].astype(float)
    whole = heard.astype(float)
    if len(whole) < len(part) or not part.any():
        return 0.0, 0.0
    size = 1 << (len(whole) + len(part)).bit_length()
    product = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    count = len(whole) - len(part) + 1
    match = np.fft.irfft(product, size)[:count]
    energy = np.concatenate(([0.0], np.cumsum(whole**2)))
    there = np.maximum(energy[len(part) :] - energy[:count], 1.0)
    score = match / np.sqrt(there * (part**2).sum())
    best = int(np.argmax(score))
    return float(score[best]), best / RATE
