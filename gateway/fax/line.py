"""One call of the fax: a file for Asterisk, a number rung, and what the two machines made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.asterisk.role import Phone
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.fax import tiff, words
from gateway.fax.spool import Spool
from gateway.fax.verdict import Verdict, judge, unanswered

CONTEXT = "fax-send"


class Sender(Protocol):
    """Whoever can bring a file of pages to a number."""

    @property
    def up(self) -> bool:
        """Whether a call can be placed at all."""
        ...

    async def send(
        self, number: str, file: bytes, *, pages: int, expected: str | None, ecm: bool = True
    ) -> Verdict:
        """Ring `number` once and send. Raises TemporaryFailure and PermanentFailure while nobody was rung,
        Uncertain when nobody can know what became of the call."""
        ...


class Line:
    """Fills the role `Sender` with the site's telephone."""

    def __init__(
        self, phone: Phone, spool: Spool, *, up: Callable[[], bool], ring: float = 60.0
    ) -> None:
        self._phone = phone
        self._spool = spool
        self._up = up
        self._ring = ring

    @property
    def up(self) -> bool:
        return self._up()

    async def send(
        self, number: str, file: bytes, *, pages: int, expected: str | None, ecm: bool = True
    ) -> Verdict:
        _check(file, pages)
        try:
            token = self._spool.put(file)
        except OSError as error:
            raise TemporaryFailure(f"no file for Asterisk: {error.strerror}") from error
        try:
            return await self._call(number, token, pages=pages, expected=expected, ecm=ecm)
        finally:
            self._spool.remove(token)

    async def _call(
        self, number: str, token: str, *, pages: int, expected: str | None, ecm: bool
    ) -> Verdict:
        variables = {} if ecm else {"ECM": "no"}
        placed = await self._phone.call(
            number, token, timeout=self._ring, context=CONTEXT, variables=variables
        )
        outcome = await placed.outcome()
        if not outcome.ending.answered:
            return unanswered(outcome.ending)
        sent = words.sent(getattr(outcome, "told", {}))
        if sent is None or sent.token != token:
            raise Uncertain("answered, and no word of how the fax ended")
        return judge(sent, pages=pages, expected=expected)


def _check(file: bytes, pages: int) -> None:
    try:
        found = tiff.pages(file)
    except tiff.Unfit as unfit:
        raise PermanentFailure(f"cannot be faxed: {unfit}") from unfit
    if found != pages:
        raise PermanentFailure(f"cannot be faxed: {found} pages instead of {pages}")
