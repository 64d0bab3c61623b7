"""Every message of the torture corpus that tries to reach the printer, printed: it reaches paper as text."""

import os
import re
from pathlib import Path

import pytest

from printers.escpos import ticket
from printers.layout import lay_out
from printers.model import load
from printers.slip import Banner, Code, Heading, Pair, Row, Slip, Text

CORPORA = os.environ.get("WARDLINE_CORPORA")
HEX_ESCAPE = re.compile(r"\\X([0-9A-Fa-f]+)\\")


def hostile_texts():
    if not CORPORA:
        pytest.skip("WARDLINE_CORPORA is not set: it names the folder of the test corpora")
    found = sorted(Path(CORPORA).glob("own/hl7-torture/escpos_*.hl7"))
    assert len(found) > 50
    for file in found:
        sent = file.read_bytes().decode("utf-8", errors="surrogateescape")
        yield (
            file.name,
            HEX_ESCAPE.sub(lambda hexed: bytes.fromhex(hexed[1]).decode("latin-1"), sent),
        )


def hidden(text):
    """Where its characters stand that are not for paper; line ends are."""
    return [at for at, char in enumerate(text) if not char.isprintable() and char not in "\r\n"]


@pytest.mark.parametrize("name", ["TM-T20II", "POS-5890"])
def test_no_payload_of_the_corpus_moves_the_printer(walk, name):
    model = load(name)
    for file, text in hostile_texts():
        first = next(iter(hidden(text)), len(text) - 30)  # PostScript is plain text throughout
        bad = text[first - 10 : first + 40]
        slip = Slip(
            header=(Heading(text=bad), Pair(label="Patient", value=bad)),
            body=(
                Row(name=bad, value=bad, unit=bad, reference=bad, mark=bad, previous=bad),
                Text(text=text),
                Banner(text=bad),
                Code(data=bad, caption=bad),
            ),
        )
        (paper,) = walk(ticket(lay_out(slip, model.columns), model))
        assert "·" in paper.text or not hidden(text), file
