import pytest

from gateway.message import Kind, Priority
from gateway.render import earlier_values, order, render
from printers.slip import Banner
from tests.unit.render.samples import banners, context, message, pairs, printed, text
from tests.unit.render.samples import order as an_order


def said(asked, **circumstances):
    return text(render(asked, context(**circumstances)))


@pytest.mark.parametrize(
    ("control", "french", "english"),
    [
        ("NW", "NOUVELLE DEMANDE", "NEW ORDER"),
        ("CA", "ANNULATION", "CANCELLATION"),
        ("DC", "DEMANDE ARRÊTÉE", "ORDER STOPPED"),
        ("XO", "DEMANDE MODIFIÉE", "ORDER CHANGED"),
        ("SC", "CHANGEMENT DE STATUT", "STATUS CHANGED"),
        ("ZZ", "DEMANDE (ZZ)", "ORDER (ZZ)"),
        ("", "DEMANDE", "ORDER"),
    ],
)
def test_it_says_what_it_does_to_its_order(control, french, english):
    assert french in banners(render(an_order(control), context()))
    assert english in banners(render(an_order(control), context(language="en")))


def test_a_cancellation_is_loud():
    assert Banner(text="ANNULATION", size=2) in render(an_order("CA"), context()).header


def test_it_says_what_is_asked_by_whom_for_when_and_how_urgently():
    asked = an_order(
        requester="Guérin Édouard",
        requester_phone="4711",
        wanted_at="202608031400",
        specimen="Sang",
        priority=Priority.URGENT,
        priority_text="S",
        notes=("sous héparine",),
    )
    found = render(asked, context())
    words = text(found)
    assert "Bilan métabolique (24323-8)" in words
    assert pairs(found)["Demandeur"] == "Guérin Édouard, 4711"
    assert pairs(found)["Pour le"] == "03/08/2026 14:00"
    assert pairs(found)["Prélèvement"] == "Sang"
    assert pairs(found)["Demande"] == "7360739"
    assert "URGENT (S)" in words
    assert "Note : sous héparine" in words


def test_an_urgent_message_is_announced():
    asked = message(*an_order().groups, kind=Kind.ORDER, priority=Priority.URGENT)
    assert "URGENT" in banners(order(asked, context()))


def test_a_cancellation_recalls_the_slip_of_its_order():
    earlier = earlier_values([printed(an_order("NW"), slip=12)])
    words = text(render(an_order("CA"), context(), corrections=earlier))
    assert "Annule la fiche n° 0012 du 03/08 09:02" in words


def test_a_change_names_the_slip_it_concerns():
    earlier = earlier_values([printed(an_order("NW"), slip=12)])
    words = text(render(an_order("XO"), context(), corrections=earlier))
    assert "Concerne la fiche n° 0012" in words


def test_a_cancellation_of_what_was_never_printed_says_so():
    earlier = earlier_values([printed(an_order("NW"), slip=None)])
    never = "La demande concernée n'est sortie sur aucune fiche ici."
    assert never in text(render(an_order("CA"), context(), corrections=earlier))
    assert never in said(an_order("CA"))


def test_a_new_order_concerns_nothing_before_it():
    assert "aucune fiche" not in said(an_order("NW"))


def test_a_message_that_asks_nothing_says_so():
    assert "Ce message ne demande rien." in said(message(kind=Kind.ORDER))


def test_orders_with_different_controls_each_say_theirs():
    mixed = message(*an_order("NW").groups, *an_order("CA").groups, kind=Kind.ORDER)
    words = said(mixed)
    assert words.count("NOUVELLE DEMANDE") == 2
    assert words.count("ANNULATION") == 2
