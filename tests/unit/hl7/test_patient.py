import pytest

from gateway.hl7.delimiters import STANDARD
from gateway.hl7.patient import location_of, merged_ipp, patient_of, same_person
from gateway.hl7.syntax import Syntax
from gateway.message import Identifier, Location, Patient

SYNTAX = Syntax(STANDARD)


def pid(number="", name="", **fields):
    row = ["PID", "1", "", number, "", name, *[""] * 27]
    for key, value in fields.items():
        row[int(key[1:])] = value
    return row


def patient(number="", name="", *, pv1=None, **fields):
    return patient_of(pid(number, name, **fields), pv1, SYNTAX)


def test_a_plain_patient():
    read = patient("4711^^^CHU&1.2.250&ISO^PI", "Lefèvre^Hélène^^^^^L", p7="19720701", p8="F")
    assert read == Patient(
        family="Lefèvre",
        given="Hélène",
        birth_date="19720701",
        sex="F",
        ipp="4711",
        identifiers=(Identifier(value="4711", kind="PI", authority="CHU"),),
    )


def test_a_short_segment_is_no_fault():
    assert patient_of(["PID"], None, SYNTAX) == Patient()
    assert patient_of(["PID", "1", "", "4711"], ["PV1"], SYNTAX).ipp == "4711"


def test_the_hospital_number_is_the_one_of_type_pi_then_mr_then_the_first():
    assert patient("1^^^A^SS~2^^^A^MR~3^^^A^PI").ipp == "3"
    assert patient("1^^^A^SS~2^^^A^MR").ipp == "2"
    assert patient("1^^^A^SS~2").ipp == "1"


def test_a_national_identity_number_is_never_the_hospital_number():
    ins = "171190075650957^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    assert patient(f"{ins}~4711").ipp == "4711"
    assert patient(ins).ipp == ""
    assert patient("171190075650957^^^ASIP-SANTE-INS-NIA").ipp == ""
    assert patient(ins).identifiers[0].kind == "INS"


def test_old_systems_keep_the_number_in_pid_2():
    assert patient(p2="4711^^^CHU").ipp == "4711"
    assert patient("4711", p2="815").ipp == "4711"


def test_null_is_no_name_and_no_number():
    read = patient('""', 'Lefèvre^""', p7='""', p8='""')
    assert (read.given, read.birth_date, read.sex, read.identifiers) == ("", "", "", ())


@pytest.mark.parametrize(
    ("names", "used", "birth"),
    [
        ("MARTIN^Anne^^^^^L", ("MARTIN", "Anne"), ("", "")),
        ("MARTIN^Anne", ("MARTIN", "Anne"), ("", "")),
        # France: L is the birth name, D the one in use
        ("MARTIN^Anne^^^^^L~DURAND^Annie^^^^^D", ("DURAND", "Annie"), ("MARTIN", "Anne")),
        ("DURAND^Anne^^^^^D~MARTIN^Anne^^^^^L", ("DURAND", "Anne"), ("MARTIN", "")),
        # elsewhere: L is the legal name, M or B the birth name
        ("DURAND^Anne^^^^^L~MARTIN^^^^^^M", ("DURAND", "Anne"), ("MARTIN", "")),
        ("DURAND^Anne^^^^^L~MARTIN^^^^^^B", ("DURAND", "Anne"), ("MARTIN", "")),
        ("ALIAS^X^^^^^A~DURAND^Anne^^^^^L", ("DURAND", "Anne"), ("", "")),
        ("^^^^^^S~DURAND^Anne^^^^^D", ("DURAND", "Anne"), ("", "")),
        ("MARTIN^Anne^^^^^l~MARTIN^Annie^^^^^d", ("MARTIN", "Annie"), ("", "Anne")),
        ("van den Berg&van den&Berg^Jan", ("van den Berg", "Jan"), ("", "")),
        ("D\\T\\O^Anne", ("D&O", "Anne"), ("", "")),
        ("", ("", ""), ("", "")),
    ],
)
def test_the_name_in_use_and_the_birth_name_are_told_apart(names, used, birth):
    read = patient("4711", names)
    assert (read.family, read.given) == used
    assert (read.birth_name, read.birth_given) == birth


def test_the_visit_number_is_pv1_19_then_pid_18():
    pv1 = ["PV1", *[""] * 18, "V1^^^CHU^VN"]
    assert patient("4711", pv1=pv1, p18="A1").nda == "V1"
    assert patient("4711", pv1=["PV1"], p18="A1^^^CHU^AN").nda == "A1"
    assert patient("4711", p18="A1").nda == "A1"


def test_a_typed_visit_number_one_field_early_is_found():
    assert patient("4711", pv1=["PV1", *[""] * 17, "V1^^^CHU^VN"]).nda == "V1"
    assert patient("4711", pv1=["PV1", *[""] * 17, "34^PT"]).nda == ""


def test_the_account_number_is_one_of_the_patient_s_numbers():
    read = patient("4711", p18="A1^^^CHU")
    assert read.identifiers[-1] == Identifier(value="A1", kind="AN", authority="CHU")


def test_how_sure_the_identity_is_comes_along():
    assert patient("4711", p32="VALI").identity_status == "VALI"


def test_a_place():
    assert location_of("CARD^214^A^CHU&1.2&ISO^^BED", SYNTAX) == Location(
        unit="CARD", room="214", bed="A", facility="CHU"
    )
    assert location_of("CARD~NEURO", SYNTAX) == Location(unit="CARD")
    assert location_of("^^^", SYNTAX) is None
    assert location_of("", SYNTAX) is None


def test_the_number_that_is_no_more():
    assert merged_ipp("1^^^A^SS~2^^^A^PI", SYNTAX) == "2"
    assert merged_ipp("", SYNTAX) == ""


ANNE = patient("4711^^^CHU^PI", "DURAND^Anne", p7="19720701")


@pytest.mark.parametrize(
    "other",
    [
        patient("4711^^^CHU^PI", "DURAND^Anne", p7="19720701"),
        patient("815^^^X^SS~4711^^^CHU^PI", "durand^ANNE", p7="197207010000"),
        patient("4711^^^CHU^PI"),
        patient("", "DURAND^Anne", p7="19720701"),
    ],
)
def test_a_second_pid_of_the_same_person(other):
    assert same_person(ANNE, other)
    assert same_person(other, ANNE)


@pytest.mark.parametrize(
    "other",
    [
        patient("4712^^^CHU^PI", "DURAND^Anne", p7="19720701"),
        patient("4711^^^AUTRE^PI", "DURAND^Anne", p7="19720701"),
        patient("4711^^^CHU^PI", "DURANT^Anne", p7="19720701"),
        patient("4711^^^CHU^PI", "DURAND^Annie", p7="19720701"),
        patient("4711^^^CHU^PI", "DURAND^Anne", p7="19720702"),
        patient("", "DURAND^Anne"),
        patient(),
    ],
)
def test_in_doubt_a_second_pid_is_someone_else(other):
    assert not same_person(ANNE, other)
    assert not same_person(other, ANNE)
