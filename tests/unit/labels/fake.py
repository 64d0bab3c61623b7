"""A label printer in memory: takes ZPL, answers ~HS as Zebra describes it, and fails where it is told to."""

from __future__ import annotations

import re

from twisted.internet.protocol import Factory, Protocol

from printers.virtual.loopback import LoopbackEndpoint


class LabelPrinter(Factory):
    """`printed` holds formats; `trouble` is any of paper, head, ribbon, pause; with the first three it
    answers nothing, as Zebra's do."""

    def __init__(self, clock, *, label_time=1.0):
        self.clock = clock
        self.label_time = label_time
        self.trouble = set()
        self.printed, self.waiting = [], []
        self.unknown = []
        self.mute = False
        self.off = False
        self.cut_at = None  # hang up after so many bytes of a connection
        self.connections = []
        self._working = None

    def endpoint(self):
        return LoopbackEndpoint(self.clock, self)

    def buildProtocol(self, addr):
        if self.off:
            return None
        self.connections.append(_Host(self))
        return self.connections[-1]

    def take(self, format):
        self.waiting.append(format)
        self.work()

    def work(self):
        if self._working is None and self.waiting and not self.trouble:
            self._working = self.clock.callLater(self.label_time, self._out)

    def _out(self):
        self._working = None
        if not self.trouble and self.waiting:
            self.printed.append(self.waiting.pop(0))
        self.work()

    def mend(self):
        self.trouble.clear()
        self.work()

    def cancel(self):
        self.waiting.clear()
        if self._working is not None:
            self._working.cancel()
            self._working = None

    def status(self):
        if self.mute or self.trouble & {"paper", "head", "ribbon"}:
            return b""
        pause = int("pause" in self.trouble)
        return (
            f"\x02030,0,{pause},1245,{len(self.waiting):03},0,0,0,000,0,0,0\x03\r\n"
            "\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
        ).encode()


class _Host(Protocol):
    def __init__(self, printer):
        self.printer = printer
        self.held = b""
        self.taken = 0

    def dataReceived(self, data):
        cut = self.printer.cut_at
        if cut is not None and self.taken + len(data) >= cut:
            data = data[: cut - self.taken]
            self.transport.loseConnection()
        self.taken += len(data)
        self.held += data
        while found := re.match(rb"\s*(~HS|~JA|\^XA.*?\^XZ)", self.held, re.DOTALL):
            self.held = self.held[found.end() :]
            if found[1] == b"~HS":
                self.transport.write(self.printer.status())
            elif found[1] == b"~JA":
                self.printer.cancel()
            else:
                self.printer.take(found[1])
