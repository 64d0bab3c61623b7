import re

import pypdfium2
import pytest

from gateway.render import render
from printers.pages import Unset, set_page
from printers.slip import (
    Banner,
    Code,
    Columns,
    Enclosure,
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
from tests.unit.render.samples import context, group, message, patient, potassium

TITLES = Columns(
    name="Examen", value="Résultat", unit="Unité", reference="Référence", mark="Signal"
)


def slip(*body, **fields):
    header = (
        Banner(text="MODE DÉGRADÉ"),
        Heading(text="Cardiologie", role=Role.WARD),
        Heading(text="n° 0042", role=Role.NUMBER),
        Text(text="Hôpital Exemple", role=Role.SITE),
        Rule(),
        Heading(text="DURAND", role=Role.FAMILY),
        Heading(text="Noémie", role=Role.GIVEN),
        Pair(label="IPP", value="69102274", tone=Tone.STRONG),
    )
    given = {"header": header, "columns": TITLES, "running": "DURAND Noémie · IPP 69102274"}
    return Slip(**{**given, "body": body, **fields})


def pages(pdf):
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]
    finally:
        document.close()


def words(text):
    """As a person reads it: no-break spaces are spaces, and a line's end is one too."""
    return " ".join(text.replace("\u200b", "").split())


@pytest.mark.parametrize("form", list(Form))
def test_every_form_says_every_block(form):
    body = (
        Pair(label="Reçu le", value="03/08/2026"),
        Text(text="Bilan métabolique", role=Role.TITLE),
        Row(name="Potassium", value="6,8", previous="4,1", unit="mmol/L", reference="3,5-5,1"),
        Row(name="Sodium", value="138", mark="H", status="PROVISOIRE", tone=Tone.CRITICAL),
        Text(text="Note : hémolyse ≥ 10⁹ → γ", indent=2),
        Space(),
        Rule(),
        Banner(text="DOCUMENT"),
    )
    footer = (Code(data="402173", caption="4021-73"), Text(text="Lu par"))
    (page,) = pages(set_page(slip(*body, footer=footer, form=form)))
    said = words(page)
    for text in (
        "Cardiologie",
        "n° 0042",
        "Hôpital Exemple",
        "DURAND Noémie",
        "69102274",
        "MODE DÉGRADÉ",
        "Reçu le",
        "Bilan métabolique",
        "4,1 → 6,8",
        "mmol/L",
        "3,5-5,1",
        "PROVISOIRE",
        "Note : hémolyse ≥ 10⁹ → γ",
        "DOCUMENT",
        "4021-73",
        "Lu par",
        "page 1/1",
    ):
        assert text in said, text


def test_every_sheet_says_who_it_is_about_and_which_of_how_many_it_is():
    rows = [Row(name=f"Analyte {n}", value=str(n)) for n in range(120)]
    found = pages(set_page(slip(*rows)))
    assert len(found) > 1
    for number, page in enumerate(found, start=1):
        assert f"page {number}/{len(found)}" in page
        assert "DURAND Noémie · IPP 69102274" in page
        assert "MODE DÉGRADÉ" in page
        assert "Résultat" in page
    assert "Analyte 119" in found[-1]


