"""What a clinician hears of a message is what stands on its slip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asterisk.speech.lexicon import built_in
from gateway.asterisk.speech.reading import agrees, identity, identity_spelled, keyed, read_out
from gateway.message import Attachment, Flag, Group, Observation, Status
from gateway.render import earlier_values
from tests.unit.render.samples import (
    group,
    message,
    observation,
    patient,
    potassium,
    printed,
    result,
)

FR, EN = built_in("fr"), built_in("en")
PARIS = "Europe/Paris"


def heard(sent, *before, lexicon=FR):
    corrections = earlier_values([printed(m) for m in before])
    return read_out(sent, lexicon, zone=PARIS, corrections=corrections)


def text(reading):
    return " ".join((*reading.opening, *(line.text for line in reading.lines)))


def test_a_critical_value_is_said_as_such_and_twice():
    reading = heard(result(potassium("6.8")))
    assert reading.opening[0] == "Valeur critique : 1."
    (critical,) = reading.criticals
    assert critical.text == (
        "potassium: six virgule huit millimoles par litre. valeur critique haute."
        " référence de trois virgule cinq à cinq virgule un. je répète : six virgule huit."
    )
    assert (critical.name, critical.value, critical.keyed) == ("potassium", "6.8", "6*8")


def test_the_same_in_english():
    assert "potassium: six point eight millimoles per litre. critical value, high" in text(
        heard(result(potassium("6.8")), lexicon=EN)
    )


def test_a_plain_value_is_said_without_more():
    (_, line) = heard(result(observation("142", name="Sodium", code="2951-2"))).lines
    assert line.text == "sodium: cent quarante-deux millimoles par litre."


def test_a_correction_says_what_it_replaces():
    corrected = result(potassium("6.8", status=Status.CORRECTED))
    reading = heard(corrected, result(observation("4.1")))
    assert "Correction." in reading.opening
    assert "correction : remplace quatre virgule un" in text(reading)


def test_a_correction_of_what_never_came_here_says_so():
    assert "corrige une valeur inconnue ici" in text(
        heard(result(potassium(status=Status.CORRECTED)))
    )


def test_a_withdrawn_value_is_not_said():
    reading = heard(
        result(potassium("6.8", status=Status.WITHDRAWN), observation("5.0", name="Glucose"))
    )
    assert "Un résultat est retiré : ne pas l'utiliser." in reading.opening
    assert "Une valeur critique est annulée." in reading.opening
    assert "potassium : retiré, ne pas l'utiliser." in text(reading)
    assert "six virgule huit" not in text(reading)
    assert reading.criticals == ()


def test_what_is_to_come_and_what_is_attached_is_said():
    document = Attachment(title="CR", media_type="application/pdf", size=10)
    reading = heard(result(observation("", status=Status.PENDING),
                           observation("", name="Compte rendu", code="X", attachment=document)))  # fmt: skip
    assert "potassium: à venir." in text(reading)
    assert "Compte rendu: un document est joint" in text(reading)


def test_notes_and_long_texts_are_said_and_what_is_left_out_is_counted():
    reading = heard(result(observation("a" + " bé" * 200, name="Culture", code="X", unit="",
                                       notes=("hémolysé à 30 %",))))  # fmt: skip
    assert "Note : hémolysé à trente pour cent." in text(reading)
    assert "et deux cent un caractères de plus sur le papier" in text(reading)


def test_a_message_without_values_is_not_silent():
    assert (
        "Ce message ne contient aucune valeur : demander au laboratoire."
        in heard(message()).opening
    )


def test_a_test_message_never_sounds_real():
    assert "Ceci est un essai" in heard(message(group(potassium()), test=True)).opening[0]


def test_who_it_is_about_is_said_and_spelled():
    who = patient(family="LEFÈBVRE", given="Éloïse", birth_name="MARTIN")
    assert identity(who, FR, zone=PARIS) == (
        "Lefèbvre Éloïse, nom de naissance Martin,"
        " né ou née le quatorze février mille neuf cent soixante et un."
    )
    assert identity_spelled(who, FR).startswith("L comme Louis, E comme Eugène, F comme François")
    assert "six neuf un zéro deux deux sept quatre" in identity_spelled(who, FR)


def test_a_missing_identity_is_said_to_be_missing():
    assert "sans identité" in identity(None, FR, zone=PARIS)
    nobody = identity(patient(family="", given="", birth_date=""), FR, zone=PARIS)
    assert nobody == "sans nom, date de naissance inconnue."


@pytest.mark.parametrize(
    ("value", "keys"),
    [("6.8", "6*8"), ("6,8", "6*8"), ("142", "142"), ("<0.01", "0*01"), ("positif", ""), ("1/160", ""),
     ("3 à 5", ""), ("12 500", "12500"), ("1\u202f250,5", "1250*5"), ("-2,3", "2*3"), ("> 1000", "1000"),
     ("1+", "1"), ("6.8 mmol/L", "6*8"), ("6.8mmol/L", "6*8"), ("SARS-CoV-2 détecté", ""), ("B12", ""),
     ("1e-3", ""), ("10^5", ""), ("10⁹", ""), ("5-10", ""), ("½", ""), ("12/03/2026", "")],
)  # fmt: skip
def test_the_keys_of_a_value(value, keys):
    assert keyed(value) == keys


def test_a_name_in_another_script_comes_with_a_number():
    who = identity(patient(family="ИВАНОВ", given="Владимир"), FR, zone=PARIS)
    assert "le nom est dans une autre écriture" in who
    assert "six neuf un zéro deux deux sept quatre" in who


@pytest.mark.parametrize(
    ("value", "said"),
    [("20160524", "vingt-quatre mai deux mille seize"),
     ("20160524103000", "vingt-quatre mai deux mille seize, dix heures trente")],
)  # fmt: skip
def test_a_date_that_is_a_value_is_said_as_a_date(value, said):
    found = Observation(code="11368-8", name="Début des signes", value=value)
    assert said in text(heard(message(Group(observations=(found,)))))


def test_a_count_of_eight_figures_is_a_number():
    found = Observation(code="1", name="Charge virale", value="20160524", unit="copies/mL")
    assert "vingt millions" in text(heard(message(Group(observations=(found,)))))


@pytest.mark.parametrize("pressed", ["6*8", "6*80", "06*8"])
def test_the_right_value_agrees(pressed):
    assert agrees(pressed, "6*8")


@pytest.mark.parametrize("pressed", ["", "*", "68", "6*9", "8*6", "6*", "6**8", "6*8*1", "6#8"])
def test_any_other_does_not(pressed):
    assert not agrees(pressed, "6*8")


@given(st.decimals(min_value=0, max_value=99999, places=2), st.text("0123456789*", max_size=8))
def test_only_the_same_number_agrees(value, pressed):
    written = f"{value:f}"
    assert agrees(keyed(written), keyed(written))
    try:
        same = float(pressed.replace("*", ".", 1)) == float(value)
    except ValueError:
        same = False
    assert agrees(pressed, keyed(written)) == same


ODD = st.text(max_size=40)


ANY = st.builds(
    Observation, code=ODD, name=ODD, value=ODD, unit=ODD, reference=ODD,
    flag=st.sampled_from(Flag), status=st.sampled_from(Status),
)  # fmt: skip


@given(ANY)
def test_no_content_makes_it_raise_or_be_silent(odd):
    reading = heard(message(Group(observations=(odd,), status=odd.status)))
    assert all(line.text.strip(" .:,") for line in reading.lines)
    assert not any(c in "0123456789" for c in text(reading).replace("Valeur critique : 1.", ""))
