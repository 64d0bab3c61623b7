"""AMQP's errors in the words of an alarm."""

from __future__ import annotations

import re

from aiormq import exceptions as amqp

from gateway.bus.role import CREDENTIALS, FROZEN, Trouble

#: "NOT_FOUND - no queue 'wards' in vhost '/'"
_NOT_FOUND = re.compile(r"no (queue|exchange) '([^']*)'")
_LONGEST = 160


def trouble(error: BaseException | None) -> Trouble:
    """What the end of a connection or channel, or a failed call, means for who used it."""
    if isinstance(error, Trouble):
        return error
    if isinstance(error, TimeoutError):
        return Trouble(FROZEN)
    if isinstance(error, amqp.AuthenticationError | amqp.ProbableAuthenticationError):
        return Trouble(CREDENTIALS, sure=True)
    if isinstance(error, amqp.ConnectionNotAllowed):
        return Trouble(f"not admitted: {_said(error)}", sure=True)
    if isinstance(error, amqp.ChannelNotFoundEntity):
        return Trouble(_missing(_said(error)))
    if isinstance(error, amqp.ChannelAccessRefused):
        return Trouble(f"not permitted: {_said(error)}")
    if isinstance(error, amqp.AMQPError) and _said(error) and not _broke(error):
        return Trouble(f"closed by the broker: {_said(error)}")
    return Trouble("connection lost")


def _broke(error: BaseException) -> bool:
    """Whether nobody said goodbye: the library then speaks of bytes, which is no reason."""
    return type(error) in (amqp.AMQPConnectionError, amqp.ConnectionClosed) and not re.search(
        r"[A-Z]+_[A-Z]+ - ", str(error)
    )


def _missing(said: str) -> str:
    found = _NOT_FOUND.search(said)
    return f"{found[1]} {found[2]} is gone" if found else f"something is gone: {said}"


def _said(error: BaseException) -> str:
    """The broker's own text, without what would break a line of an alarm."""
    words = " ".join(str(part) for part in error.args if isinstance(part, str))
    return " ".join(words.replace(",", ";").split())[:_LONGEST]
