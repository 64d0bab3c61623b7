"""What Wardline writes itself on a fax: a cover that tells a stranger nothing, and the page of a test."""

from __future__ import annotations

import dataclasses

from gateway.fax import pages
from gateway.fax.pages import From, Part, To, cover
from printers.slip import Banner, Code, Enclosure, Heading, Pair, Role, Row, Slip, Text

SENDER = From(site="Hôpital Exemple", code="HEX", phone="4242")
TO = To(ward="Cardiologie", number="0155501001")
AT = 1_722_675_600.0
SHEET = Slip(
    header=(
        Banner(text="DUPLICATA POSSIBLE"),
        Heading(text="Cardiologie", role=Role.WARD),
        Heading(text="n° 0042", role=Role.NUMBER),
        Heading(text="LEFÈBVRE", role=Role.FAMILY),
        Heading(text="Éloïse", role=Role.GIVEN),
        Pair(label="IPP", value="69102274"),
    ),
    body=(
        Row(name="Potassium", value="6,8"),
        Text(text="LEFÈBVRE"),
        Enclosure(title="LEFÈBVRE.pdf", media_type="application/pdf", data=b"x"),
    ),
    footer=(Code(data="4711"),),
    running="LEFÈBVRE Éloïse 22/04/1953",
)


def words(slip):
    blocks = (*slip.header, *slip.body, *slip.footer)
    fields = (dataclasses.asdict(block).values() for block in blocks)
    return " ".join([slip.running, *(str(value) for each in fields for value in each)])


def test_a_cover_says_where_it_goes_and_nothing_of_the_patient():
    said = words(cover(Part(first=1, last=2, of=2), SHEET, sender=SENDER, to=TO, at=AT))

    for word in ("Cardiologie", "n° 0042", "DUPLICATA POSSIBLE", "0155501001", "4242", "2 autres"):
        assert word in said
    for secret in ("LEFÈBVRE", "Éloïse", "69102274", "Potassium", "6,8", "4711", "1953"):
        assert secret not in said
    assert "SUITE" not in said


def test_a_cover_of_the_rest_says_which_pages_and_what_may_have_come_before():
    said = words(cover(Part(first=3, last=5, of=5, begun=True), SHEET, sender=SENDER, to=TO, at=AT))

    assert "SUITE" in said
    assert "pages 3 à 5 sur 5" in said
    assert "la page 3 a pu arriver en partie" in said


def test_a_test_page_shows_its_code_and_whom_to_call():
    said = words(pages.test_page("471108", sender=SENDER, to=TO, at=AT))

    assert "471108" in said
    assert "4242" in said
    assert "ESSAI DE FAX" in said


def test_the_cover_is_in_the_sites_language():
    english = dataclasses.replace(SENDER, language="en")
    said = words(cover(Part(first=2, last=2, of=2), SHEET, sender=english, to=TO, at=AT))

    assert "CONTINUED" in said
    assert "this one and 1 more" in said


def test_a_page_without_a_code_asks_for_nothing():
    said = words(pages.test_page("", sender=SENDER, to=TO, at=AT))

    assert "Rien à faire" in said
    assert "dire ce code" not in said
