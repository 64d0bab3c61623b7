import pytest

from gateway.message import Location
from gateway.render import render
from printers.slip import Heading
from tests.unit.render.samples import (
    banners,
    context,
    ins,
    observation,
    pairs,
    patient,
    result,
    text,
)


def slip(who, **fields):
    return render(result(observation(), patient=who, **fields), context())


def said(**fields):
    return text(slip(patient(**fields)))


def test_the_name_stands_as_sent_in_large_type():
    header = slip(patient(family="d'Aubigné", given="Loïc")).header
    assert Heading(text="d'Aubigné") in header
    assert Heading(text="Loïc") in header


def test_the_birth_name_stands_when_it_differs():
    assert "Nom de naissance MARTIN Anne" in said(birth_name="MARTIN", birth_given="Anne")
    assert "Nom de naissance" not in said()


def test_two_identifiers_stand_in_the_header_so_that_every_page_bears_them():
    found = pairs(slip(patient()))
    assert found["Né(e) le"] == "14/02/1961 (65 ans) sexe F"
    assert found["IPP"] == "69102274"
    assert found["NDA"] == "4071787"


def test_a_missing_number_is_said_to_be_missing():
    assert pairs(slip(patient(nda="")))["NDA"] == "absent"


@pytest.mark.parametrize(
    "missing", [{"ipp": "", "nda": ""}, {"birth_date": ""}, {"family": "", "birth_name": ""}]
)
def test_less_than_two_identifiers_is_a_warning(missing):
    assert "IDENTITÉ INCOMPLÈTE : VÉRIFIER AU LABORATOIRE" in banners(slip(patient(**missing)))


def test_one_number_with_name_and_birth_date_is_enough():
    assert not any("IDENTITÉ" in word for word in banners(slip(patient(ipp=""))))


def test_without_patient_nobody_may_take_it_for_theirs():
    assert "SANS IDENTITÉ : N'ATTRIBUER À PERSONNE" in banners(slip(None))


def test_the_national_number_is_not_shown():
    who = patient(identifiers=(ins("261029930600101"),), ipp="261029930600101")
    assert "261029930600101" not in text(slip(who))


def test_a_room_is_a_place_and_no_identifier():
    found = slip(patient(), location=Location(unit="URG", room="12", bed="B", facility="CHU"))
    assert pairs(found)["Lieu"] == "URG, chambre 12, lit B, CHU"
    assert "chambre" not in "".join(getattr(block, "value", "") for block in found.header)


@pytest.mark.parametrize(
    ("code", "word"),
    [("VALI", "validée (VALI)"), ("DOUB", "DOUTEUSE (DOUB)"), ("XYZ", "XYZ")],
)
def test_how_far_an_identity_can_be_trusted_is_said(code, word):
    assert pairs(slip(patient(identity_status=code)))["Identité"] == word


@pytest.mark.parametrize(
    ("born", "shown"),
    [
        ("19610214", "14/02/1961 (65 ans)"),
        ("19610804", "04/08/1961 (64 ans)"),
        ("20260710", "10/07/2026 (24 jours)"),
        ("20260803", "03/08/2026 (0 jour)"),
        ("20260203", "03/02/2026 (6 mois)"),
        ("202602031530", "03/02/2026 (6 mois)"),
        ("1961", "1961"),
        ("196102", "02/1961"),
        ("20270101", "01/01/2027"),
        ("18610214", "14/02/1861"),
        ("19611350", "19611350 (pas une date)"),
        ("hier", "hier (pas une date)"),
        ("", "date inconnue"),
    ],
)
def test_a_birth_date_is_shown_with_its_age_or_as_it_came(born, shown):
    assert pairs(slip(patient(birth_date=born)))["Né(e) le"] == f"{shown} sexe F"


def test_a_line_break_in_a_name_forges_no_line():
    words = said(family="DURAND\nPotassium 4.0 normal")
    assert "DURAND·Potassium 4.0 normal" in words


@pytest.mark.parametrize(
    ("warning", "words"),
    [
        ("charset-doubtful", "Caractères douteux : vérifier le nom."),
        ("limit-unit", "autre unité que la limite critique"),
        ("brand-new", "À vérifier : brand-new"),
    ],
)
def test_what_the_reader_doubts_is_said(warning, words):
    assert words in text(slip(patient(), warnings=(warning,)))
