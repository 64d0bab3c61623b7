from gateway.message import Kind, Status
from gateway.render import Waited, summary
from tests.unit.render.samples import (
    at,
    banners,
    context,
    group,
    message,
    observation,
    order,
    patient,
    potassium,
    result,
    rows,
    text,
)


def waited(found, hour="08:00", **fields):
    return Waited(message=found, received_at=at(f"03/08/2026 {hour}"), **fields)


def slip(*those, **circumstances):
    return summary(those, context(**circumstances))


def test_it_says_how_many_waited_and_why():
    words = text(slip(waited(result(observation())), reason="media-empty"))
    assert "1 message n'a pas pu sortir ici à temps (plus de papier)." in words
    two = text(slip(waited(result(observation())), waited(order())))
    assert "2 messages n'ont pas pu sortir" in two


def test_each_patient_stands_with_two_identifiers():
    words = text(slip(waited(result(observation()))))
    assert "DURAND Noémie\nNé(e) le 14/02/1961 (65 ans) sexe F\nIPP 69102274 · NDA" in words


def test_only_the_newest_value_of_an_order_stands():
    found = slip(
        waited(result(observation("4.1", status=Status.PRELIMINARY)), "08:00"),
        waited(result(observation("4.3")), "09:00"),
    )
    assert [row.value for row in rows(found)] == ["4.3"]
    assert "Reçu le 03/08 09:00" in text(found)
    assert "Reçu le 03/08 08:00" not in text(found)


def test_of_two_that_came_at_once_the_later_stands():
    found = slip(waited(result(observation("4.1"))), waited(result(observation("4.3"))))
    assert [row.value for row in rows(found)] == ["4.3"]


def test_what_no_later_message_repeats_stays():
    found = slip(
        waited(result(observation("4.1"), observation("140", code="Na", name="Sodium")), "08:00"),
        waited(result(observation("4.3")), "09:00"),
    )
    assert sorted(row.value for row in rows(found)) == ["140", "4.3"]


def test_another_order_hides_nothing():
    found = slip(
        waited(message(group(observation("4.1"), filler="1")), "08:00"),
        waited(message(group(observation("4.3"), filler="2")), "09:00"),
    )
    assert len(rows(found)) == 2


def test_without_order_numbers_nothing_is_hidden():
    bare = {"filler": "", "placer": ""}
    found = slip(
        waited(message(group(observation("4.1"), **bare)), "08:00"),
        waited(message(group(observation("4.3"), **bare)), "09:00"),
    )
    assert len(rows(found)) == 2


def test_a_test_message_hides_no_real_value_and_is_marked():
    found = slip(
        waited(result(observation("4.1")), "08:00"),
        waited(result(potassium("6.8"), test=True), "09:00"),
    )
    assert "EXERCICE" not in banners(found)
    assert "CRITIQUE" not in banners(found)
    assert {row.value: row.status for row in rows(found)} == {"4.1": "", "6.8": "TEST"}


def test_nothing_but_tests_is_a_drill():
    assert "EXERCICE" in banners(slip(waited(result(potassium(), test=True))))


def test_critical_values_come_first_patient_and_row():
    calm = result(observation("140", code="Na"), patient=patient(family="ALPHA", ipp="1"))
    grave = result(
        observation("4.0", code="K"), potassium("6.8"), patient=patient(family="BETA", ipp="2")
    )
    found = slip(waited(calm, "10:00"), waited(grave, "08:00"))
    assert [row.value for row in rows(found)] == ["6.8", "4.0", "140"]
    assert "CRITIQUE" in banners(found)
    assert "prévenir le médecin" in text(found)


def test_two_people_under_one_number_are_never_one():
    one = result(observation("1"), patient=patient(family="ALPHA"))
    other = result(observation("2"), patient=patient(family="BETA"))
    words = text(slip(waited(one), waited(other)))
    assert "ALPHA Noémie" in words
    assert "BETA Noémie" in words


def test_nameless_messages_are_kept_apart():
    words = text(slip(*(waited(result(observation(), patient=None)) for _ in range(2))))
    assert words.count("SANS IDENTITÉ") == 2


def test_an_order_that_waited_says_what_it_does():
    words = text(slip(waited(order("CA"))))
    assert "ANNULATION · Bilan métabolique" in words


def test_comments_and_corrections_are_kept():
    corrected = observation("4.3", status=Status.CORRECTED, notes=("Hémolysé",))
    found = slip(waited(result(corrected)))
    assert "CORRECTION" in banners(found)
    assert "Note : Hémolysé" in text(found)


def test_the_numbers_of_the_slips_it_stands_for_are_named():
    assert "n° 0017 · A00040" in text(slip(waited(result(observation()), slip=17)))


def test_more_than_fits_is_counted():
    many = [
        waited(message(group(*[observation(code=str(n)) for n in range(100)], filler=str(m))))
        for m in range(20)
    ]
    words = text(slip(*many))
    assert "SUITE — TOUT N'EST PAS IMPRIMÉ ICI" in words
    assert "messages imprimés sur 20" in words


def test_an_empty_summary_is_no_drill():
    assert "EXERCICE" not in banners(slip())


def test_a_document_that_waited_is_listed():
    assert "Potassium" in text(slip(waited(result(observation(), kind=Kind.DOCUMENT))))


def test_two_values_with_one_name_are_not_hidden_by_a_later_third():
    found = slip(
        waited(result(observation("4.1"), observation("4.2")), "08:00"),
        waited(result(observation("4.3")), "09:00"),
    )
    assert [row.value for row in rows(found)] == ["4.3", "4.1", "4.2"]
