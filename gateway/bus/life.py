"""A session's life: open once it is wholly open, over once, and its holder told once unless we ended it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from gateway.bridge import from_asyncio
from gateway.bus.role import Holder, Trouble


class Life:
    """`cut` ends the connection at once, whatever is still to be said."""

    def __init__(self, holder: Holder, *, cut: Callable[[], None]) -> None:
        self._holder = holder
        self._cut = cut
        self._open = False
        self.over = False
        self._beside: set[Deferred[Any]] = set()

    def opened(self) -> None:
        """From now on its end is told."""
        self._open = True

    def leave(self) -> None:
        """We end it: nobody is told."""
        self.over = True

    def end(self, why: Trouble) -> None:
        """It is over, whoever noticed."""
        if self.over:
            return
        self.over = True
        self.cut()
        if self._open:
            self._holder.lost(why)

    def cut(self) -> None:
        self.over = True
        self._cut()
        for work in tuple(self._beside):
            work.cancel()

    def beside(self, work: Coroutine[Any, Any, object]) -> None:
        """Do this (asyncio's) meanwhile. That it fails means that the session is ending, which is told
        elsewhere."""
        done = from_asyncio(work)
        self._beside.add(done)
        done.addBoth(lambda _: self._beside.discard(done))
