"""`python -m demo.standin`: the stand-in platform as a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.python.failure import Failure

from demo.standin.platform import StandIn
from printers.virtual.terminal import Control, Keyboard


def main() -> int:
    """0 when told to stop; 1 when it cannot listen, saying why in one line."""
    parser = argparse.ArgumentParser(prog="python -m demo.standin", description=__doc__)
    parser.add_argument(
        "--listen", required=True, metavar="ENDPOINT", help="tcp:2600:interface=127.0.0.1"
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="JSON lines of what it received")
    parser.add_argument(
        "--control", metavar="ENDPOINT", help="takes the words typed on standard input"
    )
    from twisted.internet import reactor

    serving = _Serving(reactor, parser.parse_args())
    reactor.callWhenRunning(serving.start)
    reactor.run()
    return serving.exit_code


class _Serving:
    def __init__(self, reactor: Any, args: argparse.Namespace) -> None:
        self.exit_code = 0
        self._reactor = reactor
        self._args = args
        self._platform = StandIn(reactor, log=args.log)
        self._keyboard = Keyboard(reactor, self._talk)

    def start(self) -> None:
        Deferred.fromCoroutine(self._start()).addErrback(self._give_up)

    async def _start(self) -> None:
        if self._args.control:
            await serverFromString(self._reactor, self._args.control).listen(Control(self._talk))
        await self._platform.listen(self._args.listen)
        self._keyboard.start()
        print("ready", flush=True)

    def _talk(self, words: str) -> Deferred[str]:
        try:
            return succeed(self._platform.trouble(words))
        except ValueError as error:
            return succeed(f"error: {error}")

    def _give_up(self, failure: Failure) -> None:
        print(f"stand-in platform: {failure.getErrorMessage()}", file=sys.stderr)
        self.exit_code = 1
        self._reactor.stop()


if __name__ == "__main__":
    sys.exit(main())
