"""SIP's messages, as far as one telephone needs them (RFC 3261), and the proof of a password (RFC 7616)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence

Header = tuple[str, str]


class Message:
    """A request or a response. Header names in small letters; repeated ones keep their order."""

    def __init__(self, first: str, headers: Sequence[Header], body: bytes = b"") -> None:
        self.first = first
        self.headers = list(headers)
        self.body = body

    @classmethod
    def parse(cls, data: bytes) -> Message:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("utf-8", "replace").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(first, [(n.strip().lower(), v.strip()) for n, _, v in pairs], body)

    def __getitem__(self, name: str) -> str:
        return next((v for n, v in self.headers if n == name), "")

    @property
    def code(self) -> int:
        """Of a response; 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return self["cseq"].split()[1]

    @property
    def number(self) -> int:
        """The sequence number of the request that it is or answers."""
        return int(self["cseq"].split()[0])

    def encode(self) -> bytes:
        headers = [*self.headers, ("content-length", str(len(self.body)))]
        lines = [self.first, *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


def uri(field: str) -> str:
    """The address in a From, To or Contact."""
    match = re.search(r"<([^>]+)>", field)
    return match[1] if match else field


def branch_of(message: Message) -> str:
    match = re.search(r"branch=([^;,\s]+)", message["via"])
    return match[1] if match else ""


def proof(challenge: Message, method: str, target: str, *, user: str, password: str) -> Header:
    """The Authorization that answers a 401. MD5, the one algorithm that every exchange offers."""
    offered = [v for n, v in challenge.headers if n == "www-authenticate"]
    field = next((v for v in offered if "MD5" in v.upper()), offered[0])
    words = re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', field)
    given = {name.lower(): quoted or bare for name, quoted, bare in words}
    cnonce = secrets.token_hex(4)
    ours = _md5(f"{user}:{given['realm']}:{password}")
    response = _md5(f"{ours}:{given['nonce']}:00000001:{cnonce}:auth:{_md5(f'{method}:{target}')}")
    said = {
        "username": user,
        "realm": given["realm"],
        "nonce": given["nonce"],
        "uri": target,
        "response": response,
        "cnonce": cnonce,
        "opaque": given.get("opaque", ""),
    }
    quoted = ", ".join(f'{name}="{value}"' for name, value in said.items())
    return "authorization", f"Digest {quoted}, qop=auth, nc=00000001, algorithm=MD5"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the standard's
