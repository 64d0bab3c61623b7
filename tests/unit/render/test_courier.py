import pytest

from gateway.message import Kind, Location
from gateway.render import Outlet, courier, render, unroutable
from tests.unit.render.samples import (
    banners,
    context,
    observation,
    order,
    pairs,
    potassium,
    result,
    rows,
    text,
)


def carried(**circumstances):
    return render(result(potassium()), context(outlet=Outlet.COURIER, **circumstances))


def test_a_courier_learns_where_to_go_and_why():
    found = carried(floor="Bât. B, 2e étage", contact="Mme Petit", reason="timed-out")
    assert "COURSIER" in banners(found)
    assert pairs(found)["Porter à"] == "Cardiologie"
    assert pairs(found)["Où"] == "Bât. B, 2e étage"
    assert pairs(found)["Remettre à"] == "Mme Petit"
    assert pairs(found)["Motif"] == "imprimante sans réponse"


def test_without_a_name_it_goes_to_whoever_is_in_charge():
    assert pairs(carried())["Remettre à"] == "l'infirmier(ère) en poste, en main propre"


def test_a_courier_slip_bears_the_whole_result():
    assert rows(carried()) == rows(render(result(potassium()), context()))


def test_the_receipt_to_bring_back_names_no_patient():
    words = text(carried(code_caption="0402-16", code="040216"))
    receipt = words[words.index("à détacher") :]
    assert "n° 0042" in receipt
    assert "0402-16" in receipt
    assert "Reçu par" in receipt
    assert "Signature" in receipt
    assert "DURAND" not in receipt


@pytest.mark.parametrize("kind", [Kind.RESULT, Kind.ORDER, Kind.DOCUMENT, Kind.OTHER])
def test_render_chooses_the_courier_for_any_kind(kind):
    message = result(observation(), kind=kind)
    here = context(outlet=Outlet.COURIER)
    assert render(message, here) == courier(message, here)


def test_at_the_lab_an_unknown_ward_is_named():
    lost = result(observation(), location=Location(unit="XYZ", room="3"))
    found = render(lost, context(outlet=Outlet.LAB, reason="unknown ward"))
    assert "SERVICE INCONNU" in banners(found)
    assert "Le message indique : XYZ, chambre 3" in text(found)
    assert rows(found) == rows(render(lost, context()))


def test_at_the_lab_a_message_without_ward_says_that_it_names_none():
    found = unroutable(order(), context(outlet=Outlet.LAB))
    assert "Le message indique : CARD, chambre 214, lit A" in text(found)
    nowhere = unroutable(result(observation(), location=None), context(outlet=Outlet.LAB))
    assert "Le message ne nomme aucun service (PV1-3)." in text(nowhere)


def test_another_reason_to_be_at_the_lab_is_told_as_well():
    found = unroutable(result(observation()), context(outlet=Outlet.LAB, reason="media-jam"))
    assert "bourrage papier" in text(found)


def test_what_is_for_no_ward_asks_nobody_to_find_one():
    movement = result(kind=Kind.MOVEMENT, type="ADT^A01")
    found = render(movement, context(outlet=Outlet.LAB, reason="AR from the platform"))
    assert "À VOIR PAR LE LABORATOIRE" in banners(found)
    assert "AR from the platform" in text(found)
    assert "SERVICE INCONNU" not in banners(found)
