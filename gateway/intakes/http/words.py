"""People's words over HTTP: how everything stands, an outage begun or ended, a ward's pack.

Each needs a right of its own: who may send results may not say that the platform is down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.errors import Rejected, Unusable
from gateway.fhir.text import parse
from gateway.intakes.http.answers import JSON, Answer, Problem, reply
from gateway.intakes.http.asked import Asked
from gateway.locale import N_
from gateway.service import Aside

#: Characters of a reason or a name.
LONGEST = 200
_WORDS = ("begin", "end")


class Saying(Protocol):
    """The service, as far as people speak to it. All raise Unusable."""

    def status(self) -> dict[str, Any]: ...
    async def outage(self, word: str, *, by: str, reason: str) -> None: ...
    async def pack(self, ward: str, *, by: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """`saying` is None where nobody listens: then there is nothing at these addresses."""

    saying: Saying | None
    aside: Aside

    async def status(self, asked: Asked) -> Answer:
        saying = self._for(asked, "status")
        return reply(200, await self.aside(saying.status))

    async def outage(self, asked: Asked) -> Answer:
        saying = self._for(asked, "outage")
        said = _object(asked)
        word, reason = _text(said, "word"), _text(said, "reason")
        if word not in _WORDS:
            raise Problem(422, "refused", N_("the word is begin or end"), location="word", code=103)
        by = _by(said, asked)
        await _tried(saying.outage(word, by=by, reason=reason))
        return reply(200, {"word": f"outage {word}", "by": by, "reason": reason})

    async def pack(self, asked: Asked) -> Answer:
        saying = self._for(asked, "pack")
        said = _object(asked)
        ward, by = _text(said, "ward"), _by(said, asked)
        await _tried(saying.pack(ward, by=by))
        return reply(200, {"word": "pack", "ward": ward, "by": by})

    def _for(self, asked: Asked, right: str) -> Saying:
        asked.may(right)
        if self.saying is None:
            raise Problem(404, "not-found")
        return self.saying


async def _tried(work: Any) -> None:
    try:
        await work
    except Unusable as unusable:
        raise Problem(422, "refused", str(unusable)) from None


def _object(asked: Asked) -> dict[str, Any]:
    if asked.media != JSON:
        raise Problem(415, "unsupported-type", headers={"Accept-Post": JSON})
    try:
        return parse(asked.body)
    except Rejected as rejected:
        raise Problem.of(rejected) from None


def _text(said: dict[str, Any], key: str, *, default: str | None = None) -> str:
    found = said.get(key, default)
    if type(found) is not str or (not found.strip() and default is None):
        raise Problem(422, "refused", N_("a text is missing"), location=key, code=101)
    if len(found) > LONGEST or not found.isprintable():
        why = N_("one line of at most 200 characters")
        raise Problem(422, "refused", why, location=key, code=102)
    return found.strip()


def _by(said: dict[str, Any], asked: Asked) -> str:
    """The person as the system that holds the token names them, and that system."""
    person = _text(said, "by", default="")
    return f"{person} ({asked.sender.name})" if person else asked.sender.name
