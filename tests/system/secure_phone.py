"""A telephone with SIP over TLS and a voice that is encrypted: SRTP, keys by SDES (RFC 3711, RFC 4568)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS

from demo.telephone.phone import Phone

SUITE = "AES_CM_128_HMAC_SHA1_80"
TAG = 10  # bytes of proof behind each packet
HEAD = 12  # bytes of RTP before the voice
_OFFERED = re.compile(
    rb"^a=crypto:\d+ " + SUITE.encode() + rb" inline:([A-Za-z0-9+/=]+)", re.MULTILINE
)


class Seal:
    """One direction of one call: seals packets, and opens those that are sealed with the same key."""

    def __init__(self, key_and_salt):
        self._master, self._salt = key_and_salt[:16], key_and_salt[16:]
        self._key, self._proof, self._mask = (
            self._derived(0, 16),
            self._derived(1, 20),
            self._derived(2, 14),
        )
        self._rolled, self._last = 0, 0

    def seal(self, packet):
        index = self._index(packet)
        sealed = packet[:HEAD] + self._crypted(packet, index)
        return sealed + self._tag(sealed, index)

    def opened(self, packet):
        """None where it was not sealed with this key."""
        sealed, tag = packet[:-TAG], packet[-TAG:]
        index = self._index(sealed)
        if not hmac.compare_digest(tag, self._tag(sealed, index)):
            return None
        return sealed[:HEAD] + self._crypted(sealed, index)

    def _index(self, packet):
        (sequence,) = struct.unpack("!H", packet[2:4])
        if self._last > 0xF000 and sequence < 0x1000:
            self._rolled += 1
        self._last = sequence
        return self._rolled << 16 | sequence

    def _crypted(self, packet, index):
        source = int.from_bytes(packet[8:12])
        mask = int.from_bytes(self._mask) << 16 ^ source << 64 ^ index << 16
        return _stream(self._key, mask, packet[HEAD:])

    def _tag(self, sealed, index):
        told = sealed + struct.pack("!I", index >> 16)
        return hmac.new(self._proof, told, hashlib.sha1).digest()[:TAG]

    def _derived(self, label, length):
        mask = (int.from_bytes(self._salt) ^ label << 48) << 16
        return _stream(self._master, mask, bytes(length))


def _stream(key, mask, data):
    cipher = Cipher(algorithms.AES(key), modes.CTR(mask.to_bytes(16))).encryptor()
    return cipher.update(data)


class _Wire(Protocol):
    """The TLS connection: cuts what comes into messages (RFC 3261 section 18.3)."""

    def __init__(self, phone):
        self._phone, self._held = phone, b""

    def dataReceived(self, data):
        self._held += data
        while b"\r\n\r\n" in self._held.lstrip(b"\r\n"):
            self._held = self._held.lstrip(b"\r\n")
            head, _, rest = self._held.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?im)^content-length\s*:\s*(\d+)", head)[1])
            if len(rest) < length:
                return
            self._held = rest[length:]
            self._phone.datagramReceived(head + b"\r\n\r\n" + rest[:length], None)


class SecurePhone(Phone):
    """As a `Phone`; `open` first connects. `sealed`: offers and takes encrypted voice only."""

    def __init__(self, *about, trust, sealed=True, **more):
        super().__init__(*about, **more)
        self._trust = trust
        self.sealed = sealed
        self.wire = []  # packets of voice as they came over the network

    async def connected(self):
        options = optionsForClientTLS("localhost", trustRoot=self._trust)
        endpoint = wrapClientTLS(options, HostnameEndpoint(self.reactor, *self.server))
        self._line = await connectProtocol(endpoint, _Wire(self))
        self.port = self._line.transport.getHost().port
        return self

    def close(self):
        for call in self.calls:
            call.hang_up()
        self._line.transport.loseConnection()

    def _send(self, message):
        self._line.transport.write(message.encode())

    def _via(self, branch):
        return super()._via(branch).replace("SIP/2.0/UDP", "SIP/2.0/TLS")

    def _contact(self):
        return super()._contact().replace(">", ";transport=tls>")

    def _sdp(self, call):
        plain = super()._sdp(call)
        if not self.sealed:
            return plain
        if not hasattr(call, "sealing"):
            call.key = secrets.token_bytes(30)
            call.sealing = Seal(call.key).seal
            self._cover(call)
        inline = base64.b64encode(call.key)
        crypto = b"a=crypto:1 %s inline:%s\r\n" % (SUITE.encode(), inline)
        return plain.replace(b"RTP/AVP", b"RTP/SAVP") + crypto

    def _final(self, call, message):
        self._keyed(call, message.body)
        super()._final(call, message)

    def answer(self, call):
        self._keyed(call, call.invite.body)
        super().answer(call)

    def _keyed(self, call, sdp):
        """The other side's key, from what it says of itself."""
        offered = _OFFERED.search(sdp)
        call.opening = Seal(base64.b64decode(offered[1])).opened if offered else lambda packet: None

    def _cover(self, call):
        """Between the call's voice and the network."""
        voice, transport = call.voice, call.voice.transport
        heard = voice.datagramReceived

        def datagram_received(data, addr):
            if (
                len(data) > HEAD + TAG and not 64 <= data[1] & 0x7F <= 95
            ):  # RTCP has those (RFC 5761)
                self.wire.append(data)
                opened = call.opening(data)
                if opened is not None:
                    heard(opened, addr)

        voice.datagramReceived = datagram_received
        voice.transport = _Sealing(transport, call.sealing)


class _Sealing:
    def __init__(self, transport, seal):
        self._transport, self._seal = transport, seal

    def write(self, packet, peer):
        self._transport.write(self._seal(packet), peer)

    def __getattr__(self, name):
        return getattr(self._transport, name)
