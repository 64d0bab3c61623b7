"""A mail that was accepted and then kept out by a person: its sender is told once, never left in silence."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from gateway.clock import Clock
from gateway.intakes.smtp.bounce import automatic, bounce
from gateway.mail.envelope import Envelope
from gateway.mail.origin import Grade
from gateway.service import Aside, at_once
from gateway.store import Stored

_log = structlog.get_logger()


class Alarm(Protocol):
    def __call__(self, topic: str, *, subject: str, reason: str) -> Coroutine[Any, Any, None]: ...


class Post(Protocol):
    """The way out for answers."""

    async def put(self, message_id: int, *, to: str, mail: bytes) -> None: ...


class Returns:
    """Who is told what.

    A sender that nothing proves is told nothing: its address may be a stranger's, and whoever kept the
    mail out was asked by a slip. One that is proved gets one answer, by `post` or as a file in `spool`,
    from where the site's mail server takes it. Without either, and where a program sent the mail, the
    laboratory is asked to tell whoever it is.
    """

    def __init__(
        self,
        *,
        domain: str,
        spool: Path | None,
        post: Post | None = None,
        alarm: Alarm,
        clock: Clock,
        aside: Aside = at_once,
    ) -> None:
        self._domain = domain
        self._spool = spool
        self._post = post
        self._alarm = alarm
        self._clock = clock
        self._aside = aside

    async def kept_out(self, stored: Stored, envelope: Envelope, mail: bytes) -> None:
        """A person did not let this mail be printed."""
        if envelope.grade is Grade.C:
            return
        if automatic(mail) or (self._post is None and self._spool is None):
            await self._alarm(
                "mail undeliverable", subject=envelope.sender, reason=stored.control_id
            )
            return
        at = self._clock.now()
        told = bounce(envelope, mail, domain=self._domain, message_id=stored.id, at=at)
        if self._post is not None:
            await self._post.put(stored.id, to=envelope.sender, mail=told)
        elif self._spool is not None:
            await self._aside(partial(write, self._spool / f"{stored.id}.eml", told))
            _log.info("smtp.returned", message=stored.id)


def write(path: Path, content: bytes) -> None:
    """Once, whole, and on disk: a file that is there already was written for the same mail."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
