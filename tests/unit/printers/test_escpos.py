from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.escpos import ticket
from printers.glyphs import spell
from printers.layout import lay_out
from printers.line import Line, Run, Style, Symbol
from printers.model import load, names
from printers.slip import Banner, Code, Heading, Pair, Row, Slip, Text, Tone
from printers.text import clean, lines

T20 = load("TM-T20II")
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=80)
TYPE = st.text(  # what code pages hold, and what must not reach the paper
    st.sampled_from(
        "abc é à ç œ µ ² ≥ ≤ α β γ λ μ Ł ğ Ж € — ’ 0123456789,.[]{}#@\x00\x1b@\x1d\x10\x04\n"
    ),
    max_size=80,
)


def printed(walk, *blocks, model=T20):
    (paper,) = walk(ticket(lay_out(Slip(header=(), body=blocks), model.columns), model))
    return paper


def one_line(text, style=None):
    return ((Line((Run(clean(text), style or Style()),)),),)


def slip(texts):
    name, value, unit, reference, mark, note = texts
    return Slip(
        header=(Heading(text=name), Pair(label=unit, value=name), Banner(text=mark, size=2)),
        body=(
            Row(name=name, value=value, unit=unit, reference=reference, mark=mark),
            Row(name=unit, value=value, previous=note, status=mark, tone=Tone.CRITICAL),
            Text(text=note),
            Code(data=value, caption=name),
        ),
    )


@given(st.tuples(*[ANYTHING] * 6), st.sampled_from(names()))
def test_whatever_a_sender_writes_only_known_commands_reach_the_printer(walk, texts, name):
    model = load(name)
    (paper,) = walk(ticket(lay_out(slip(texts), model.columns), model))
    assert all(line.columns <= model.columns for line in paper.items if hasattr(line, "columns"))
    for strip in paper.strips:
        assert strip.width * 8 == model.dots
        assert strip.rows <= model.strip


@given(TYPE)
def test_text_read_back_by_its_code_pages_is_the_cleaned_text(walk, text):
    paper = printed(walk, Text(text=text))
    assert not paper.strips
    expected = "".join(spell(line) for line in lines(text))
    assert "".join(paper.lines).replace(" ", "") == expected.replace(" ", "")


@given(st.lists(TYPE, min_size=5, max_size=5))
def test_nothing_of_a_row_is_lost_on_the_way_to_the_printer(walk, texts):
    name, value, unit, reference, mark = texts
    row = Row(name=name, value=value, unit=unit, reference=reference, mark=mark)
    found = Counter(printed(walk, row).text)
    for text in (clean(name), *lines(value), clean(unit), clean(reference), clean(mark)):
        found.subtract(spell(text))
    assert all(found[char] >= 0 for char in found if char != " ")


@pytest.mark.parametrize("name", names())
def test_every_model_prints_a_whole_slip(walk, name):
    texts = ("LEFÈBVRE-ŒUVRARD", "6,9", "µmol/L", "≥ 90", "HH", "Réalisé à 37,5 °C")
    model = load(name)
    (paper,) = walk(ticket(lay_out(slip(texts), model.columns), model))
    assert "LEFÈBVRE-ŒUVRARD" in paper.text
    assert "µmol/L" in paper.text


def test_french_is_one_code_page():
    sent = ticket(one_line("Hémoglobine glyquée, œdème : 5 µg, 37,5 °C"), T20)
    assert sent.count(b"\x1bt") == 1
    assert sent.endswith(b"\x1bt\x10" + "émoglobine glyquée, œdème : 5 µg, 37,5 °C".encode("cp1252")
        + b"\n\x1dVB\x00")  # fmt: skip


def test_a_centred_line_is_centred_by_the_printer():
    lines = Line((Run(clean("x")),), centred=True), Line((Run(clean("y")),))
    assert ticket((lines,), T20).startswith(b"\x1bR\x00\x1ba\x01x\n\x1ba\x00y\n")