HOSTILE = (
    '#eval("1+1") #sys.inputs',
    "$x^2$ *gras* _italique_ = Titre <label> @ref",
    '\\u{41} \\ #import("/etc/passwd") //comment /* */',
    '"), evil("',
    "\x1b@\x10\x14\x08 \u202eDNAROR\u202c \x00 \ufeff",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_message_is_markup(text):
    from printers.glyphs import spell
    from printers.text import visible

    body = (Row(name=text, value=text), Text(text=text), Pair(label=text, value=text))
    (page,) = pages(set_page(slip(*body, running=text)))
    assert words(page).count(words(spell(visible(text)))) >= 4


def test_an_enclosed_text_stands_on_the_sheet_and_an_undrawn_picture_is_said():
    letter = Enclosure(title="Courrier", media_type="text/plain", data="Chère équipe".encode())
    scan = Enclosure(title="ECG", media_type="application/pdf", data=b"%PDF")
    (page,) = pages(set_page(slip(letter, scan, undrawn="NON IMPRIMÉ : {title}")))
    assert "Chère équipe" in page
    assert "NON IMPRIMÉ : ECG" in page


def test_a_hospital_s_own_template_stands_before_ours(tmp_path):
    (tmp_path / "result.typ").write_text('#import "sheet.typ": data\nChez nous: #data.running')
    (page,) = pages(set_page(slip(form=Form.RESULT), templates=tmp_path))
    assert words(page) == "Chez nous: DURAND Noémie · IPP 69102274"


def test_a_template_at_fault_is_named(tmp_path):
    (tmp_path / "result.typ").write_text("#let x = \n#unknown()")
    with pytest.raises(Unset, match=r"result\.typ"):
        set_page(slip(form=Form.RESULT), templates=tmp_path)


def test_no_word_however_long_leaves_the_page_or_its_column():
    wide = "W" * 90
    body = (
        Row(name=wide, value=wide, unit=wide, reference=wide, mark=wide, previous=wide),
        Row(name="K", value="12345678901", unit="WWWWWWWWW", history=(wide, "8888 HH")),
        Pair(label=wide, value=wide),
        Text(text=wide, indent=60, role=Role.TITLE),
        Banner(text=wide, size=2),
    )
    made = set_page(slip(*body, history=("1", "2"), running=wide, footer=(Text(text=wide),)))
    document = pypdfium2.PdfDocument(made)
    try:
        for page in document:
            text = page.get_textpage()
            boxes = [text.get_charbox(index) for index in range(text.count_chars())]
            assert all(left >= 40 and right <= 556 for left, _, right, _ in boxes if right > left)
            assert all(bottom >= 10 and top <= 835 for _, bottom, _, top in boxes if top > bottom)
    finally:
        document.close()


def test_a_number_is_never_broken_in_two():
    (page,) = pages(set_page(slip(Row(name="Plaquettes", value="123456789012345", unit="/L"))))
    assert "123456789012345" in page.replace("\u200b", "")


@pytest.mark.parametrize("rows", [1, 2, 7, 90])
@pytest.mark.parametrize("form", [Form.RESULT, Form.PACK])
def test_on_a_sheet_about_several_no_page_shows_a_value_without_a_name(form, rows):
    body = []
    for n in range(30):
        body += [Rule(), Text(text=f"Personne{n}.\nIPP {n}", role=Role.PERSON, tone=Tone.STRONG)]
        body += [Text(text="Reçu le 3 août"), Text(text="Bilan", tone=Tone.STRONG)]
        body += [Row(name="Potassium", value=f"V{n}.") for _ in range(rows if n < 8 else 1)]
    found = pages(set_page(slip(*body, form=form, running="")))

    assert len(found) > 2
    for page in found:
        shown = {value[1:] for value in re.findall(r"V[0-9]+\.", page)}
        named = {name[len("Personne") :] for name in re.findall(r"Personne[0-9]+\.", page)}
        assert shown <= named
        begun = re.findall(r"→ Personne[0-9]+\.", page)
        assert len(begun) <= 1


def test_a_page_that_begins_with_somebody_does_not_go_on_about_the_one_before():
    body = []
    for n in range(3):
        body += [Rule(), Text(text=f"Personne{n}.", role=Role.PERSON)]
        body += [Row(name="Potassium", value=f"V{n}.") for _ in range(38 if n == 0 else 1)]
    found = [page for page in pages(set_page(slip(*body, form=Form.RESULT))) if "→" in page]

    assert all("V0." in page or "V1." in page for page in found)


def test_a_long_name_at_the_top_leaves_room_for_the_numbers():
    long = patient(family="DE LA ROCHEFOUCAULD " * 6, given="Marie " * 8, birth_name="X" * 110)
    found = pages(set_page(render(message(group(*[potassium()] * 90), patient=long), context())))

    assert len(found) > 1
    for page in found:
        assert "IPP 69102274 · NDA 4071787" in words(page)
        assert "14/02/1961" in page


def test_the_census_of_a_pack_keeps_its_columns_whatever_the_names():
    people = [
        Pair(label=f"2{n}", value=f"{'NOM ' * 25}\nNé(e) le 1/1/1950\nIPP {n}.") for n in range(9)
    ]
    (first, *rest) = pages(set_page(slip(*people, form=Form.PACK)))

    assert not rest
    assert "Né(e) le 1/1/1950 · IPP 8." in words(first)
