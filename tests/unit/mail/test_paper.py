"""A mail on paper: who, how sure, what, and what is not there."""

from __future__ import annotations

import pytest

from gateway.mail.envelope import Envelope
from gateway.mail.letter import Enclosed, LeftOut, Letter
from gateway.mail.origin import Grade
from gateway.mail.paper import paper
from gateway.message import Kind, Message
from gateway.render import Outlet
from printers.layout import lay_out
from printers.slip import Enclosure
from tests.unit.render.samples import banners, context, text

MESSAGE = Message(control_id="1@x", sender="mail|labo@x", type="MAIL", kind=Kind.DOCUMENT)


def printed(letter=None, grade=Grade.A, **fields):
    envelope = Envelope(
        sender="labo@chu.example",
        recipient="card@p.example",
        grade=grade,
        grounds="login",
        proof="labo",
    )
    read = letter or Letter(sender="Labo <labo@chu.example>", subject="Objet", text="Bonjour")
    return paper(read, envelope, MESSAGE, context(**fields))


def test_it_says_who_sent_it_and_how_that_is_known():
    slip = printed()
    for said in (
        "Labo <labo@chu.example>",
        "A: expéditeur vérifié (identifiant labo)",
        "card@p.example",
        "Objet",
    ):
        assert said in text(slip)
    assert "EXPÉDITEUR NON VÉRIFIÉ" not in text(slip)
    assert "EXPÉDITEUR NON VÉRIFIÉ" in banners(printed(grade=Grade.C))


def test_who_handed_it_in_is_named_where_it_is_another():
    assert "Remis par" not in text(printed())
    assert "Remis par labo@chu.example" in text(printed(Letter(sender="chef@chu.example")))


@pytest.mark.parametrize("body", ["ligne\n" * 5000, "x" * 100_000, "\n" * 3000 + "fin"])
def test_what_does_not_fit_is_counted(body):
    slip = printed(Letter(sender="a@b", text=body))
    assert len(lay_out(slip, 48)) < 600
    (more,) = [b for b in banners(slip) if b.startswith("SUITE : ")]
    assert int(more.split()[2]) > 20


def test_lines_left_out_when_it_was_read_are_counted_too():
    slip = printed(Letter(sender="a@b", text="x", lines_left_out=7))
    assert any("SUITE : 7 lignes" in b for b in banners(slip))


def test_what_came_with_it_stands_below_and_what_did_not_is_named():
    read = Letter(
        sender="a@b",
        enclosed=(
            Enclosed(
                title="cr.pdf", media_type="application/pdf", data=b"%PDF", pages=30, left_out=2
            ),
        ),
        left_out=(LeftOut(title="", what="archive", reason="It has no page."),),
        hl7=(b"MSH|",),
    )
    slip = printed(read)
    (enclosure,) = [b for b in slip.body if isinstance(b, Enclosure)]
    assert (enclosure.title, enclosure.data) == ("cr.pdf", b"%PDF")
    for said in (
        "cr.pdf (PDF, 30 pages)",
        "SUITE : 2 pages",
        "(sans nom): archive. Il n'a aucune page.",
        "Repris comme résultats",
    ):
        assert said in text(slip)
    assert "dont l'expéditeur n'est pas vérifié" in text(printed(read, grade=Grade.C))


def test_a_mail_that_cannot_be_read_says_so():
    slip = printed(Letter(sender="a@b", subject="Objet", fault="Reading it failed."))
    assert "COURRIEL ILLISIBLE" in banners(slip)
    assert "La lecture a échoué" in text(slip)


def test_elsewhere_it_says_where_to_carry_it():
    assert "COURSIER" in banners(printed(outlet=Outlet.COURIER))
    assert "SERVICE INCONNU" in " ".join(banners(printed(outlet=Outlet.LAB)))
