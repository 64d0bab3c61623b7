"""Clinicians dial in: who they are, what they may hear, and that they hear what stands on the slip."""

from __future__ import annotations

import pytest

from gateway.asterisk import access
from gateway.asterisk.ivr.talk import Mute
from gateway.router import Mode
from printers import code
from tests.flow.telephone import LAB, LOGIN, ROUX, Ward


@pytest.fixture
def ward():
    found = Ward(mode=Mode.DIRECT).open()
    yield found
    found.close()


def critical(ward, value="6.8", **changes):
    return ward.sample(analytes=(("2823-3^Potassium", value, "mmol/L", "HH"),), **changes)


def slip_code(ward, index=-1):
    """The code under the last slip, as keyed."""
    deliveries = [d["id"] for m in ward.store.messages() for d in m["deliveries"]
                  if d["slip"] is not None]  # fmt: skip
    return code.canonical(deliveries[index])


def with_visit(sample, nda):
    """The same message with a visit's number in PV1-19."""
    lines = sample.raw.split(b"\r")
    at = next(i for i, line in enumerate(lines) if line.startswith(b"PV1|"))
    fields = lines[at].split(b"|")
    fields += [b""] * (20 - len(fields))
    fields[19] = nda.encode()
    lines[at] = b"|".join(fields)
    return b"\r".join(lines)


# -- who is calling


