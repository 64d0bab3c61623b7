"""Every store that fills the role."""

from __future__ import annotations

import pytest

from gateway.store.sqlite import SqliteStore


@pytest.fixture(params=["memory", "threads"])
def store(request, tmp_path):
    from twisted.internet import reactor

    if request.param == "memory":
        opened = SqliteStore(":memory:", inline=True)
    else:
        opened = SqliteStore(tmp_path / "wardline.db", reactor=reactor, reserve=0)
    yield opened
    loop = reactor._asyncioEventloop
    loop.run_until_complete(opened.close().asFuture(loop))
