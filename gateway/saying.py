"""What people say to the running service: written down first, then obeyed at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from gateway import telling
from gateway.clock import Clock
from gateway.config import Site
from gateway.pack import WORD
from gateway.store import Store

Listen = Callable[[], Awaitable[None]]


class Saying:
    """Everything is on disk when it returns, and whoever it is for has looked at it."""

    def __init__(
        self, site: Site, store: Store, *, clock: Clock, listeners: Sequence[Listen] = ()
    ) -> None:
        self._site = site
        self._store = store
        self._clock = clock
        self._listeners = listeners

    def status(self) -> dict[str, Any]:
        """As `wardline status --json`. Reads the store: not for the reactor's thread. Raises Unusable."""
        return telling.standing(self._site)

    async def outage(self, word: str, *, by: str, reason: str) -> None:
        """The platform is down ("begin") or back ("end"). Raises Unusable where there is none."""
        telling.has_platform(self._site)
        await self._say(f"outage {word}", by=by, reason=reason, detail={})

    async def pack(self, ward: str, *, by: str) -> None:
        """A ward's last results on its own printer. Raises Unusable."""
        code = telling.packable(self._site, ward)
        await self._say(WORD, by=by, reason="", detail={"ward": code})

    async def _say(self, word: str, *, by: str, reason: str, detail: Mapping[str, Any]) -> None:
        now = self._clock.now()
        await self._store.say(at=now, by=by, word=word, reason=reason, detail=detail)
        for listen in self._listeners:
            await listen()
