import pytest

from gateway.message import Attachment, Flag, Priority, Status
from gateway.render import render
from printers.slip import Row, Text, Tone
from tests.unit.render.samples import (
    banners,
    blocks,
    context,
    group,
    message,
    observation,
    pairs,
    potassium,
    result,
    rows,
    text,
)


def slip(*observations, language="fr", **fields):
    return render(result(*observations, **fields), context(language=language))


def row(found):
    (only,) = rows(slip(found))
    return only


def test_an_analyte_stands_with_value_unit_reference_and_flag():
    assert row(observation("5.4", flag=Flag.HIGH, flag_text="H")) == Row(
        name="Potassium",
        value="5.4",
        unit="mmol/L",
        reference="3.5-5.1",
        mark="H",
        tone=Tone.ABNORMAL,
    )


def test_a_normal_value_is_quiet():
    assert row(observation()).tone is Tone.PLAIN


def test_a_critical_value_is_loud_and_announced():
    found = slip(potassium())
    assert "CRITIQUE" in banners(found)
    assert rows(found)[0].tone is Tone.CRITICAL
    assert "CRITICAL" in banners(slip(potassium(), language="en"))
    assert "prévenir le médecin" in text(found)


def test_nothing_critical_is_announced_when_nothing_is():
    found = slip(observation("5.4", flag=Flag.HIGH), priority=Priority.CRITICAL)
    assert "CRITIQUE" not in banners(found)
    assert "prévenir" not in text(found)


def test_among_many_values_the_critical_ones_are_named_above():
    many = [observation(name=f"Analyte {n}", code=str(n)) for n in range(10)]
    found = slip(*many, potassium(name="Lactate"))
    assert Text(text="Lactate", tone=Tone.STRONG, centred=True) in found.header


def test_a_value_critical_by_the_site_s_own_limit_is_marked_as_such():
    found = slip(observation("6.9", flag=Flag.CRITICAL_HIGH, flag_text="H"))
    assert rows(found)[0].mark == "HH"
    assert "critique selon la limite du site" in text(found)


@pytest.mark.parametrize("sent", ["AA", "HH", "H HH", "hh"])
def test_a_value_its_sender_calls_critical_is_not_said_to_be_the_site_s(sent):
    found = slip(observation("6.9", flag=Flag.CRITICAL_HIGH, flag_text=sent))
    assert rows(found)[0].mark == sent
    assert "limite du site" not in text(found)


@pytest.mark.parametrize(
    ("status", "code", "french", "english"),
    [
        (Status.PRELIMINARY, "P", "PROVISOIRE", "PRELIMINARY"),
        (Status.PRELIMINARY, "R", "PROVISOIRE (non validé)", "PRELIMINARY (not verified)"),
        (Status.PRELIMINARY, "S", "PROVISOIRE (partiel)", "PRELIMINARY (partial)"),
        (Status.PENDING, "I", "EN ATTENTE (prélèvement au laboratoire)", "PENDING (specimen"),
        (Status.CORRECTED, "C", "CORRIGÉ", "CORRECTED"),
        (Status.WITHDRAWN, "D", "ANNULÉ (supprimé)", "WITHDRAWN (deleted)"),
        (Status.WITHDRAWN, "W", "ANNULÉ (mauvais patient)", "WITHDRAWN (wrong patient)"),
        (Status.CANCELLED, "X", "ANNULÉ (non rendu)", "CANCELLED"),
        (Status.UNKNOWN, "Q", "STATUT Q", "STATUS Q"),
    ],
)
def test_each_status_has_its_word(status, code, french, english):
    found = observation(status=status, status_code=code)
    assert rows(slip(found))[0].status == french
    assert rows(slip(found, language="en"))[0].status.startswith(english)


def test_a_final_value_needs_no_word():
    assert row(observation(status=Status.FINAL, status_code="F")).status == ""


def test_under_a_title_that_says_it_at_length_a_value_says_it_in_short():
    withdrawn = {"status": Status.WITHDRAWN, "status_code": "W"}
    found = render(message(group(observation(**withdrawn), **withdrawn)), context())
    assert rows(found)[0].status == "ANNULÉ"
    assert "ANNULÉ (mauvais patient)" in text(found)


def test_a_withdrawn_result_must_not_be_used():
    found = slip(potassium(status=Status.WITHDRAWN, status_code="D"))
    assert "RÉSULTAT ANNULÉ\nNE PAS UTILISER" in banners(found)
    assert "CRITIQUE" not in banners(found)
    assert rows(found)[0].tone is Tone.PLAIN


def test_whoever_acts_on_a_critical_value_learns_that_it_is_withdrawn():
    found = slip(potassium(status=Status.WITHDRAWN, status_code="D"))
    assert "UNE VALEUR CRITIQUE EST ANNULÉE" in banners(found)


def test_withdrawing_an_examination_withdraws_its_values():
    found = render(message(group(potassium(), status=Status.WITHDRAWN)), context())
    assert "RÉSULTAT ANNULÉ\nNE PAS UTILISER" in banners(found)
    assert "CRITIQUE" not in banners(found)
    assert rows(found)[0].status == "ANNULÉ"


def test_what_is_not_withdrawn_beside_what_is_keeps_its_worth():
    found = slip(observation(status=Status.WITHDRAWN, status_code="D"), potassium(code="x"))
    assert "Seulement ce qui est marqué ANNULÉ" in text(found)
    assert "CRITIQUE" in banners(found)


