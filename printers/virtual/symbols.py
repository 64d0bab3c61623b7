"""The bar codes and QR codes a printer draws itself, as dots."""

from __future__ import annotations

import segno

from printers.virtual.paper import Image

# Code 128 (ISO/IEC 15417): widths of bar, space, bar, space, bar, space of symbols 0 to 105.
_WIDTHS = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 "
    "122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 "
    "321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 "
    "211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 "
    "213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 "
    "121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 "
    "241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 "
    "412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 "
    "211214 211232"
).split()
_STOP = "2331112"
_START = {"A": 103, "B": 104, "C": 105}
_TO_SET = {"A": 101, "B": 100, "C": 99}
_FNC = {"1": 102, "2": 97, "3": 96}


class Unprintable(ValueError):
    """A symbol the printer would silently leave out: bad data, or wider than the paper."""


def code128(data: bytes, *, module: int, height: int) -> tuple[str, Image]:
    """The text and the bars of GS k 73 data: "{A", "{B" or "{C" first, "{{" for a brace.

    `module`: dots of the narrowest bar; `height`: dots. Raises `Unprintable` for bad data.
    """
    symbols, text = _symbols(data)
    check = (symbols[0] + sum(at * value for at, value in enumerate(symbols))) % 103
    pattern = "".join(_WIDTHS[value] for value in [*symbols, check]) + _STOP
    row = "".join(
        ("1" if at % 2 == 0 else "0") * int(width) * module for at, width in enumerate(pattern)
    )
    return text, _image([row] * height)


def qr(data: bytes, *, module: int, correction: int) -> Image:
    """A QR code as GS ( k prints it: no quiet zone. `correction`: 48 L, 49 M, 50 Q, 51 H."""
    level = {48: "l", 49: "m", 50: "q", 51: "h"}.get(correction, "l")
    try:
        code = segno.make(data, error=level, micro=False, boost_error=False)
    except ValueError as error:  # segno's DataOverflowError
        raise Unprintable(str(error)) from error
    rows = ("".join(str(dark) * module for dark in row) for row in code.matrix)
    return _image([row for row in rows for _ in range(module)])


def _symbols(data: bytes) -> tuple[list[int], str]:
    code_set = chr(data[1]) if len(data) > 1 and data[:1] == b"{" else ""
    if code_set not in _START:
        raise Unprintable("Code 128 data must begin with {A, {B or {C")
    symbols, text, at = [_START[code_set]], "", 2
    while at < len(data):
        if data[at : at + 1] == b"{" and data[at + 1 : at + 2] != b"{":
            value, code_set = _special(data[at + 1 : at + 2].decode("latin-1"), code_set)
            shown, taken = "", 2
        else:
            value, shown = _character(data[at], code_set)
            taken = 2 if data[at : at + 2] == b"{{" else 1
        symbols.append(value)
        text += shown
        at += taken
    return symbols, text


def _special(key: str, code_set: str) -> tuple[int, str]:
    """The symbol of "{key" and the set from there on."""
    if key in _TO_SET:
        return _TO_SET[key], key
    if key == "4" and code_set in "AB":  # FNC4 is the symbol that would change to the set we are in
        return _TO_SET[code_set], code_set
    if key in _FNC:
        return _FNC[key], code_set
    raise Unprintable(f"Code 128: {{{key} is not known here")


def _character(byte: int, code_set: str) -> tuple[int, str]:
    """The symbol of one byte and what is shown for it."""
    if code_set == "C":
        if byte > 99:
            raise Unprintable(f"Code 128 set C holds 0 to 99, not {byte}")
        return byte, f"{byte:02}"
    return _value(byte, code_set), chr(byte) if byte >= 0x20 else chr(0x2400 + byte)


def _value(byte: int, code_set: str) -> int:
    if 0x20 <= byte < 0x60:
        return byte - 0x20
    if code_set == "A" and byte < 0x20:
        return byte + 0x40
    if code_set == "B" and 0x60 <= byte < 0x80:
        return byte - 0x20
    raise Unprintable(f"Code 128 set {code_set} has no {byte:#04x}")


def _image(rows: list[str]) -> Image:
    width = len(rows[0])
    stride = (width + 7) // 8
    packed = {row: int(row.ljust(stride * 8, "0"), 2).to_bytes(stride, "big") for row in set(rows)}
    return Image(width, len(rows), b"".join(packed[row] for row in rows))
