"""The commands that put dots on paper: rasters, bit images, bar codes, QR codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from printers.virtual import symbols
from printers.virtual.commands import Action, Setter
from printers.virtual.effect import Effect
from printers.virtual.head import Head
from printers.virtual.paper import Image, Symbol

_REAL_TIME = re.compile(rb"\x10[\x04\x05\x14]")
_NOTHING = Image(8, 1, b"\x00")
_BARCODES = {
    0: "UPC-A", 1: "UPC-E", 2: "EAN13", 3: "EAN8", 4: "CODE39", 5: "ITF", 6: "CODABAR",
    65: "UPC-A", 66: "UPC-E", 67: "EAN13", 68: "EAN8", 69: "CODE39", 70: "ITF", 71: "CODABAR",
    72: "CODE93", 73: "CODE128",
}  # fmt: skip


def _raster(head: Head, args: bytes) -> Iterator[Effect]:
    """GS v 0 m xL xH yL yH: what is wider than the paper is lost at its edge."""
    stride = int.from_bytes(args[2:4], "little")
    rows = int.from_bytes(args[4:6], "little")
    mode = args[1] % 48
    if args[0] != 0x30 or mode > 3 or not stride or not rows:
        head.refuse("GS v", args)
        return
    if _REAL_TIME.search(args, 6):
        head.warnings.append("real-time command inside raster data")
    scale = (2 if mode & 1 else 1, 2 if mode & 2 else 1)
    yield from head.picture(Image(stride * 8, rows, args[6:], scale), "GS v 0")


def _bit_image(head: Head, args: bytes) -> Iterator[Effect]:
    """ESC * m nL nH: columns of 8 or 24 dots, into the line like a character."""
    mode, columns = args[0], int.from_bytes(args[1:3], "little")
    if mode not in (0, 1, 32, 33) or not columns:
        head.refuse("ESC *", args)
        return
    tall = 3 if mode >= 32 else 1
    scale = (1 if mode & 1 else 2, 1 if mode >= 32 else 3)
    yield from head.image(Image(columns, tall * 8, _turned(args[3:], columns, tall), scale))


def _turned(data: bytes, columns: int, tall: int) -> bytes:
    """Columns of `tall` bytes, top first, as rows of whole bytes."""
    stride = (columns + 7) // 8
    rows = bytearray(stride * tall * 8)
    for column in range(columns):
        for row in range(tall * 8):
            if data[column * tall + row // 8] & 0x80 >> row % 8:
                rows[row * stride + column // 8] |= 0x80 >> column % 8
    return bytes(rows)


def _barcode(head: Head, args: bytes) -> Iterator[Effect]:
    """GS k: Code 128 as it looks; the others are named, not drawn."""
    kind = _BARCODES.get(args[0])
    if kind is None:
        head.refuse("GS k", args)
        return
    data = args[2:] if args[0] >= 65 else args[1:-1]
    bars = head.set.barcode
    text, image = data.decode("latin-1"), _NOTHING
    try:
        if kind == "CODE128":
            text, image = symbols.code128(data, module=bars.module, height=bars.height)
        _check_width(head, image)
    except symbols.Unprintable as error:
        head.warnings.append(f"{kind} not printed: {error}")
        return
    yield from head.picture(Symbol(kind, text, image, text if bars.caption else ""), "GS k")


def _gs_parametric(head: Head, args: bytes) -> Iterator[Effect]:
    """GS ( k cn fn …: QR codes (cn 49)."""
    function, data = args[4:5], args[5:]
    wanted = head.set.qr
    if args[:1] != b"k" or args[3:4] != b"1":
        head.refuse("GS (", args)
    elif function == b"C" and data:
        wanted.module = min(16, max(1, data[0]))
    elif function == b"E" and data:
        wanted.correction = data[0]
    elif function == b"P":
        wanted.data = data[1:]
    elif function == b"Q":
        yield from _qr(head)
    elif function != b"A":  # fn 65 chooses the model: 2 is the only one in use
        head.refuse("GS ( k", args)


def _qr(head: Head) -> Iterator[Effect]:
    wanted = head.set.qr
    try:
        image = symbols.qr(wanted.data, module=wanted.module, correction=wanted.correction)
        _check_width(head, image)
    except symbols.Unprintable as error:
        head.warnings.append(f"QR not printed: {error}")
        return
    yield from head.picture(Symbol("QR", wanted.data.decode("utf-8", "replace"), image), "GS ( k")


def _check_width(head: Head, image: Image) -> None:
    if image.size[0] > head.set.width:  # the printer prints nothing, and does not say so
        raise symbols.Unprintable(f"{image.size[0]} dots wide on {head.set.width}")


def _module(head: Head, args: bytes) -> None:
    if 2 <= args[0] <= 6:
        head.set.barcode.module = args[0]
    else:
        head.refuse("GS w", args)


PICTURE_SETTERS: Mapping[str, Setter] = {
    "GS w": _module,
    "GS h": lambda head, args: setattr(head.set.barcode, "height", args[0] or 1),
    "GS H": lambda head, args: setattr(head.set.barcode, "caption", args[0] % 48),
}

PICTURES: Mapping[str, Action] = {
    "GS v": _raster,
    "ESC *": _bit_image,
    "GS k": _barcode,
    "GS (": _gs_parametric,
}