def test_an_examination_wholly_cancelled_says_that_nothing_will_come():
    found = slip(observation("", status=Status.CANCELLED, status_code="X"))
    assert "EXAMEN ANNULÉ — PAS DE RÉSULTAT" in banners(found)


def test_one_cancelled_value_among_others_does_not_cancel_the_rest():
    found = slip(observation(status=Status.CANCELLED), observation(code="x"))
    assert "EXAMEN ANNULÉ — PAS DE RÉSULTAT" not in banners(found)


def test_an_urgent_result_says_so():
    assert "URGENT" in banners(slip(observation(), priority=Priority.URGENT))


def test_an_urgent_examination_says_how_it_was_asked():
    urgent = group(observation(), priority=Priority.URGENT, priority_text="STAT")
    assert "URGENT (STAT)" in text(render(message(urgent), context()))


def test_every_comment_stands_below_its_value_told_from_it():
    found = slip(observation(notes=("Hémolysé", "Téléphoné\nau Dr Guérin")))
    at = found.body.index(rows(found)[0])
    assert found.body[at + 1 : at + 3] == (
        Text(text="Note : Hémolysé", indent=2),
        Text(text="Note : Téléphoné\nau Dr Guérin", indent=2),
    )


def test_comments_on_the_examination_and_the_message_stand_too():
    found = message(group(observation(), notes=("du groupe",)), notes=("du message",))
    words = text(render(found, context()))
    assert "Note : du groupe" in words
    assert "Note : du message" in words


def test_a_text_of_several_lines_stands_indented_under_its_name():
    found = slip(observation("Indication :\ndouleur", name="CR", unit="", reference=""))
    assert Text(text="CR", tone=Tone.STRONG) in found.body
    assert Text(text="Indication :\ndouleur", indent=2) in found.body


def test_a_long_text_keeps_unit_reference_and_flag():
    found = slip(observation("x" * 200, flag=Flag.HIGH, flag_text="H"))
    assert "Potassium · H · mmol/L · 3.5-5.1" in text(found)


def test_no_value_is_said():
    assert row(observation("")).value == "sans valeur"
    assert row(observation("", status=Status.PENDING)).value == "à venir"


@pytest.mark.parametrize(
    ("attachment", "words"),
    [
        (("application/pdf", 34_211, ""), "document PDF joint, 34 ko — demander au laboratoire"),
        (("application/pdf", 403, ""), "document PDF joint, 403 octets"),
        (("", 2_345_678, ""), "document joint, 2,3 Mo"),
        (("", 0, "bad base64"), "document illisible (abîmé en chemin) — demander au"),
        (("", 0, "odd"), "document illisible (odd)"),
    ],
)
def test_a_document_is_announced(attachment, words):
    kind, size, fault = attachment
    attached = Attachment(title="CR", media_type=kind, size=size, fault=fault)
    assert words in text(slip(observation("", name="CR", attachment=attached)))


def test_an_antibiogram_follows_its_germ_and_names_it():
    culture = group(observation("Escherichia coli", name="Hémoculture"), filler="99001")
    other = group(observation("140", name="Sodium"), filler="5", name="Ionogramme")
    antibiogram = group(
        observation("≥ 32", name="Amoxicilline", flag=Flag.RESISTANT, flag_text="R", reference=""),
        name="Antibiogramme",
        filler="99001.1",
        parent="600-7 Hémoculture, 1",
        parent_value="Escherichia coli",
        parent_filler="99001",
    )
    found = render(message(culture, other, antibiogram), context())
    assert "Antibiogramme — Escherichia coli" in text(found)
    assert "Fait sur 600-7 Hémoculture, 1" in text(found)
    assert [r.name for r in rows(found)] == ["Hémoculture", "Amoxicilline", "Sodium"]
    resistant = rows(found)[1]
    assert (resistant.mark, resistant.tone) == ("R", Tone.ABNORMAL)


def test_a_ring_of_parents_loses_nobody():
    ring = [group(observation(), filler=str(n), parent_filler=str((n + 1) % 3)) for n in range(3)]
    assert len(rows(render(message(*ring), context()))) == 3


def test_who_asked_what_and_when_stands_on_it():
    asked = group(
        observation(),
        requester="Guérin Édouard",
        requester_phone="4711",
        specimen="Sang veineux",
        section="CH",
        reported_at="20260803111530",
    )
    found = render(message(asked), context())
    assert pairs(found)["Prélevé le"] == "03/08/2026 10:55"
    assert pairs(found)["Demandeur"] == "Guérin Édouard, 4711"
    words = text(found)
    assert "Biochimie (CH) · Prélèvement Sang veineux" in words
    assert "Demande 7360739 · N° labo 7499972609 · Rendu le 03/08/2026 11:15" in words


def test_without_sampling_time_the_time_of_measure_stands():
    measured = group(observation(observed_at="202608031101"), collected_at="")
    assert pairs(render(message(measured), context()))["Mesuré le"] == "03/08/2026 11:01"


def test_a_message_without_values_says_so():
    assert "Aucune valeur dans ce message" in text(render(message(), context()))


def test_banners_come_before_the_patient_and_the_patient_before_the_values():
    found = blocks(slip(potassium()))
    kinds = [type(block).__name__ for block in found]
    assert kinds.index("Banner") < kinds.index("Pair") < kinds.index("Row")
