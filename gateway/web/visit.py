"""One request of somebody, once all of it is here; and why something is not done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.directory import Person
from gateway.locale import Translate
from gateway.web.session import Session

#: Of one field of a form, characters; and fields of one form.
LONGEST, FIELDS = 2000, 150


class Refused(Exception):
    """Said to the person on a page of its own; `text` is one of our sentences, in English."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who asks for what."""

    path: str
    peer: str  # the address of the browser, or of whoever stands before it
    translate: Translate
    now: float
    form: Mapping[str, str]
    cookie: str
    session: Session | None
    range: str = ""

    @property
    def person(self) -> Person:
        """Who has logged in; addresses that anybody may have do not ask."""
        assert self.session is not None, "the route's right lets nobody in who has not logged in"
        return self.session.person

    @property
    def line(self) -> str:
        """Where from, as wrong PINs are counted: a telephone's number is another line."""
        return f"console {self.peer}"

    @property
    def by(self) -> str:
        """As people are written down."""
        return f"{self.person.name} ({self.person.code})"

    def said(self, field: str) -> str:
        return self.form.get(field, "").strip()[:LONGEST]

    def token(self, address: str) -> str:
        return self.session.token(address) if self.session is not None else ""
