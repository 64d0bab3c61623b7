"""A plain ticket beside what python-escpos, written by other people, would send for it."""

import re
import tempfile

import pytest

from printers.escpos import ticket
from printers.line import BOLD, PLAIN, Line, Run
from printers.model import load
from printers.text import clean

T20 = load("TM-T20II")


@pytest.fixture(scope="module")
def escpos():
    with tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESCPOS_CAPABILITIES_PICKLE_DIR", cache)
        patch.setattr(tempfile, "mkdtemp", lambda *_, **__: cache)  # it leaves one behind
        import escpos.printer

        yield escpos


def line(text, style=PLAIN, *, centred=False):
    return Line((Run(clean(text), style),), centred=centred)


def test_it_sends_the_same_bytes_as_python_escpos_for_a_plain_ticket(escpos):
    theirs = escpos.printer.Dummy(profile="TM-T20II")
    theirs.charcode("CP1252")
    theirs.set(align="center", bold=True)
    theirs.text("CARDIOLOGIE\n")
    theirs.set(align="left", bold=False)
    theirs.text("Créatinine   98 µmol/L\n")
    theirs.cut(feed=False)

    page = (line("CARDIOLOGIE", BOLD, centred=True), line("Créatinine   98 µmol/L"))
    ours = ticket((page,), T20)

    assert _lines(ours) == _lines(theirs.output)


@pytest.mark.parametrize("page", T20.pages, ids=lambda page: page.codec)
def test_its_code_pages_have_the_letters_python_escpos_gives_them(escpos, page):
    from escpos.magicencode import Encoder

    theirs = escpos.capabilities.get_profile("TM-T20II").profile_data["codePages"][str(page.slot)]
    letters = Encoder._get_codepage_char_list(theirs)
    for code, letter in enumerate(letters, start=0x80):
        ours = bytes((code,)).decode(page.codec, errors="ignore")
        assert letter in {ours, " "}


def test_its_symbols_are_those_of_python_escpos(escpos):
    from printers import command

    theirs = escpos.printer.Dummy(profile="TM-T20II")
    theirs.qr("HEX-0042", size=6, ec=1, native=True)
    assert command.qr("HEX-0042", module=6) in theirs.output

    theirs = escpos.printer.Dummy(profile="TM-T20II")
    theirs.barcode("{BHEX-0042", "CODE128", height=60, width=2, pos="OFF", function_type="B")
    assert command.code128("HEX-0042", module=2)[-13:] in theirs.output


def _lines(stream):
    """Line by line: the styles set on it in any order, and its letters. Code page changes left out."""
    command = re.compile(rb"\x1b[EaR].|\x1d[!B].|\x1bt.", re.DOTALL)
    setup = (b"\x1bR", b"\x1bt")
    return [
        ({each for each in command.findall(line) if each[:2] not in setup}, command.sub(b"", line))
        for line in stream.split(b"\n")
    ]
