"""What a sender asks, once all of it is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.intakes.http.answers import Problem
from gateway.intakes.http.senders import Sender
from gateway.locale import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of a known sender. Header names are lower case."""

    sender: Sender
    peer: str
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes

    @property
    def media(self) -> str:
        """The type of its content, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def utf8(self) -> None:
        """Raises Problem for JSON that says it is in another charset (RFC 8259, 8.1)."""
        for parameter in self.headers.get("content-type", "").lower().split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
                raise Problem(415, "unsupported-type", N_("JSON comes in UTF-8"))

    @property
    def key(self) -> str:
        """Idempotency-Key; "" without one. Raises Problem for one that is none."""
        found = self.headers.get("idempotency-key", "").strip().strip('"')
        if len(found) > 200 or not found.isprintable():
            raise Problem(400, "bad-request", "Idempotency-Key: at most 200 characters")
        return found

    def may(self, what: str) -> None:
        """Raises Problem where this sender may not send such a thing."""
        if what not in self.sender.may:
            raise Problem(403, "forbidden")
