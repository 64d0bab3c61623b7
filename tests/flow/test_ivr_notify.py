"""Wardline rings about a critical result: who hears what, what counts, and what is written down."""

from __future__ import annotations

import pytest

from gateway.delivery import Step
from gateway.directory import Roster, Shift
from gateway.router import Mode
from tests.flow.telephone import LOGIN, Ward

CALLS = (
    Step(by="call", within=90.0, to="ward"),
    Step(by="call", within=90.0, to="roster"),
    Step(by="courier"),
)
ALWAYS = Shift(days=frozenset(range(7)), begin=0, end=1440, person="4711")
WARD, ON_CALL = "2101", "2222"


@pytest.fixture
def ward():
    rosters = (Roster(name="cardio", shifts=(ALWAYS,)),)
    found = Ward(mode=Mode.DIRECT, calls=CALLS, rosters=rosters).open()
    yield found
    found.close()


def critical(ward, value="6.8", **changes):
    return ward.sample(analytes=(("2823-3^Potassium", value, "mmol/L", "HH"),), **changes)


def heard(ward, call=0):
    return " ".join(ward.callers[call].said)


def test_a_person_hears_reads_back_and_has_it(ward):
    ward.exchange.mood[WARD] = ward.answers(f"1{LOGIN}16*8#")
    ward.receives(critical(ward))
    ward.after(seconds=120)

    assert ward.exchange.numbers() == [WARD]
    (said,) = ward.record()
    assert (said.accepted, said.person, said.via, said.read_back) == (True, "4711", "call", "ok")
    assert said.keyed == ("6*8",)
    assert "six virgule huit millimoles par litre" in said.conveyed
    assert "C'est noté" in heard(ward)
    assert ward.do(ward.store.unacknowledged(since=0.0)) == []


def test_before_a_code_nobody_hears_who_or_what(ward):
    ward.exchange.mood[WARD] = ward.answers("1")
    ward.receives(critical(ward))
    ward.after(seconds=10)

    assert "Résultat urgent, service Cardiologie" in heard(ward)
    for secret in ("lefèbvre", "potassium", "virgule huit", "critique"):
        assert secret not in heard(ward).lower()


def test_an_answering_machine_hears_no_patient_and_does_not_count(ward):
    ward.exchange.mood[WARD] = ward.answers("")
    ward.exchange.mood[ON_CALL] = ward.answers(f"1{LOGIN}16*8#")
    ward.receives(critical(ward))
    ward.after(seconds=300)

    assert ward.exchange.numbers()[-1] == ON_CALL
    machine = heard(ward).lower()
    assert "lefèbvre" not in machine
    assert "potassium" not in machine
    (said,) = ward.record()
    assert said.accepted


def test_a_wrong_number_says_so_and_is_not_rung_again(ward):
    ward.exchange.mood[WARD] = ward.answers("9")
    ward.receives(critical(ward))
    ward.after(seconds=200)

    assert ward.exchange.numbers().count(WARD) == 1
    assert any("NUMÉRO" in slip for slip in ward.paper(at="lab-slip"))
    assert "lefèbvre" not in heard(ward).lower()


def test_three_wrong_codes_are_nobody(ward):
    ward.exchange.mood[WARD] = ward.answers("1" + "4711#000000#" * 3)
    ward.receives(critical(ward))
    ward.after(seconds=10)

    assert "Refusé" in heard(ward)
    assert "potassium" not in heard(ward).lower()
    assert ward.record() == []


def test_somebody_of_another_ward_hears_nothing(ward):
    ward.exchange.mood[WARD] = ward.answers("14713#314159#1")
    ward.receives(critical(ward))
    ward.after(seconds=10)

    assert "Vous n'avez pas accès" in heard(ward)
    assert "lefèbvre" not in heard(ward).lower()


def test_a_value_keyed_wrong_twice_is_a_difficulty_and_the_laboratorys_task(ward):
    ward.exchange.mood[WARD] = ward.answers(f"1{LOGIN}18*6#8*6#")
    ward.receives(critical(ward))
    ward.after(seconds=10)

    said = ward.record()[0]
    assert (said.accepted, said.read_back, said.keyed) == (False, "failed", ("8*6", "8*6"))
    assert any("À RAPPELER" in slip for slip in ward.paper(at="lab-slip"))
    assert len(ward.do(ward.store.unacknowledged(since=0.0))) == 1


