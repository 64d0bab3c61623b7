"""`wardline printer`: a virtual ward printer as a process of its own."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.python.failure import Failure

from printers.model import names
from printers.virtual.printer import VirtualPrinter
from printers.virtual.terminal import Control, Keyboard

REAL_SPEED = 250.0  # mm/s: TM-T88 class; a TM-T20II does 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `wardline printer` takes."""
    parser.add_argument(
        "--listen", required=True, metavar="ENDPOINT", help="tcp:9101:interface=127.0.0.1"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="where slips come out"
    )
    parser.add_argument("--model", default="TM-T20II", choices=names(), metavar="NAME")
    parser.add_argument("--name", default="printer", help="what it calls itself in its answers")
    parser.add_argument(
        "--speed", type=float, default=REAL_SPEED, metavar="MM/S", help="0: at once"
    )
    parser.add_argument(
        "--control", metavar="ENDPOINT", help="takes the words typed on standard input"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT: 0. Endpoint or folder no good: one line, 1.

    The reactor is whichever is installed.
    """
    from twisted.internet import reactor

    serving = _Serving(reactor, args)
    reactor.callWhenRunning(serving.start)
    reactor.addSystemEventTrigger("before", "shutdown", serving.stop)
    reactor.run()
    return serving.exit_code


class _Serving:
    def __init__(self, reactor: Any, args: argparse.Namespace) -> None:
        self.exit_code = 0
        self._reactor = reactor
        self._args = args
        self._printer: VirtualPrinter | None = None
        self._keyboard = Keyboard(reactor, self._talk)

    def start(self) -> None:
        self._spawn(self._start()).addErrback(self._give_up)

    def stop(self) -> Deferred[None]:
        self._keyboard.stop()
        return self._spawn(self._stop())

    async def _start(self) -> None:
        args = self._args
        self._printer = VirtualPrinter(
            self._reactor, model=args.model, speed=args.speed, out=args.out, name=args.name
        )
        if args.control:
            await serverFromString(self._reactor, served(args.control)).listen(Control(self._talk))
        await self._printer.listen(served(args.listen))
        self._keyboard.start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    async def _stop(self) -> None:
        if self._printer is not None:
            await self._printer.close()

    def _talk(self, words: str) -> Deferred[str]:
        return Deferred.fromCoroutine(self._answer(words))

    async def _answer(self, words: str) -> str:
        if self._printer is None:
            return "error: not ready"
        try:
            answer = self._printer.trouble(words)
        except ValueError as error:
            answer = f"error: {error}"
        await self._printer.settled()  # "ok" means that it is so
        return answer

    def _give_up(self, failure: Failure) -> None:
        sys.stderr.write(f"{self._args.name}: {failure.getErrorMessage()}\n")
        self.exit_code = 1
        self._reactor.stop()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> Deferred[None]:
        return Deferred.fromCoroutine(work)


def served(endpoint: str) -> str:
    """`endpoint` to listen on; where a site names the printer to connect to, "tcp:HOST:PORT" too."""
    if match := re.fullmatch(r"tcp:(?:host=)?([^:=]*[^:=\d][^:=]*):(?:port=)?(\d+)", endpoint):
        return f"tcp:{match[2]}:interface={match[1]}"
    return endpoint