def test_a_printer_is_told_its_code_page_once():
    page = (*one_line("é")[0], *one_line("è")[0])
    assert ticket((page, page), T20).count(b"\x1bt") == 1


def test_a_page_is_kept_while_it_has_the_letter():
    sent = ticket(one_line("β-hCG éβé"), T20)
    # β from 737; é is on 1252, then β on 737 again: three switches, none for the ASCII between.
    assert [part[0] for part in sent.split(b"\x1bt")[1:]] == [14, 16, 14, 16]


def test_ascii_is_american_whatever_the_printer_was_set_to():
    assert ticket(one_line("a#b"), T20).startswith(b"\x1bR\x00a#b")


def test_ideographs_are_switched_off_where_a_model_reads_them():
    assert ticket(one_line("é"), load("Xprinter")).startswith(b"\x1bR\x00\x1c.\x1bt\x10")
    assert b"\x1c." not in ticket(one_line("é"), T20)


def test_a_line_no_code_page_holds_is_drawn_and_its_neighbours_are_not(walk):
    paper = printed(walk, Text(text="avant"), Text(text="pH ≠ 7"), Text(text="après"))
    assert [getattr(item, "text", "drawn") for item in paper.items] == ["avant", "drawn", "après"]
    (strip,) = paper.strips
    assert (strip.width, strip.rows) == (72, 30)
    assert any(strip.data)


def test_no_character_becomes_a_question_mark(walk):
    paper = printed(walk, Text(text="→ ↑ ↓ ≠ ☐ ✓ ⁹ ₂ 日 🧪"))
    assert "?" not in paper.text


def test_what_cannot_be_drawn_is_readable_as_code_points(walk):
    assert printed(walk, Text(text="山田 Tarō")).strips
    assert printed(walk, Text(text="山田")).text == "[U+5C71 7530]"


def test_styles_are_set_and_taken_back():
    assert ticket(one_line("x", Style(bold=True, inverse=True, large=True)), T20) == (
        b"\x1bR\x00" b"\x1d!\x11\x1bE\x01\x1dB\x01" b"x\n" b"\x1d!\x00\x1bE\x00\x1dB\x00" b"\x1dVB\x00"
    )  # fmt: skip


def test_a_critical_row_is_white_on_black_from_edge_to_edge(walk):
    row = Row(name="Potassium", value="6,9", mark="HH", tone=Tone.CRITICAL)
    (line,) = printed(walk, row).items
    assert [style for style, _ in line.styles] == ["BI"]
    assert line.columns == 48


def test_each_page_is_cut_off(walk):
    page = one_line("x")[0]
    assert len(walk(ticket((page, page, page), T20))) == 3


def test_paper_without_a_blade_is_fed_past_the_tear_bar():
    assert ticket(one_line("x"), load("POS-5890")).endswith(b"x\n\x1bd\x04")


def test_a_code_is_a_bar_code_where_it_fits(walk):
    symbol = printed(walk, Code(data="HEX-CARD-0042")).items[0]
    assert (symbol.kind, symbol.data) == ("code128", b"{BHEX-CARD-0042")


def test_a_code_too_wide_for_bars_is_a_qr_code(walk):
    symbol = printed(walk, Code(data="X" * 30)).items[0]
    assert (symbol.kind, symbol.data) == ("qr", b"X" * 30)


def test_a_printer_without_symbols_gets_its_code_drawn(walk):
    paper = printed(walk, Code(data="HEX-0042"), model=load("POS-5890"))
    assert sum(strip.rows for strip in paper.strips) == (21 + 8) * 6
    assert all(strip.rows % 48 for strip in paper.strips)
    assert paper.lines == ["HEX-0042"]


def test_a_symbol_leaves_no_style_behind(walk):
    pages = ((*one_line("x", Style(bold=True))[0], Symbol("A"), *one_line("y")[0]),)
    (paper,) = walk(ticket(pages, T20))
    assert [getattr(item, "styles", "symbol") for item in paper.items] == [
        [("B", "x")],
        "symbol",
        [("", "y")],
    ]
