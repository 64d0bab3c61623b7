import pytest

from gateway.message import Status
from gateway.render import earlier_values, render
from tests.unit.render.samples import (
    banners,
    context,
    group,
    message,
    observation,
    potassium,
    printed,
    result,
    rows,
    text,
)

CORRECTED = {"status": Status.CORRECTED, "status_code": "C"}


def slip(now, *earlier, **circumstances):
    return render(now, context(**circumstances), corrections=earlier_values(earlier))


def test_old_and_new_value_stand_side_by_side():
    found = slip(result(potassium("6.8", **CORRECTED)), printed(result(observation("4.1"))))
    assert "CORRECTION" in banners(found)
    assert rows(found)[0].previous == "4.1"
    assert rows(found)[0].value == "6.8"
    assert rows(found)[0].status == "CORRIGÉ"


def test_it_names_the_slip_it_corrects():
    found = slip(result(potassium("6.8", **CORRECTED)), printed(result(observation("4.1"))))
    assert "Corrige la fiche n° 0038 du 03/08 09:02\n" in text(found)


def test_it_names_the_ward_of_the_slip_it_corrects_when_that_is_another():
    found = slip(
        result(potassium("6.8", **CORRECTED)),
        printed(result(observation("4.1")), ward="Urgences", moment="31/12/2025 23:10"),
    )
    assert "Corrige la fiche n° 0038 du 31/12/2025 23:10 (Urgences)" in text(found)


def test_the_newest_earlier_value_is_the_one_corrected():
    found = slip(
        result(potassium("6.8", **CORRECTED)),
        printed(result(observation("5.0")), slip=39),
        printed(result(observation("4.1")), slip=38),
    )
    assert rows(found)[0].previous == "5.0"
    assert "n° 0039" in text(found)
    assert "n° 0038" not in text(found)


def test_a_changed_unit_stands_beside_the_old_value():
    found = slip(
        result(observation("13.2", unit="g/dL", **CORRECTED)),
        printed(result(observation("132", unit="g/L"))),
    )
    assert rows(found)[0].previous == "132 g/L"


def test_a_correction_of_something_that_came_out_nowhere_says_so():
    earlier = printed(result(observation("4.1")), slip=None, ward="")
    found = slip(result(potassium("6.8", **CORRECTED)), earlier)
    assert "une valeur qui n'est sortie sur aucune fiche (reçue le 03/08 09:02)" in text(found)
    assert rows(found)[0].previous == "4.1"


def test_a_correction_of_something_unknown_says_so():
    found = slip(result(potassium("6.8", **CORRECTED)))
    assert "CORRECTION" in banners(found)
    assert "La valeur d'avant n'est pas passée par ici" in text(found)


def test_a_corrected_examination_is_a_correction_whatever_its_values_say():
    found = slip(message(group(observation("4.1"), **CORRECTED)))
    assert "CORRECTION" in banners(found)


def test_a_firm_value_that_changes_is_a_correction_even_when_nobody_says_so():
    found = slip(result(observation("6.8")), printed(result(observation("4.1"))))
    assert "CORRECTION" in banners(found)
    assert rows(found)[0].previous == "4.1"
    assert "Corrige la fiche n° 0038" in text(found)


def test_a_preliminary_value_that_becomes_final_is_no_correction():
    earlier = printed(result(observation("4.1", status=Status.PRELIMINARY, status_code="P")))
    found = slip(result(observation("4.3")), earlier)
    assert "CORRECTION" not in banners(found)
    assert "Remplace la fiche n° 0038 du 03/08 09:02 (provisoire)" in text(found)
    assert rows(found)[0].previous == "4.1"


def test_the_same_result_again_corrects_nothing():
    found = slip(result(observation("4.1")), printed(result(observation("4.1"))))
    assert "CORRECTION" not in banners(found)
    assert rows(found)[0].previous == ""
    assert "n° 0038" not in text(found)


def test_a_correction_that_leaves_a_value_says_so():
    found = slip(result(observation("4.1", **CORRECTED)), printed(result(observation("4.1"))))
    assert rows(found)[0].previous == ""
    assert "valeur inchangée" in text(found)
    assert "Aucune valeur ne change." in text(found)


def test_a_withdrawal_names_the_slip_it_recalls():
    withdrawn = observation("4.1", status=Status.WITHDRAWN, status_code="D")
    found = slip(result(withdrawn), printed(result(observation("4.1"))))
    assert "Annule la fiche n° 0038" in text(found)
    assert rows(found)[0].previous == ""


def test_another_order_is_never_taken_for_the_one_corrected():
    other = printed(message(group(observation("4.1"), filler="1", placer="2")))
    found = slip(result(potassium("6.8", **CORRECTED)), other)
    assert rows(found)[0].previous == ""
    assert "La valeur d'avant n'est pas passée par ici" in text(found)


def test_values_without_order_numbers_are_never_matched():
    bare = {"filler": "", "placer": ""}
    earlier = printed(message(group(observation("4.1"), **bare)))
    found = slip(message(group(potassium("6.8", **CORRECTED), **bare)), earlier)
    assert rows(found)[0].previous == ""


def test_of_two_values_with_one_name_nobody_guesses_which_was_meant():
    twice = printed(result(observation("4.1"), observation("5.0")))
    found = slip(result(potassium("6.8", **CORRECTED)), twice)
    assert rows(found)[0].previous == ""
    assert "plusieurs valeurs portent ce nom" in text(found)
    assert "CORRECTION" in banners(found)


def test_sub_ids_tell_two_values_with_one_name_apart():
    earlier = printed(result(observation("4.1", sub_id="1"), observation("5.0", sub_id="2")))
    found = slip(result(potassium("6.8", sub_id="2", **CORRECTED)), earlier)
    assert rows(found)[0].previous == "5.0"


def test_a_corrected_text_shows_what_it_said_before():
    before, now = "Pas de germe\nà 24 h", "Staphylococcus aureus\nà 48 h"
    found = slip(
        result(observation(now, unit="", reference="", **CORRECTED)),
        printed(result(observation(before))),
    )
    assert "Avant :\nPas de germe\nà 24 h" in text(found)


def test_a_cancelled_value_of_a_corrected_examination_corrects_nothing():
    cancelled = observation("", status=Status.CANCELLED, status_code="X")
    found = slip(message(group(cancelled, **CORRECTED)))
    assert "n'est pas passée par ici" not in text(found)


@pytest.mark.parametrize("slips", [5, 50])
def test_a_correction_of_many_slips_does_not_name_them_all(slips):
    earlier = [printed(result(observation("4.1", code=str(n))), slip=n) for n in range(slips)]
    now = [observation("6.8", code=str(n), **CORRECTED) for n in range(slips)]
    words = text(slip(result(*now), *earlier))
    assert "… et d'autres fiches" in words
    assert words.count("Corrige la fiche") == 4
