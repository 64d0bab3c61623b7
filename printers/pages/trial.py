"""A hospital's own templates tried before they are needed: each sheet set once, from every kind of block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from printers.pages import Unset, set_page
from printers.slip import (
    Banner,
    Code,
    Columns,
    Form,
    Heading,
    Pair,
    Role,
    Row,
    Rule,
    Slip,
    Space,
    Text,
    Tone,
)

_SLIP = Slip(
    header=(
        Banner(text="DOWNTIME"),
        Heading(text="Ward", role=Role.WARD),
        Heading(text="n° 0001", role=Role.NUMBER),
        Text(text="Hospital", role=Role.SITE),
        Rule(),
        Heading(text="FAMILY", role=Role.FAMILY),
        Heading(text="Given", role=Role.GIVEN),
        Pair(label="IPP", value="1"),
    ),
    body=(
        Text(text="Examination", role=Role.TITLE),
        Row(name="Potassium", value="6,8", unit="mmol/L", tone=Tone.CRITICAL, history=("4,1",)),
        Text(text="Note", indent=2),
        Space(),
        Heading(text="Heading"),
        Row(name="Culture", value="Escherichia coli > 100 000 UFC/mL"),
    ),
    footer=(Rule(), Code(data="402173"), Text(text="Read by")),
    columns=Columns(name="Name", value="Value", unit="Unit", reference="Range", mark="Flag"),
    history=("01/08",),
    running="FAMILY Given",
)


def trial(templates: Path) -> Iterator[str]:
    """What is wrong with each, in typst's words; nothing when all can be set."""
    for form in Form:
        try:
            set_page(replace(_SLIP, form=form), templates=templates)
        except (Unset, OSError) as fault:
            yield str(fault)
