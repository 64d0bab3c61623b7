"""AMQP's errors in the words of an alarm."""

from __future__ import annotations

import re
from pathlib import Path

from aiormq import exceptions as amqp

from gateway.bus.amqp.frames import Closed
from gateway.bus.role import CREDENTIALS, FROZEN, Trouble

#: "NOT_FOUND - no queue 'wards' in vhost '/'"
_NOT_FOUND = re.compile(r"no (queue|exchange) '([^']*)'")
_LONGEST = 160
_ACCESS_REFUSED, _NOT_ALLOWED = 403, 530  # AMQP 0-9-1, 1.2


def trouble(error: BaseException | None, *, said: Closed | None = None) -> Trouble:
    """What the end of a connection or channel, or a failed call, means for who used it; `said` is the
    broker's own goodbye, which is worth more than what the library makes of it."""
    if isinstance(error, Trouble):
        return error
    if said is not None:
        return _closed(said)
    if isinstance(error, TimeoutError):
        return Trouble(FROZEN)
    if isinstance(error, amqp.ChannelNotFoundEntity):
        return Trouble(_missing(_words(error)))
    if isinstance(error, amqp.ChannelAccessRefused):
        return Trouble(f"not permitted: {_words(error)}")
    if isinstance(error, amqp.AMQPChannelError):
        return Trouble(f"channel closed by the broker: {_words(error)}")
    if isinstance(error, OSError) and isinstance(error.filename, str | Path):
        return Trouble(f"cannot read {Path(error.filename).name}: {error.strerror}")
    return Trouble("connection lost")


def _closed(said: Closed) -> Trouble:
    if said.code == _ACCESS_REFUSED:
        return Trouble(CREDENTIALS, sure=True)
    if said.code == _NOT_ALLOWED:
        return Trouble(f"not admitted: {said.text[:_LONGEST]}", sure=True)
    return Trouble(f"closed by the broker: {said.text[:_LONGEST]}")


def _missing(said: str) -> str:
    found = _NOT_FOUND.search(said)
    return f"{found[1]} {found[2]} is gone" if found else f"something is gone: {said}"


def _words(error: BaseException) -> str:
    """The broker's own text, without what would break a line of an alarm."""
    words = " ".join(str(part) for part in error.args if isinstance(part, str))
    return " ".join(words.replace(",", ";").split())[:_LONGEST]