def test_hanging_up_after_the_value_does_not_count(ward):
    ward.exchange.mood[WARD] = ward.answers(f"1{LOGIN}", hangs_up=True)
    ward.receives(critical(ward))
    ward.after(seconds=10)

    said = ward.record()[0]
    assert not said.accepted
    assert said.difficulties == "hung up before acknowledging"
    assert len(ward.do(ward.store.unacknowledged(since=0.0))) == 1


def test_two_results_in_one_call_and_one_of_them_heard(ward):
    ward.receives(critical(ward, order="1"))
    ward.receives(critical(ward, value="2.1", ipp="777", family="MARTIN", order="2"))
    ward.exchange.mood[WARD] = ward.answers(f"1{LOGIN}16*8#1", hangs_up=True)
    ward.after(seconds=50)  # the first call rings in vain, the second is about both

    assert ["six virgule huit" in heard(ward), "deux virgule un" in heard(ward)] == [True, True]
    accepted = [a for a in ward.record() if a.accepted]
    assert len(accepted) == 1
    (left,) = ward.do(ward.store.unacknowledged(since=0.0))
    assert left.patient_key == "777"


def test_what_comes_while_somebody_is_on_the_telephone_is_told_in_the_same_call(ward):
    ward.exchange.mood[WARD] = ward.answers(f"1{LOGIN}16*8#12*1#")
    ward.receives(critical(ward, order="1"))
    ward.after(seconds=1)  # it rings
    ward.receives(critical(ward, value="2.1", ipp="777", family="MARTIN", order="2"))
    ward.receives(
        ward.sample(
            analytes=(("2823-3^Potassium", "7.1", "mmol/L", "HH"),),
            ward="NEURO",
            ipp="888",
            order="3",
        )
    )
    ward.after(seconds=5)

    assert ward.exchange.numbers().count(WARD) == 1
    assert "un autre résultat vient d'arriver" in heard(ward).lower().replace("1", "un")
    assert [a.keyed for a in ward.record() if a.accepted] == [("6*8",), ("2*1",)]
    (left,) = ward.do(ward.store.unacknowledged(since=0.0))
    assert left.patient_key == "888"
    ward.after(seconds=60)
    assert ward.exchange.numbers().count(WARD) == 1


def test_what_joined_and_was_not_heard_rings_again(ward):
    ward.exchange.mood[WARD] = ward.answers(f"1{LOGIN}16*8#", hangs_up=True)
    ward.receives(critical(ward, order="1"))
    ward.after(seconds=1)
    ward.receives(critical(ward, value="2.1", ipp="777", family="MARTIN", order="2"))
    ward.after(seconds=5)
    assert str(ward.outcomes_of_calls[0].ending) == "partly acknowledged"
    ward.after(seconds=30)
    assert ward.exchange.numbers().count(WARD) >= 2
    assert len(ward.do(ward.store.unacknowledged(since=0.0))) == 1


def test_what_was_acknowledged_by_paper_is_not_rung_any_more(ward):
    from printers import code

    ward.receives(critical(ward))
    ward.after(seconds=1)
    (paper,) = [d["id"] for m in ward.store.messages() for d in m["deliveries"] if d["slip"]]
    ward.dials().keys(LOGIN).keys(f"2{code.canonical(paper)}#1").keys("6*8#").hears("C'est noté")
    ward.after(seconds=300)

    assert ward.exchange.numbers() in ([], [WARD])
    assert [a.via for a in ward.record()] == ["phone"]


def test_a_voice_that_fails_acknowledges_nothing_and_the_next_person_is_rung(ward):
    ward.voice.mute_at = "potassium"
    ward.exchange.mood[WARD] = ward.answers(f"1{LOGIN}16*8#")
    ward.receives(critical(ward))
    ward.after(seconds=10)

    assert "appelez le laboratoire" in heard(ward)
    assert not any(a.accepted for a in ward.record())
