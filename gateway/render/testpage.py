"""Does a device print what a slip needs? Every accent and sign, every size, its whole width on one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.locale import Translate, translator
from gateway.render.bounds import line
from gateway.render.context import Context
from gateway.render.frame import framed, times
from printers.slip import Banner, Block, Code, Heading, Pair, Row, Rule, Slip, Text, Tone

ACCENTS = "à â ä ç é è ê ë î ï ô ö ù û ü ÿ œ æ ñ ø å ł"
CAPITALS = "À Â Ä Ç É È Ê Ë Î Ï Ô Ö Ù Û Ü Ÿ Œ Æ Ñ Ø Å Ł"
SIGNS = "µ ² ³ ° ± × ÷ ½ ‰ ≥ ≤ ≠ → € « » ’ – — …"
GREEK = "α β γ δ ε κ λ μ π σ ω Δ Ω"
VALUES = "≥ 32 mg/L   µmol/L   10³/mm³   37,5 °C   ± 0,2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The device under test."""

    name: str
    model: str = ""
    columns: int = 48


def test_page(device: Device, context: Context) -> Slip:
    """What a person compares with the handbook when a printer is put up, and at each shift."""
    _ = translator(context.language)
    body = (*_device(_, device, context), *_characters(_), *_shapes(_), *_ruler(_, device.columns))
    return framed(
        _,
        context,
        header=(Banner(text=_("PRINTER TEST — NOT A RESULT"), size=1),),
        body=body,
        footer=(Rule(), *_code(context), Text(text=_ask(_, context), tone=Tone.STRONG)),
    )


def _device(_: Translate, device: Device, context: Context) -> Iterator[Block]:
    yield Rule()
    yield Pair(label=_("Device"), value=line(device.name), tone=Tone.STRONG)
    if device.model:
        yield Pair(label=_("Model"), value=line(device.model))
    yield Pair(label=_("Columns"), value=str(device.columns))
    yield from times(_, context)


def _characters(_: Translate) -> Iterator[Block]:
    yield Rule()
    yield Text(text=_("Every sign must be right, none missing:"), tone=Tone.STRONG)
    for text in (ACCENTS, CAPITALS, SIGNS, GREEK, VALUES):
        yield Text(text=text)


def _shapes(_: Translate) -> Iterator[Block]:
    yield Rule()
    yield Heading(text=_("Large"))
    yield Banner(text=_("White on black"), size=2)
    yield Text(text=_("Bold"), tone=Tone.STRONG)
    for tone, mark in ((Tone.PLAIN, ""), (Tone.ABNORMAL, "H"), (Tone.CRITICAL, "HH")):
        yield Row(
            name=_("Specimen row"),
            value="123,4",
            unit="µmol/L",
            reference="100 - 200",
            mark=mark,
            tone=tone,
        )


def _ruler(_: Translate, columns: int) -> Iterator[Block]:
    """The last figure of each line must stand at the edge of the paper, on the same line."""
    columns = max(10, min(columns, 200))
    tens = "".join(str(n // 10 % 10) if n % 10 == 0 else "." for n in range(1, columns + 1))
    units = "".join(str(n % 10) for n in range(1, columns + 1))
    yield Rule()
    yield Text(text=_("{n} columns, on one line each:", n=columns))
    yield Text(text=tens)
    yield Text(text=units)


def _code(context: Context) -> Iterator[Block]:
    if context.code:
        yield Code(data=context.code, caption=line(context.code_caption or context.code))


def _ask(_: Translate, context: Context) -> str:
    if context.phone:
        return _("Anything wrong: call {phone}", phone=line(context.phone))
    return _("Anything wrong: tell whoever looks after Wardline.")