def test_without_code_and_pin_nobody_hears_anything(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    caller = ward.dials().keys("4711#000000#").hears("Refusé")
    caller.keys("4711#111111#").hears("Refusé").keys("4711#222222#").hears("Refusé", "Au revoir")
    assert caller.ended
    caller.hears_nothing_of("potassium", "lefèbvre")


def test_an_unknown_code_and_a_wrong_pin_hear_the_same(ward):
    wrong = ward.dials().keys("4711#000000#").heard()
    unknown = ward.dials().keys("9999#271828#").heard()
    assert wrong == unknown


def test_a_locked_person_hears_the_same_even_with_the_right_pin_until_time_has_passed(ward):
    refused = ward.dials().keys("4711#000000#").heard()
    for _ in range(4):
        ward.dials().keys("4711#000000#")
    assert ward.dials().keys(LOGIN).heard() == refused
    ward.after(seconds=901)
    ward.dials().keys(LOGIN).hears("résultats d'un patient")


def test_a_restart_frees_nobody(ward):
    for _ in range(5):
        ward.dials().keys("4711#000000#")
    ward.wire_telephone()
    ward.dials().keys(LOGIN).hears("Refusé")


def test_others_are_not_locked_out_with_somebody(ward):
    for _ in range(6):
        ward.dials().keys("4711#000000#")
    ward.dials().keys("4712#161803#").hears("résultats d'un patient")


def test_ten_thousand_guesses_compare_few_and_keep_nobody_out(ward, monkeypatch):
    """Three guesses a call, a forged number each, for an hour: who is guessed at and the others go on."""
    compared = []
    fits = access._fits
    monkeypatch.setattr(
        access, "_fits", lambda against, pin: compared.append(against) or fits(against, pin)
    )
    monkeypatch.setattr(access, "_NOBODY", LAB.pin)  # quick to compare
    began, told = ward.clock.seconds(), None
    for number in range(3334):
        ward.dials(caller=f"06{number:08}").keys(f"4711#{number:06}#" * 3)
        ward.clock.advance(1.08)
        if number % 833 == 0:
            ward.dials(caller="2222").keys(LOGIN).hears("résultats d'un patient")
            ward.dials(caller="2101").keys("4712#161803#").hears("résultats d'un patient")
        told = told or (ward.paper(at="lab-slip") and ward.clock.seconds() - began)

    hers = compared.count(ROUX.pin) - 5  # her own calls, every quarter of an hour
    assert hers <= 8
    assert told <= 120.0
    ward.dials(caller="0699999999").keys(LOGIN).hears("Refusé")


def test_the_laboratory_is_told_on_paper_when_somebody_guesses(ward):
    for _ in range(25):
        ward.dials().keys("9999#000000#")
    ward.after(seconds=5)
    (told,) = ward.paper(at="lab-slip")
    assert "CODES PERSONNELS" in " ".join(told.split())


def test_no_code_is_ever_in_the_journal(ward):
    ward.dials().keys("4711#918273#")
    ward.dials().keys(LOGIN)
    everything = repr(ward.store.messages()) + repr(ward.do(ward.store.recall("")))
    assert "918273" not in everything
    assert "271828" not in everything


# -- results


def test_the_name_first_then_the_value_as_on_the_slip(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("1").hears("code de la fiche")
    caller.keys("69102274#").hears(
        "Lefèbvre Éloïse", "vingt-deux avril mille neuf cent cinquante-trois"
    )
    caller.hears_nothing_of("potassium")
    caller.keys("1").hears(
        "potassium", "quatre virgule un", "millimoles par litre", "accuser réception"
    )


@pytest.mark.parametrize("number", ["slip", "69102274", "24001234"])
def test_a_slips_code_or_the_patients_number(ward, number):
    """IPP and NDA by their figures: a telephone has no letters and no hyphen."""
    ward.receives(with_visit(critical(ward), "24-001234"))
    ward.after(seconds=5)
    keyed = slip_code(ward) if number == "slip" else number
    caller = ward.dials().keys(LOGIN).keys(f"1{keyed}#").hears("Lefèbvre")
    caller.keys("1").hears("valeur critique : un", "six virgule huit", "valeur critique haute",
                           "je répète : six virgule huit")  # fmt: skip


def test_the_latest_comes_first_and_a_correction_says_what_it_replaces(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    ward.receives(critical(ward, status="C"))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("169102274#1")
    caller.hears("correction", "six virgule huit", "correction : remplace quatre virgule un")
    caller.keys("2").hears("C'est tout pour ce patient")
    caller.hears_nothing_of("quatre virgule un millimoles")  # as if it still held


def test_repeat_slower_and_spell(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("169102274#1")
    caller.keys("0").hears("potassium: quatre virgule un")
    caller.keys("3").hears("(potassium: quatre virgule un")
    caller.keys("4").hears(
        "L comme Louis, E comme Eugène, F comme François, E comme Eugène accent grave"
    )


def test_who_heard_what_is_in_the_journal_and_no_value(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys("169102274#1").hangs_up()
    assert "result said" in ward.journal()
    assert "4711" in ward.journal()
    for secret in ("potassium", "virgule", "4.1", "LEF", "271828"):
        assert secret not in ward.journal()


def test_two_patients_of_one_number_are_told_apart_by_name(ward):
    ward.receives(with_visit(ward.sample(), "24001234"))
    ward.receives(with_visit(ward.sample(ipp="777", family="MARTIN", order="2"), "24001234"))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("124001234#").hears("Martin")
    caller.keys("2").hears("Lefèbvre").keys("1").hears("potassium")


def test_of_two_patients_of_one_number_the_callers_own_comes_first(ward):
    ward.receives(with_visit(ward.sample(), "24001234"))
    ward.receives(
        with_visit(ward.sample(ipp="777", family="MARTIN", order="2", ward="NEURO"), "24001234")
    )
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("124001234#").hears("Lefèbvre")
    caller.keys("2").hears("pas dans vos services").hears_nothing_of("martin")


def test_who_is_not_the_patient_hears_nothing(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys("169102274#2").hears("Aucun résultat").hears_nothing_of(
        "potassium"
    )


def test_a_number_nobody_has(ward):
    ward.dials().keys(LOGIN).keys("1123456#").hears("Aucun résultat sous ce numéro")


def test_heard_and_acknowledged_it_is_in_the_record(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("169102274#1").keys("1").hears("étoile pour la virgule")
    caller.keys("6*8#").hears("C'est noté")
    (said,) = ward.record()
    assert (said.accepted, said.person, said.name, said.via) == (True, "4711", "Dr Roux", "phone")
    assert (said.read_back, said.keyed) == ("ok", ("6*8",))
    assert "six virgule huit" in said.conveyed


def test_hanging_up_after_a_critical_value_is_a_difficulty_and_no_acknowledgement(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys("169102274#1").hangs_up()
    (said,) = ward.record()
    assert not said.accepted
    assert said.difficulties == "hung up before acknowledging"
    assert len(ward.do(ward.store.unacknowledged(since=0.0))) <= 1


# -- other wards


def test_another_wards_patient_needs_a_spoken_reason_that_lies_at_the_laboratory(ward):
    ward.receives(ward.sample(ward="NEURO"))
    ward.after(seconds=5)
    caller = ward.dials()
    caller.spoken.append(ward.recording())
    caller.keys(LOGIN).keys("169102274#").hears("pas dans vos services")
    caller.hears_nothing_of("potassium", "lefèbvre", "mille neuf cent cinquante")
    caller.keys("5").hears("Dites pourquoi", "Lefèbvre Éloïse", "mille neuf cent cinquante-trois")
    caller.hears_nothing_of("potassium")
    caller.keys("1").hears("potassium: quatre virgule un")
    ward.after(seconds=5)
    (trace,) = ward.paper(at="lab-slip")
    assert "Dr Roux (4711)" in trace
    assert "69102274" in trace
    assert "break glass" in ward.journal()


def test_without_a_reason_it_stays_closed(ward):
    ward.receives(ward.sample(ward="NEURO"))
    ward.after(seconds=5)
    caller = ward.dials()
    caller.spoken.append(None)
    caller.keys(LOGIN).keys("169102274#").keys("5").hears("Rien n'a été enregistré")
    caller.hears_nothing_of("potassium", "lefèbvre")
    assert "break glass" not in ward.journal()


def test_a_patient_who_has_come_to_ones_ward_is_open(ward):
    ward.receives(ward.sample(ward="NEURO"))
    ward.moves("69102274", to="CARD")
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys("169102274#1").hears("potassium: quatre virgule un")


def test_the_laboratory_hears_every_patient(ward):
    ward.receives(ward.sample(ward=""))
    ward.after(seconds=5)
    ward.dials().keys("4712#161803#").keys("169102274#1").hears("potassium")


# -- slips


def test_a_slip_is_acknowledged_by_its_code_and_the_value_from_the_paper(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#").hears("Lefèbvre", "critique")
    caller.hears_nothing_of("six virgule huit")
    caller.keys("1").hears("Tapez la valeur de potassium").keys("6*8#").hears("C'est noté")
    (said,) = ward.record()
    assert said.accepted
    assert said.delivery_id is not None


def test_a_wrong_value_is_said_again_and_a_second_one_is_the_laboratorys_task(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#1").keys("8*6#")
    caller.hears("huit virgule six", "ce n'est pas la valeur", "six virgule huit")
    caller.keys("8*6#").hears("Le laboratoire va vous rappeler")
    ward.after(seconds=5)
    (said,) = ward.record()
    assert (said.accepted, said.read_back, said.keyed) == (False, "failed", ("8*6", "8*6"))
    (task,) = ward.paper(at="lab-slip")
    assert "À RAPPELER" in task
    assert "Dr Roux" in task


def test_the_second_try_may_be_right(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#1").keys("8*6#6*8#")
    caller.hears("C'est noté")
    (said,) = ward.record()
    assert (said.accepted, said.read_back, said.keyed) == (True, "ok", ("8*6", "6*8"))


def test_a_value_that_is_not_critical_needs_no_keys(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#1").hears("C'est noté")
    (said,) = ward.record()
    assert (said.accepted, said.read_back) == (True, "")


def test_a_mistyped_code_is_no_other_slip(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    right = slip_code(ward)
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    ward.dials().keys(LOGIN).keys(f"2{wrong}#").hears("pas le code d'une fiche")
    ward.dials().keys(LOGIN).keys(f"2{code.canonical(77777)}#").hears("Aucune fiche n'a ce code")


def test_a_slip_of_another_ward_is_not_acknowledged(ward):
    ward.receives(ward.sample(ward="NEURO"))
    ward.after(seconds=5)
    caller = (
        ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#").hears("pas pour un de vos services")
    )
    caller.hears_nothing_of("lefèbvre")


def test_a_slip_is_printed_again_and_says_so(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys(f"3{slip_code(ward)}#").hears("Lefèbvre")
    caller.keys("6").hears("L'impression est lancée en Cardiologie")
    ward.after(seconds=5)
    first, again = ward.paper()
    assert "DUPLICATA" not in first
    assert "DUPLICATA" in again
    assert "Potassium" in again


def test_a_copys_code_acknowledges_its_original(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys(f"3{slip_code(ward)}#6")
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#1").keys("6*8#").hears("C'est noté")
    (said,) = ward.record()
    assert said.accepted
    assert said.message_id == min(m["id"] for m in ward.store.messages())


# -- dictating, the platform, the end


def test_an_order_is_dictated_heard_and_comes_out_where_it_is_for(ward):
    caller = ward.dials()
    caller.spoken += [ward.recording(), ward.recording(seconds=2.0)]
    caller.keys(LOGIN).keys("42").hears("Cardiologie : un. Neurologie : deux").keys("2")
    caller.keys("4").hears("/").keys("3").keys("1").hears(
        "Votre demande est conservée", "Neurologie"
    )
    ward.after(seconds=5)
    (slip,) = ward.paper(at="neuro-slip")
    assert "DEMANDE DICTÉE" in slip
    assert "Dr Roux (4711)" in slip
    assert "2 s" in slip


def test_a_dictated_order_is_heard_again_by_the_code_of_its_slip(ward):
    caller = ward.dials()
    caller.spoken.append(ward.recording())
    caller.keys(LOGIN).keys("41").keys("1").hears("Laboratoire")
    ward.after(seconds=5)
    assert "DEMANDE DICTÉE" in ward.paper(at="lab-slip")[0]
    caller = ward.dials().keys("4712#161803#").keys(f"2{slip_code(ward)}#")
    caller.hears("Dictée de Dr Roux", "/speech/")


def test_nothing_recorded_is_nothing_sent(ward):
    caller = ward.dials()
    caller.keys(LOGIN).keys("41").hears("Rien n'a été enregistré").keys("2").hears("Au revoir")
    ward.after(seconds=5)
    assert ward.paper(at="lab-slip") == []


def test_the_platform_is_declared_down_by_two_persons(ward):
    caller = (
        ward.dials().keys(LOGIN).keys("5").hears("plateforme", "déclarer la plateforme en panne")
    )
    caller.keys("1").hears("seconde personne").keys(LOGIN).hears("Refusé")
    caller.keys("4712#161803#").hears("n'est pas habilitée")
    caller.keys("51").keys("4713#314159#").hears("chaque service est prévenu")
    ward.after(seconds=5)
    assert "MODE DÉGRADÉ" in ward.notices()[0]
    assert "Dr Roux, Mme Petit" in repr(ward.do(ward.store.outages()))
    ward.dials().keys(LOGIN).keys("5").hears(
        "en panne", "Depuis le trois août", "fin du mode dégradé"
    )


def test_who_may_not_declare_only_hears(ward):
    ward.dials().keys("4712#161803#").keys("5").hears("plateforme").hears_nothing_of("déclarer")


def test_nine_is_the_laboratory_everywhere(ward):
    caller = ward.dials().keys(LOGIN).keys("9").hears("laboratoire")
    assert caller.ended
    assert caller.connected


def test_hash_ends_and_silence_too(ward):
    assert ward.dials().keys(LOGIN).keys("#").hears("Au revoir").ended
    assert ward.dials().keys(LOGIN).says_nothing(3).ended


def test_a_voice_that_fails_says_so_and_acknowledges_nothing(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    ward.voice.mute_at = "potassium"
    caller = ward.dials().keys(LOGIN).keys("169102274#1").hears("appelez le laboratoire")
    assert caller.failure.check(Mute)
    (said,) = ward.record()
    assert (said.accepted, said.difficulties) == (False, "the voice failed")


def test_in_english_too(ward):
    ward.receives(critical(ward))
    ward.after(seconds=5)
    caller = ward.dials(language="en").keys(LOGIN).keys("169102274#1")
    caller.hears("critical value: one", "potassium: six point eight millimoles per litre")


def test_a_patient_of_two_wards_is_heard_ward_by_ward(ward):
    ward.receives(ward.sample(ward="NEURO", order="1"))
    ward.receives(critical(ward, order="2"))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("169102274#1").hears("six virgule huit")
    caller.keys("2").hears("C'est tout").hears_nothing_of("quatre virgule un")
    assert ROUX.wards == ("CARD",)
