"""The printer commands Wardline sends, byte for byte, and no others.

Every command goes out as `Command`, every text as bytes of a code page: the two are made in different
places and meet only in `printers.escpos`. References are to Epson's ESC/POS command reference.
"""

from __future__ import annotations

import re
from typing import NewType

Command = NewType("Command", bytes)

LF = Command(b"\n")


# --- around a job: what the channel sends before, behind and between slips


def prelude() -> Command:
    """Begin a job: ESC @, then GS a 0E (report changes of state at once).

    In this order: ESC @ switches the reports off, so nothing after it may send ESC @ again.
    """
    return Command(b"\x1b@\x1da\x0e")


def fence(token: str) -> Command:
    """GS ( H fn 48: "37 22 token 00" comes back once all before it is on paper.

    `token`: four characters of 20-7E, or `ValueError`.
    """
    if not re.fullmatch("[ -~]{4}", token):
        raise ValueError(f"a process id is four printable ASCII characters, not {token!r}")
    return Command(b"\x1d(H\x06\x0000" + token.encode("ascii"))


def gs_r() -> Command:
    """GS r 1: a queued request for the paper sensor; its one byte comes when all before it was processed."""
    return Command(b"\x1dr\x01")


def status(request: int) -> Command:
    """DLE EOT n, real time: 1 printer, 2 offline cause, 3 error cause, 4 paper; else `ValueError`."""
    if request not in {1, 2, 3, 4}:
        raise ValueError(f"DLE EOT knows 1 to 4, not {request}")
    return Command(bytes((0x10, 0x04, request)))


def clear_buffers() -> Command:
    """DLE DC4 fn 8: forget what is not yet printed; wait for its answer "37 25 00" before sending on."""
    return Command(b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08")


def flush() -> Command:
    """8192 NUL and ESC @: ends whatever half-received image swallows the line; a NUL by itself does nothing.

    A strip of `STRIP_BYTES` is the longest thing a slip of ours can leave half-sent.
    """
    return Command(b"\x00" * 8192 + b"\x1b@")


STRIP_BYTES = 8192


# --- inside a slip: what the encoder sends


def us_ascii() -> Command:
    """ESC R 0: a printer set up for France prints # @ [ ] ^ { } as £ à ° § ^ é è."""
    return Command(b"\x1bR\x00")


def cancel_kanji() -> Command:
    """FS .: printers sold in China read two bytes above 7F as one ideograph until told not to."""
    return Command(b"\x1c.")


def code_page(slot: int) -> Command:
    """ESC t n."""
    return Command(bytes((0x1B, 0x74, slot)))


def bold(on: bool) -> Command:
    """ESC E n."""
    return Command(b"\x1bE" + _flag(on))


def inverse(on: bool) -> Command:
    """GS B n: white on black."""
    return Command(b"\x1dB" + _flag(on))


def large(on: bool) -> Command:
    """GS ! n: double width and height. Not ESC !, which resets bold with it."""
    return Command(b"\x1d!\x11" if on else b"\x1d!\x00")


def centre(on: bool) -> Command:
    """ESC a n: obeyed at the beginning of a line only."""
    return Command(b"\x1ba" + _flag(on))


def feed(lines: int) -> Command:
    """ESC d n."""
    return Command(bytes((0x1B, 0x64, lines)))


def cut(*, full: bool = False) -> Command:
    """GS V 66 0 or 65 0: feed to the blade, then cut; the partial cut leaves the slip hanging, not lost."""
    return Command(b"\x1dVA\x00" if full else b"\x1dVB\x00")


def raster(width: int, data: bytes) -> Command:
    """GS v 0: a strip of `width` bytes a row, most significant bit left, 1 black.

    Some printers obey real-time commands inside image data (Epson, Citizen and Custom manuals; on a
    Custom P80C three bytes empty the buffers): where a row would hold one, its DLE gets one more dot.
    """
    rows, rest = divmod(len(data), width)
    if rest or not data or len(data) > STRIP_BYTES:
        raise ValueError(f"not a strip: {len(data)} bytes in rows of {width}")
    size = width.to_bytes(2, "little") + rows.to_bytes(2, "little")
    return Command(b"\x1dv0\x00" + size + _REAL_TIME.sub(b"\x11", data))


def code128(data: str, *, module: int) -> Command:
    """GS k 73, code set B, 60 dots high, modules of `module` dots, no text of its own.

    Prints nothing when wider than the paper: ask `code128_width` first.
    """
    payload = b"{B" + data.encode("ascii").replace(b"{", b"{{")
    look = b"\x1dh\x3c\x1dw" + bytes((module,)) + b"\x1dH\x00"
    return Command(look + b"\x1dkI" + bytes((len(payload),)) + payload)


def code128_width(data: str, *, module: int) -> int:
    """Dots of a Code 128 in set B with ten quiet modules either side (ISO/IEC 15417)."""
    return (11 * len(data) + 35 + 20) * module


def qr(data: str, *, module: int) -> Command:
    """GS ( k: model 2, modules of `module` dots, error correction M, stored and printed."""
    payload = b"1P0" + data.encode("ascii")
    store = b"\x1d(k" + len(payload).to_bytes(2, "little") + payload
    size = b"\x1d(k\x03\x001C" + bytes((module,))
    return Command(
        b"\x1d(k\x04\x001A2\x00" + size + b"\x1d(k\x03\x001E1" + store + b"\x1d(k\x03\x001Q0"
    )


_REAL_TIME = re.compile(rb"\x10(?=[\x04\x05\x14])")  # DLE EOT, DLE ENQ, DLE DC4


def _flag(on: bool) -> bytes:
    return b"\x01" if on else b"\x00"
