from gateway.message import Flag, Location, Status
from gateway.render import Pack, Present, Waited, pack
from printers.layout import LIMITS, lay_out
from tests.unit.render.samples import (
    at,
    banners,
    context,
    group,
    message,
    observation,
    pairs,
    patient,
    potassium,
    result,
    rows,
    text,
)

BED = Location(unit="CARD", room="214", bed="A")
SINCE = at("31/07/2026 11:21")


def waited(found, hour="08:00"):
    return Waited(message=found, received_at=at(f"03/08/2026 {hour}"))


def present(*results, **fields):
    return Present(**{"patient": patient(), "location": BED, "results": results, **fields})


def slip(*patients, census=None, part=1, parts=1, **circumstances):
    found = Pack(part=part, parts=parts, patients=patients, since=SINCE, census=census)
    return pack(found, context(**circumstances))


def values(*results):
    return [row.value for row in rows(slip(present(*results)))]


def test_every_page_says_of_when_it_is():
    found = slip(*[present(waited(result(*[observation(code=str(n)) for n in range(60)])))] * 6)
    pages = lay_out(found, 48)

    assert len(pages) > 1
    said = [
        "".join(run.text for line in page for run in getattr(line, "runs", ())) for page in pages
    ]
    assert all("Information au 03/08/2026 11:21" in page for page in said)
    assert all("DOSSIER DE SECOURS 1/1" in page for page in said)


def test_the_census_names_everybody_beside_their_bed():
    found = slip(census=(present(), present(patient=patient(family="PETIT", ipp="7"))))

    assert "2 patients présents" in text(found)
    assert pairs(found)["214 A"].startswith("PETIT Noémie\nNé(e) le 14/02/1961")


def test_a_ward_of_which_nothing_is_known_is_told_so():
    assert "aucun patient présent" in text(slip(census=()))


def test_a_patient_stands_with_two_identifiers_and_the_last_results():
    found = slip(present(waited(result(potassium()))))

    assert "DURAND Noémie\nNé(e) le 14/02/1961 (65 ans) sexe F\nIPP 69102274 · NDA" in text(found)
    assert "Lieu CARD, chambre 214, lit A" in text(found)
    assert "Bilan métabolique · prélevé le 03/08/2026 10:55" in text(found)
    (row,) = rows(found)
    assert (row.name, row.value, row.unit, row.mark) == ("Potassium", "6.8", "mmol/L", "HH")


def test_who_has_left_is_said_to_have():
    found = text(slip(present(here=False, location=None)))

    assert "N'EST PLUS DANS CE SERVICE" in found
    assert "Aucun résultat." in found


def test_it_says_what_it_cannot_know():
    assert "Seulement ce que Wardline a vu passer" in text(slip(present()))
    assert "Il y en a d'autres" in text(slip(present(more=True)))
    assert "Il y en a d'autres" not in text(slip(present()))


def test_long_results_of_one_patient_take_no_paper_from_the_others():
    endless = waited(result(*[observation(code=str(n), name=f"Analyte {n}") for n in range(500)]))
    found = slip(*[present(endless)] * 5, present(waited(result(potassium("2.2")))))

    assert rows(found)[-1].value == "2.2"
    assert text(found).count("Il y en a d'autres") == 5
    assert len(lay_out(found, 32)) <= LIMITS.pages


# -- what is newest


def collected(moment, *observations, order, **fields):
    return message(group(*observations, filler=order, collected_at=moment, **fields))


def test_a_later_specimen_stands_for_an_earlier_one():
    early = waited(collected("202608030600", observation("4.1"), order="1"), "07:00")
    late = waited(collected("202608030900", observation("4.3"), order="2"), "10:00")

    assert values(early, late) == values(late, early) == ["4.3"]


def test_what_was_collected_last_counts_not_what_came_last():
    late = waited(collected("202608030900", observation("4.3"), order="2"), "10:00")
    overtaken = waited(collected("202608030600", observation("4.1"), order="1"), "11:00")

    assert values(late, overtaken) == ["4.3"]


def test_moments_of_two_time_zones_are_compared_as_moments():
    summer = waited(collected("202608030900+0200", observation("4.1"), order="1"), "10:00")
    later = waited(collected("202608030830+0000", observation("4.3"), order="2"), "11:00")

    assert values(summer, later) == ["4.3"]


def test_an_order_that_gave_no_value_hides_none():
    value = waited(collected("202608030600", observation("4.1"), order="1"), "07:00")
    for status in (Status.PENDING, Status.CANCELLED, Status.WITHDRAWN):
        empty = observation("", status=status)
        later = waited(collected("202608030900", empty, order="2"), "10:00")
        assert "4.1" in values(value, later)


def test_a_correction_stands_for_what_it_corrects_whatever_it_says():
    first = waited(collected("202608030600", potassium("6.9"), order="1"), "07:00")
    withdrawn = observation("", status=Status.WITHDRAWN)
    later = waited(collected("202608030600", withdrawn, order="1"), "10:00")

    assert "6.9" not in values(first, later)


def test_other_specimens_units_and_examinations_are_never_compared():
    one = waited(collected("202608030600", observation("4.1"), order="1"), "07:00")
    for other in (
        collected("202608030900", observation("9"), order="2", specimen="Urine"),
        collected("202608030900", observation("9", unit="mg/L"), order="2"),
        collected("202608030900", observation("9"), order="2", code="OTHER"),
        collected("202608030900", observation("9", code=""), order="2"),
    ):
        assert sorted(values(one, waited(other, "10:00"))) == ["4.1", "9"]


def test_texts_are_all_kept():
    words = "Cocci à Gram positif en amas, culture en cours. " * 3
    one = collected("202608030600", observation(words), order="1")
    two = collected("202608030900", observation(words + "Suite."), order="2")

    assert text(slip(present(waited(one, "07:00"), waited(two, "10:00")))).count("Cocci") == 6


# -- never two people as one


def test_a_result_of_another_identity_under_the_number_is_shown_apart():
    mine = waited(result(observation("4.1")))
    other = waited(result(observation("9.9"), patient=patient(family="MARTIN")), "09:00")

    found = slip(present(mine, other))

    assert [row.value for row in rows(found)] == ["4.1", "9.9"], "hers first, and both"
    assert "MÊME NUMÉRO, AUTRE IDENTITÉ : À VÉRIFIER" in banners(found)
    assert "MARTIN Noémie" in text(found)


def test_a_twin_is_another_person():
    twin = waited(result(observation("9.9"), patient=patient(given="Zoé")))
    assert "MÊME NUMÉRO, AUTRE IDENTITÉ : À VÉRIFIER" in banners(slip(present(twin)))


def test_case_accents_and_a_birth_name_make_nobody_another():
    for same in (
        patient(family="Durand", given="NOEMIE"),
        patient(family="MARTIN", birth_name="DURAND"),
    ):
        found = slip(present(waited(result(observation(), patient=same))))
        assert not any("AUTRE" in banner for banner in banners(found))


def test_it_is_in_the_sites_language():
    found = slip(present(waited(result(observation(flag=Flag.HIGH)))), census=(), language="en")
    assert "WARD PACK 1/1" in text(found)
    assert "Information as of" in text(found)
