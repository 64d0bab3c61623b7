"""Codes and pictures as SVG: what typst takes beside its templates must be text."""

from __future__ import annotations

import base64
import io
import struct

import segno


def qr(data: str) -> str:
    """A QR code (ISO/IEC 18004) of error correction M with its four quiet modules."""
    drawn = io.BytesIO()
    segno.make_qr(data, error="m").save(drawn, kind="svg", border=4, xmldecl=False, svgns=True)
    return drawn.getvalue().decode("ascii")


def code128(data: str) -> str:
    """A Code 128 (ISO/IEC 15417) in set B, ten quiet modules either side, one unit a module.

    `data`: characters of 20-7E, or `ValueError`.
    """
    values = [ord(char) - 32 for char in data]
    if not data or not all(0 <= value <= 94 for value in values):
        raise ValueError("a Code 128 of ours holds printable ASCII characters")
    check = (_START_B + sum(at * value for at, value in enumerate(values, start=1))) % 103
    widths = "".join(_WIDTHS[value] for value in (_START_B, *values, check)) + _STOP
    at, bars = 10, []
    for index, width in enumerate(map(int, widths)):
        if index % 2 == 0:
            bars.append(f"M{at} 0h{width}v24h-{width}z")
        at += width
    whole = at + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} 24" '
        f'width="{whole}" height="24"><path d="{"".join(bars)}"/></svg>'
    )


def picture(png: bytes) -> bytes:
    """A PNG inside an SVG of its size in pixels."""
    width, height = struct.unpack_from(">II", png, 16)  # IHDR (PNG 11.2.1)
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" xlink:href="data:image/png;base64,'
    )
    return head.encode("ascii") + base64.b64encode(png) + b'"/></svg>'


_START_B = 104
_STOP = "2331112"
# Bars and spaces of each value, in modules (ISO/IEC 15417, table 1).
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
