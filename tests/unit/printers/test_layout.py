import re
from collections import Counter
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.columns import width
from printers.glyphs import spell
from printers.layout import Limits, lay_out
from printers.line import Line, Symbol
from printers.slip import (
    Banner,
    Code,
    Enclosure,
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
from printers.text import clean, lines
from printers.typeset import several_lines

WIDTHS = (64, 48, 42, 32, 24)
WORD = st.text(
    st.sampled_from("abéç 0123,5<>≥-/%µ日\x00\x1b\n\u0301") | st.characters(exclude_categories=()),
    max_size=60,
)
TONE = st.sampled_from(list(Tone))
ROW = st.builds(
    Row,
    name=WORD,
    value=WORD,
    unit=WORD,
    reference=WORD,
    mark=WORD,
    previous=WORD,
    status=WORD,
    tone=TONE,
)
BLOCK = (
    st.builds(Heading, text=WORD, size=st.sampled_from([1, 2]))
    | st.builds(Banner, text=WORD, size=st.sampled_from([1, 2]))
    | st.builds(Pair, label=WORD, value=WORD, tone=TONE)
    | st.builds(Text, text=WORD, tone=TONE, indent=st.integers(0, 60), centred=st.booleans())
    | ROW
    | st.builds(Code, data=WORD, caption=WORD)
    | st.just(Rule())
    | st.just(Space())
)
BLOCKS = st.lists(BLOCK, max_size=8).map(tuple)
SLIP = st.builds(Slip, header=BLOCKS, body=BLOCKS, footer=BLOCKS)


def said(slip):
    """Every visible character the blocks of a slip hold, in no order."""
    found = Counter()
    for block in (*slip.header, *slip.body, *slip.footer):
        match block:
            case Row():
                several = (block.value, block.previous)
                one = (block.name, block.unit, block.reference, block.mark, block.status)
            case Pair():
                several, one = (block.value,), (block.label,)
            case Code():
                several, one = (), (block.caption or block.data,)
            case Heading() | Banner() | Text():
                several, one = (block.text,), ()
            case _:
                several, one = (), ()
        cleaned = [*map(clean, one), *(line for text in several for line in lines(text))]
        for text in cleaned:
            found += Counter(spell(text).replace(" ", ""))
    return found


def printed(pages):
    return Counter(
        "".join(line.text for page in pages for line in page if isinstance(line, Line)).replace(
            " ", ""
        )
    )


def taken(line):
    return sum(width(run.text) * (2 if run.style.large else 1) for run in line.runs)


def texts(slip, columns=48):
    return [
        line.text.rstrip() for page in lay_out(slip, columns) for line in page if type(line) is Line
    ]


def of(*body):
    return Slip(header=(), body=body)


@given(SLIP, st.sampled_from(WIDTHS))
def test_nothing_of_a_slip_is_lost(slip, columns):
    missing = said(slip) - printed(lay_out(slip, columns))
    assert not missing


@given(SLIP, st.sampled_from(WIDTHS))
def test_nothing_is_wider_than_the_paper(slip, columns):
    for page in lay_out(slip, columns):
        for line in page:
            assert isinstance(line, Symbol) or taken(line) <= columns


@given(ROW, st.sampled_from(WIDTHS))
def test_a_critical_row_is_black_from_edge_to_edge(row, columns):
    row = Row(name=row.name, value=row.value, unit=row.unit, tone=Tone.CRITICAL)
    for line in lay_out(of(row), columns)[0]:
        assert taken(line) == columns
        assert all(run.style.inverse for run in line.runs)


POTASSIUM = Row(name="Potassium", value="6,9", unit="mmol/L", reference="3,5 - 5,1", mark="HH")
SODIUM = Row(name="Sodium", value="138", unit="mmol/L", reference="136 - 145")


@pytest.mark.parametrize("columns", [48, 42])
def test_rows_stand_in_columns(columns):
    sodium, potassium = texts(of(SODIUM, POTASSIUM), columns)
    assert potassium.split() == ["Potassium", "6,9", "mmol/L", "3,5", "-", "5,1", "HH"]
    assert sodium.index("mmol/L") == potassium.index("mmol/L")
    assert sodium.index("136") == potassium.index("3,5")
    assert sodium.index("138") == potassium.index("6,9")
    assert len(potassium) == columns


def test_a_name_keeps_room_for_a_word_however_wide_the_rest():
    wide = Row(
        name="Hémoglobine", value="< 10,000", unit="mmol/24 h", reference="10,0 - 20,0", mark="HH"
    )
    assert texts(of(wide), 42)[0].startswith("Hémoglobine ")


def test_rows_share_their_columns_whatever_stands_between():
    sodium, _, potassium = texts(of(SODIUM, Text(text="hémolysé"), POTASSIUM))
    assert sodium.index("mmol/L") == potassium.index("mmol/L")


def test_narrow_paper_puts_unit_and_reference_below():
    assert texts(of(POTASSIUM), 32) == [
        "Potassium                 6,9 HH",
        "  mmol/L  (3,5 - 5,1)",
    ]
    assert texts(of(Row(name="INR", value="1,2")), 32) == ["INR                          1,2"]


def test_a_long_name_wraps_beside_its_value():
    first, second = texts(
        of(POTASSIUM, Row(name="Créatinine plasmatique enzymatique", value="98"))
    )[1:]
    assert first.split() == ["Créatinine", "plasmatique", "98"]
    assert second == "enzymatique"


def test_a_name_in_one_long_word_stands_above_its_value():
    row = Row(name="Immunoglobulinesmonoclonales", value="9", unit="mmol/L", reference="1 - 2")
    above, below = texts(of(POTASSIUM, row))[1:]
    assert above == "Immunoglobulinesmonoclonales"
    assert below.split() == ["9", "mmol/L", "1", "-", "2"]


def test_a_unit_wider_than_its_column_takes_the_reference_s():
    row = Row(name="DFG", value="48", unit="mL/min/1,73 m²", reference="≥ 90", mark="L")
    first, second = texts(of(POTASSIUM, row))[1:]
    assert first.split() == ["DFG", "48", "mL/min/1,73", "m²", "L"]
    assert second.strip() == "(≥ 90)"
    assert first.index("mL") == second.index("(")


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_value_is_never_broken_while_a_line_can_hold_it(columns):
    value = "1234567890123456789012345678901234567890"[: columns - 4]
    row = Row(name="x", value=value, unit="unités", reference="0-1", mark="H")
    assert any(value in line for line in texts(of(row), columns))


def test_a_long_answer_runs_below_its_name():
    row = Row(name="Culture", value="Absence de germes pathogènes après 48 heures d'incubation")
    assert texts(of(row)) == [
        "Culture",
        "  Absence de germes pathogènes après 48 heures",
        "  d'incubation",
    ]


def test_a_correction_shows_both_values_in_text_mode():
    row = Row(name="K", value="6,8", previous="4,1", unit="mmol/L", status="CORRIGÉ")
    first = texts(of(row))[0]
    assert "4,1 -> 6,8 mmol/L" in first
    assert "CORRIGÉ" in " ".join(texts(of(row)))


def test_an_abnormal_row_is_bold_with_its_mark_at_the_edge():
    row = Row(name="Hb", value="9,2", unit="g/dL", mark="L", tone=Tone.ABNORMAL)
    (line,) = lay_out(of(row), 48)[0]
    assert line.text.endswith("L")
    assert all(run.style.bold for run in line.runs)


def test_a_value_of_several_lines_stays_in_its_column():
    row = Row(name="Germe", value="4,0\nPOTASSIUM")
    assert texts(of(row)) == ["Germe" + " " * 40 + "4,0", " " * 39 + "POTASSIUM"]


def test_pairs_begin_their_values_in_one_column():
    found = texts(of(Pair(label="IPP", value="62102878"), Pair(label="Patient", value="MARTIN")))
    assert found == ["IPP      62102878", "Patient  MARTIN"]


def test_the_value_of_a_pair_wraps_under_itself():
    found = texts(of(Pair(label="Nom", value="LEFÈBVRE ŒUVRARD DE LA TOUR DU PIN")), 32)
    assert found == ["Nom  LEFÈBVRE ŒUVRARD DE LA TOUR", "     DU PIN"]


def test_a_label_too_long_stands_above_its_value():
    found = texts(of(Pair(label="Médecin prescripteur de garde", value="Dr X")), 32)
    assert found == ["Médecin prescripteur de garde", "  Dr X"]


def test_a_banner_is_black_across_the_paper():
    for size in (1, 2):
        (line,) = lay_out(of(Banner(text="CRITIQUE", size=size)), 48)[0]
        assert taken(line) == 48
        assert line.height == size


def test_running_text_keeps_its_lines_and_its_tables():
    found = texts(of(Text(text="  Oxacilline     R\n  Vancomycine    S", indent=2)))
    assert found == ["    Oxacilline     R", "    Vancomycine    S"]


def test_a_code_stands_over_its_caption():
    symbol, caption = lay_out(of(Code(data="HEX-0042", caption="n° 0042")), 48)[0]
    assert symbol == Symbol("HEX-0042")
    assert caption.text == "n° 0042"


def test_what_no_code_can_hold_is_printed_as_text():
    (line,) = lay_out(of(Code(data="é")), 48)[0]
    assert line.text == "é"


HEADER = (Heading(text="CARDIOLOGIE"), Pair(label="IPP", value="62102878"))
FOOTER = (Text(text="Accusez réception"),)


def numbered(count, left_out="{lines} lignes manquent"):
    rows = tuple(Row(name=f"Analyse {number}", value=str(number)) for number in range(count))
    return Slip(header=HEADER, body=rows, footer=FOOTER, left_out=left_out)


def heights(pages):
    return [sum(line.height for line in page) for page in pages]


def page_texts(page):
    return [line.text.strip() for line in page]


def test_a_slip_that_fits_is_one_page_without_a_number():
    (page,) = lay_out(numbered(116), 48)  # 2 + 1 of header, 1 of footer
    assert heights([page]) == [120]
    assert not any("page" in text for text in page_texts(page))


def test_a_longer_slip_repeats_its_header_and_counts_its_pages():
    pages = lay_out(numbered(300), 48)
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert page_texts(page)[:3] == ["CARDIOLOGIE", "IPP  62102878", f"page {number}/3"]
        assert page_texts(page)[-1] == f"page {number}/3"
    assert [("Accusez réception" in page_texts(page)) for page in pages] == [False, False, True]
    assert max(heights(pages)) <= 120


@given(st.integers(0, 400), st.integers(1, 4))
def test_rows_follow_one_another_over_the_pages(count, lines_each):
    rows = tuple(Text(text="\n".join([f"n{number}"] * lines_each)) for number in range(count))
    pages = lay_out(Slip(header=HEADER, body=rows, footer=FOOTER), 48, limits=Limits(pages=99))
    found = [text for page in pages for text in page_texts(page) if text.startswith("n")]
    assert found == [f"n{number}" for number in range(count) for _ in range(lines_each)]
    assert max(heights(pages)) <= 120


def test_a_block_is_not_torn_between_two_pages():
    body = tuple(Text(text=f"a{number}\nb{number}\nc{number}") for number in range(60))
    for page in lay_out(Slip(header=HEADER, body=body), 48):
        found = [text for text in page_texts(page) if text[0] in "abc"]
        assert len(found) % 3 == 0


def test_a_block_longer_than_a_page_runs_on():
    body = (Text(text="\n".join(f"n{number}" for number in range(500))),)
    pages = lay_out(Slip(header=HEADER, body=body), 48)
    found = [text for page in pages for text in page_texts(page) if text.startswith("n")]
    assert found == [f"n{number}" for number in range(500)]


def test_a_slip_past_the_longest_says_at_both_ends_what_is_missing():
    pages = lay_out(numbered(5000), 48)
    assert len(pages) == 12
    shown = sum(text.startswith("Analyse") for page in pages for text in page_texts(page))
    notice = f"{5000 - shown} lignes manquent"
    assert page_texts(pages[0])[3] == notice
    assert page_texts(pages[-1])[-3:] == [notice, "Accusez réception", "page 12/12"]
    assert max(heights(pages)) <= 120
    assert f"Analyse {shown - 1}" in " ".join(page_texts(pages[-1]))


def test_a_text_longer_than_any_paper_says_so_and_costs_no_more():
    pages = lay_out(of(Text(text="hémolysé " * 200_000)), 48)
    assert len(pages) == 12
    assert "NOT PRINTED" in page_texts(pages[0])[1]
    many = tuple(Text(text="hémolysé " * 1000) for _ in range(1000))
    started = process_time()
    pages = lay_out(of(*many), 48)
    assert process_time() - started < 1  # 9 MB
    missing = int(re.search("([0-9]+) LINES", page_texts(pages[-1])[-2])[1])
    assert 180_000 < missing < 220_000  # 5 words a line


def test_what_is_reckoned_past_the_paper_is_never_left_out_in_silence():
    blank = Text(text=" " * 100_000)  # prints as one empty line
    (page,) = lay_out(of(blank, blank, POTASSIUM), 48)
    assert "INCOMPLETE: 1 LINES NOT PRINTED" in page_texts(page)


def test_a_value_longer_than_any_paper_counts_what_it_left_out():
    (line,) = several_lines("x" * 100_500)
    assert line.endswith("x [+500]")


def test_a_slip_is_cut_at_its_last_allowed_page():
    pages = lay_out(numbered(300), 48, limits=Limits(pages=2))
    assert len(pages) == 2
    assert "lignes manquent" in page_texts(pages[0])[3]


def test_the_footer_never_stands_on_a_page_of_its_own_after_small_blocks():
    room = 120 - 3 - 2  # header and page numbers
    pages = lay_out(numbered(2 * room), 48)
    assert len(pages) == 3
    assert any(text.startswith("Analyse") for text in page_texts(pages[-1]))


def test_a_header_of_any_length_leaves_room_for_the_results():
    huge = Pair(label="Patient", value="MARTIN " * 2000)
    pages = lay_out(Slip(header=(huge,), body=(POTASSIUM,), footer=(huge,)), 48)
    assert max(heights(pages)) <= 120
    found = " ".join(text for page in pages for text in page_texts(page))
    assert "Potassium" in found


def test_braces_in_a_slip_are_only_braces():
    slip = numbered(5000, left_out="{lines} {0} {lines.__class__}")
    assert "{0} {lines.__class__}" in page_texts(lay_out(slip, 48)[0])[3]


def test_an_enclosed_text_stands_under_its_title_indented_like_no_value_of_ours():
    letter = Enclosure(
        title="Courrier", media_type="text/plain", data="Chère équipe,\n\x1b@K 6,8".encode()
    )
    (page,) = lay_out(Slip(header=(), body=(letter,)), 48)
    assert [line.text for line in page[1:]] == ["Courrier", "  Chère équipe,", "  ·@K 6,8"]


def test_an_enclosure_nobody_drew_is_said_by_its_title():
    scan = Enclosure(title="ECG", media_type="application/pdf", data=b"%PDF")
    slip = Slip(header=(), body=(scan,), undrawn="NON IMPRIMÉ : {title}")
    (page,) = lay_out(slip, 48)
    assert page[-1].text == "NON IMPRIMÉ : ECG"


# -- paper about several people


def several(counts):
    """People, each with so many rows; a row's value says whose it is."""
    body = []
    for n, count in enumerate(counts):
        body += [Rule(), Text(text=f"Person{n} born long ago\nIPP {n}", role=Role.PERSON)]
        body += [Row(name=f"Analyte {k}", value=f"V{n}") for k in range(count)]
    return Slip(header=HEADER, body=tuple(body), footer=FOOTER)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(16, 40))
def test_no_page_shows_a_value_without_saying_above_it_whose_it_is(counts, lines_each):
    slip = several(counts)
    pages = [page_texts(p) for p in lay_out(slip, 48, limits=Limits(page=lines_each, pages=99))]

    for page in pages:
        owner = None
        for line in page:
            if found := re.search("Person([0-9]+)", line):
                owner = found[1]
            if value := re.search("V([0-9]+)", line):
                assert value[1] == owner
    found = Counter(re.findall(r"\bV[0-9]+", "\n".join(line for page in pages for line in page)))
    assert found == {f"V{n}": count for n, count in enumerate(counts) if count}


def test_who_stands_there_again_is_no_line_of_the_slip():
    """What is missing of a slip that is cut is counted without them."""
    slip = several([200])
    pages = lay_out(slip, 48, limits=Limits(page=20, pages=2))

    texts = [line for page in pages for line in page_texts(page)]
    missing = int(re.search("INCOMPLETE: ([0-9]+) LINES", "\n".join(texts))[1])
    assert missing == 200 - sum("V0" in line for line in texts)
