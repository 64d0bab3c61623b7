"""Values, units, names and dates as they are said; what the lexicon lacks is spelled, never dropped."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asterisk.speech import lexicon, name, prose, unit
from gateway.asterisk.speech.lexicon import built_in
from gateway.errors import Unusable

FR, EN = built_in("fr"), built_in("en")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<0.01", "inférieur à zéro virgule zéro un"),
        ("≥ 32", "supérieur ou égal à trente-deux"),
        ("3.5-5.1", "de trois virgule cinq à cinq virgule un"),
        ("3,5 – 5,1", "de trois virgule cinq à cinq virgule un"),
        ("5-10/champ", "de cinq à dix par champ"),
        ("1/160", "un sur cent soixante"),
        ("1:160", "un pour cent soixante"),
        ("+++", "plus plus plus"),
        ("±", "plus ou moins"),
        ("12 000", "douze mille"),
        ("10^5 UFC/mL", "dix puissance cinq U F C par millilitre"),
        ("> 1,5 × 10⁹", "supérieur à un virgule cinq fois dix puissance neuf"),
        ("1,5g", "un virgule cinq g"),
        ("½", "un sur deux"),
        ("2.3.4", "deux virgule trois virgule quatre"),
        ("O POS", "o positif"),
        ("CRP élevée", "cé erre pé élevée"),
        ("DÉTECTÉ", "détecté"),
        ("SARS-CoV-2", "SARS-cove deux"),
        ("CA 19-9", "cé a dix-neuf, neuf"),
        ("25-OH vitamine D", "vingt-cinq o ache vitamine dé"),
        ("-2-3", "de moins deux à trois"),
        ("-5 - -2", "de moins cinq à moins deux"),
        ("1 250,5", "mille deux cent cinquante virgule cinq"),
        ("1,2 x 10^9", "un virgule deux fois dix puissance neuf"),
        ("> 10^5/mL", "supérieur à dix puissance cinq par millilitre"),
        ("5 µg", "cinq microgrammes"),
        ("37,2 °C", "trente-sept virgule deux degrés Celsius"),
        ("8h30", "huit heures trente"),
        ("PaO2/FiO2", "P A O deux sur F I O deux"),
        ("E. coli BLSE", "e. coli B L S E"),
        ("le 5/3/2026", "le cinq mars deux mille vingt-six"),
        ("B12", "bé un deux"),
        ("le 12/03/2026 à 18:30", "le douze mars deux mille vingt-six à dix-huit heures trente"),
        ("31/02/2026", "trois un sur zéro deux sur deux zéro deux six"),
        ("ligne 1\nligne 2", "ligne un. ligne deux"),
        ("日", "signe inconnu"),
        ("Escherichia coli", "Escherichia coli"),
    ],
)
def test_a_value_in_words(written, said):
    assert prose.prose(FR, written) == said


@given(st.text(max_size=80))
def test_no_text_makes_it_raise_or_leaves_a_figure(text):
    for words in (FR, EN):
        assert not re.search("[0-9\n]", prose.prose(words, text))


@given(st.characters(categories=["L", "N", "S", "Po", "Pd"], exclude_characters='.,;:!?…"«»–—·'))
def test_no_letter_figure_or_sign_is_dropped(character):
    assert prose.prose(FR, f"a {character} a") not in ("a a", "a, a")


@pytest.mark.parametrize(
    ("written", "french", "english"),
    [
        ("mmol/L", "millimoles par litre", "millimoles per litre"),
        ("MMOL/L", "millimoles par litre", "millimoles per litre"),
        ("µmol/L", "micromoles par litre", "micromoles per litre"),
        ("\u03bcmol/l", "micromoles par litre", "micromoles per litre"),
        ("g/dL", "grammes par décilitre", "grams per decilitre"),
        ("mg/24h", "milligrammes par vingt-quatre heures", "milligrams per twenty-four hours"),
        ("g/L", "grammes par litre", "grams per litre"),
        ("g/l", "grammes par litre", "grams per litre"),
        ("G/l", "giga par litre", "times ten to the nine per litre"),
        ("10*9/L", "giga par litre", "times ten to the nine per litre"),
        ("x 10⁹/L", "giga par litre", "times ten to the nine per litre"),
        ("10E9/L", "giga par litre", "times ten to the nine per litre"),
        ("kg/m²", "kilogrammes par mètre carré", "kilograms per square metre"),
        (
            "mL/min/1,73 m²",
            "millilitres par minute pour un virgule sept trois mètre carré",
            "millilitres per minute per one point seven three square metre",
        ),
        (
            "mg/mmol creat",
            "milligrammes par millimole créatinine",
            "milligrams per millimole creatinine",
        ),
        ("sec.", "secondes", "seconds"),
        (
            "m[iU]/L",
            "milli-unités internationales par litre",
            "milli international units per litre",
        ),
        ("mg/g{crea}", "milligrammes par gramme crea", "milligrams per gram crea"),
        ("/champ", "par champ", "per field"),
        ("foo/L", "effe o o par litre", "eff oh oh per litre"),
        ("", "", ""),
    ],
)
def test_a_unit_is_never_left_to_the_engine(written, french, english):
    assert unit.unit(FR, written) == french
    assert unit.unit(EN, written) == english


@pytest.mark.parametrize("lexicon_of", [FR, EN])
def test_a_unit_whose_parts_are_known_is_said_by_them_and_by_no_other_case(lexicon_of):
    """85 g/L of haemoglobin were said as giga per litre once: G/L, in another case."""
    per = lexicon_of.grammar["per"]
    for first, (_, many) in lexicon_of.unit_parts.items():
        for second, (one, _) in lexicon_of.unit_parts.items():
            if f"{first}/{second}" not in lexicon_of.units:
                assert unit.unit(lexicon_of, f"{first}/{second}") == f"{many} {per} {one}"


def test_one_letter_of_another_case_is_another_unit():
    """mU is a thousandth of a unit, MU a million: where case decides, nothing is guessed."""
    assert unit.unit(FR, "mU/L") == "milli-unités par litre"
    assert unit.unit(FR, "Ml") == "millilitres"  # all that it can be
    assert unit.unit(FR, "M") == "aime"


def test_a_name_is_spelled_with_its_accents():
    assert name.spelled(FR, "LÉ-Ô") == (
        "L comme Louis, E comme Eugène accent aigu, trait d'union, O comme Oscar accent circonflexe"
    )
    assert name.said("DE LA FONTAINE-DUPRÉ Jean") == "De La Fontaine-Dupré Jean"


def test_letters_that_french_has_not_are_named_and_other_scripts_said_once():
    assert name.spelled(FR, "Łø") == "L comme Louis barré, O comme Oscar barré"
    assert name.spelled(FR, "JR.") == "J comme Joseph, R comme Raoul, point"
    assert name.spelled(FR, "Владимир") == "signe inconnu"
    assert name.readable("N'GUYỄN-Łukasz")
    assert not name.readable("Владимир")


@given(st.text(min_size=1, max_size=60).filter(lambda t: t.strip()))
def test_every_letter_of_a_name_is_spelled(text):
    assert len(name.spelled(FR, text).split(", ")) >= 1
    assert all(part.strip() for part in name.spelled(FR, text).split(", "))


def test_dates_and_times():
    assert prose.date_of(FR, date(1953, 4, 1)) == "premier avril mille neuf cent cinquante-trois"
    assert prose.date_of(EN, date(1905, 4, 22)) == "twenty-two April nineteen oh five"
    assert prose.date_of(EN, date(2005, 1, 2), precision=1) == "two thousand five"
    assert prose.clock(FR, 7, 5) == "sept heures cinq"
    assert prose.clock(EN, 7, 5) == "seven oh five"


def test_a_lab_adds_words_of_its_own(tmp_path):
    own = (lexicon.HOME / "fr.toml").read_text("utf-8")
    (tmp_path / "fr.toml").write_text(own.replace('"soixante-dix"', '"septante"'), "utf-8")
    assert lexicon.read(tmp_path / "fr.toml").numbers[70] == "septante"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('"septembre"', "9"), "months: 9 is not a text"),
        (('0 = "zéro"\n', ""), "numbers says nothing of 0"),
        (("[flags]", "[colours]"), "says nothing of flags"),
        (('["mole", "moles"]', '"mole"'), "unit_parts: mol is not"),
        (("[grammar]", "[grammar"), "at line"),
    ],
)
def test_a_faulty_lexicon_is_refused_with_its_place(tmp_path, change, fault):
    own = (lexicon.HOME / "fr.toml").read_text("utf-8")
    (tmp_path / "own.toml").write_text(own.replace(*change), "utf-8")
    with pytest.raises(Unusable, match=re.escape(fault)):
        lexicon.read(tmp_path / "own.toml")


def test_both_languages_have_the_same_tables():
    for table in ("grammar", "symbols", "accents", "letters", "spelling", "months", "units", "unit_parts",
                  "analytes", "flags"):  # fmt: skip
        assert getattr(FR, table).keys() == getattr(EN, table).keys()


def test_a_language_without_a_lexicon_is_spoken_in_english():
    assert built_in("xx").language == "en"
    assert built_in("../../etc").language == "en"
