"""A ward printer that keeps every byte it is sent, and answers what a TM-T20II in good health answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from contextlib import suppress

from tests.edge.decoder import Reader, Slip, Token, Unknown

#: DLE EOT 1 to 4, on line, with paper, nothing wrong (Epson: bits 1 and 4 are always set).
_WELL = {1: b"\x16", 2: b"\x12", 3: b"\x12", 4: b"\x12"}


class CapturingPrinter:
    """Serves one connection at a time, as printers do; `slips` grows as paper comes out."""

    def __init__(self) -> None:
        self.raw = bytearray()
        self.unknown: list[str] = []
        self._reader = Reader()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = int(self._listener.getsockname()[1])
        self._peer: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def slips(self) -> list[Slip]:
        return list(self._reader.slips)

    def close(self) -> None:
        for each in (self._listener, self._peer):
            if each is not None:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._peer = peer
            with peer, suppress(OSError):
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        while data := peer.recv(65536):
            self.raw += data
            try:
                said = self._reader.feed(data)
            except Unknown as unknown:
                self.unknown.append(str(unknown))
                return
            answer = b"".join(_answers(said))
            if answer:
                peer.sendall(answer)


def _answers(said: Iterable[Token]) -> Iterable[bytes]:
    for token in said:
        match token.name:
            case "ask":
                yield _WELL[token.value[0]]
            case "token":
                yield b"\x37\x22" + token.value + b"\x00"
            case "reports":
                yield b"\x14\x00\x00\x0f"  # automatic status: begins with how things are
            case "forget":
                yield b"\x37\x25\x00"
