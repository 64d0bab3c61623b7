"""`python -m benchmarks.bare_http PORT`: the least Klein does with a POST: body read, 201, nothing kept."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import asyncioreactor

asyncioreactor.install()

from klein import Klein  # noqa: E402, TID253
from twisted.internet import reactor  # noqa: E402, TID253
from twisted.web.server import Site  # noqa: E402

_reactor: Any = reactor


def main(port: int) -> None:
    app: Any = Klein()

    @app.route("/fhir", methods=["POST"])  # type: ignore[untyped-decorator]
    def post(request: Any) -> bytes:
        request.content.read()
        request.setResponseCode(201)
        request.setHeader(b"Content-Length", b"2")
        return b"{}"

    _reactor.listenTCP(port, Site(app.resource()), backlog=1024, interface="127.0.0.1")
    _reactor.callWhenRunning(print, "ready", flush=True)
    _reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
