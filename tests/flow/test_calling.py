"""A critical result rings until a person has it; nobody is rung twice for nothing, nobody forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.delivery import Step
from gateway.directory import Person, Roster, Shift
from gateway.router import Mode
from gateway.store import Acknowledgement
from tests.flow.conftest import Hospital

CALLS = (
    Step(by="call", within=90.0, to="ward"),
    Step(by="call", within=90.0, to="roster"),
    Step(by="courier"),
)
ROUX = Person(code="4711", name="Dr Roux", wards=("CARD",), phone="2222")
ALWAYS = Shift(days=frozenset(range(7)), begin=0, end=1440, person="4711")


@pytest.fixture
def hospital():
    found = Hospital(
        mode=Mode.DIRECT, calls=CALLS, people=(ROUX,),
        rosters=(Roster(name="cardio", shifts=(ALWAYS,)),),
    ).open()  # fmt: skip
    yield found
    found.close()


def acknowledges(hospital, *, only=None, person="4711"):
    """Somebody answers, hears and acknowledges everything, or the first `only` of it."""

    async def talk(token):
        batch = hospital.calling.batch(token)
        for item in list(batch.left())[:only]:
            await hospital.store.acknowledge(
                Acknowledgement(
                    message_id=item.stored.id, delivery_id=item.delivery.id, person=person,
                    at=hospital.time.now(), name="Dr Roux", via="call", read_back="ok",
                )
            )  # fmt: skip
            batch.done.add(item.stored.id)
        batch.detail = "acknowledged"

    return talk


def says_wrong_number(hospital):
    async def talk(token):
        hospital.calling.batch(token).wrong_number = True

    return talk


async def _machine(token):
    """It answers, keys nothing, and hears nothing that counts."""


def critical(hospital, **changes):
    return hospital.sample(analytes=(("2823-3^Potassium", "6.8", "mmol/L", "HH"),), **changes)


def test_the_wards_telephone_rings_beside_the_paper_and_stops_once_somebody_has_it(hospital):
    hospital.exchange.mood["2101"] = acknowledges(hospital)

    hospital.receives(critical(hospital))
    hospital.after(seconds=600)

    assert hospital.exchange.numbers() == ["2101"]
    assert len(hospital.paper()) == 1
    assert hospital.outcomes() == ["CARD call delivered", "CARD slip delivered"]
    assert hospital.do(hospital.store.unacknowledged(since=0.0)) == []


def test_a_routine_result_rings_nobody(hospital):
    hospital.receives(hospital.sample())
    hospital.after(seconds=600)

    assert hospital.exchange.numbers() == []


def test_unanswered_it_climbs_to_who_is_on_call_then_somebody_walks(hospital):
    hospital.receives(critical(hospital))
    hospital.after(seconds=250)

    rung = hospital.exchange.numbers()
    assert rung[:3] == ["2101", "2101", "2222"]
    assert set(rung) == {"2101", "2222"}
    (walks,) = hospital.paper(at="lab-slip")
    assert "COURSIER" in walks
    (waiting,) = hospital.do(hospital.store.unacknowledged(since=0.0))
    assert waiting.ward == "CARD"


def test_a_machine_that_answers_is_nobody(hospital):
    hospital.exchange.mood["2101"] = _machine
    hospital.exchange.mood["2222"] = acknowledges(hospital)

    hospital.receives(critical(hospital))
    hospital.after(seconds=300)

    rung = hospital.exchange.numbers()
    assert rung.count("2101") >= 3
    assert rung[-1] == "2222"
    attempts = [
        a for m in hospital.store.messages() for d in m["deliveries"] for a in d["attempts"]
    ]
    assert "answered, nobody identified" in {a["detail"] for a in attempts}


def test_who_declines_is_not_rung_again_at_once_but_the_next_person(hospital):
    hospital.exchange.mood["2101"] = "rejected"
    hospital.exchange.mood["2222"] = acknowledges(hospital)

    hospital.receives(critical(hospital))
    hospital.after(seconds=30)

    assert hospital.exchange.numbers() == ["2101", "2222"]


def test_several_results_for_one_ward_are_one_call(hospital):
    hospital.exchange.mood["2101"] = "busy"
    for number in range(5):
        hospital.receives(critical(hospital, ipp=f"7000{number}", order=f"8800{number}"))
    hospital.after(seconds=1)
    hospital.exchange.mood["2101"] = acknowledges(hospital)

    hospital.after(seconds=60)

    assert len(hospital.exchange.rings) <= 3
    assert hospital.do(hospital.store.unacknowledged(since=0.0)) == []


def test_what_was_acknowledged_only_in_part_rings_again_for_the_rest(hospital):
    hospital.exchange.mood["2101"] = "busy"
    for number in range(3):
        hospital.receives(critical(hospital, ipp=f"7000{number}", order=f"8800{number}"))
    hospital.exchange.mood["2101"] = acknowledges(hospital, only=1)

    hospital.after(seconds=100)

    assert hospital.do(hospital.store.unacknowledged(since=0.0)) == []
    assert len(hospital.exchange.rings) >= 3


def test_said_to_the_laboratory_while_it_rings_the_call_ends_within_two_seconds(hospital):
    hospital.exchange.mood["2101"] = "rings for ever"
    hospital.receives(critical(hospital))
    hospital.after(seconds=5)
    (ring,) = hospital.exchange.rings
    (message,) = [m for m in hospital.store.messages() if m["kind"] == "result"]

    said = hospital.clock.seconds()
    hospital.do(
        hospital.store.acknowledge(
            Acknowledgement(
                message_id=message["id"], at=hospital.time.now(), name="IDE Paul", via="desk"
            )
        )
    )
    hospital.after(seconds=300)

    assert ring.ended is not None
    assert ring.ended - said <= 2.0
    assert len(hospital.exchange.rings) == 1


def test_a_wrong_number_is_rung_no_more_and_told(hospital):
    hospital.exchange.mood["2101"] = says_wrong_number(hospital)
    hospital.exchange.mood["2222"] = acknowledges(hospital)

    hospital.receives(critical(hospital))
    hospital.after(seconds=30)
    hospital.receives(critical(hospital, ipp="70001", order="88001"))
    hospital.after(seconds=30)

    assert hospital.exchange.numbers() == ["2101", "2222", "2222"]
    assert any("MAUVAIS NUMÉRO" in text for text in hospital.paper(at="lab-slip"))


def test_a_lost_link_is_no_answer_and_it_rings_again(hospital):
    hospital.exchange.mood["2101"] = "cut"

    hospital.receives(critical(hospital))
    hospital.after(seconds=10)
    hospital.exchange.mood["2101"] = acknowledges(hospital)
    hospital.after(seconds=30)

    assert hospital.exchange.numbers() == ["2101", "2101"]
    assert hospital.do(hospital.store.unacknowledged(since=0.0)) == []


def test_no_more_lines_are_taken_than_the_site_allows_and_wards_take_turns(hospital):
    hospital.exchange.mood |= {"2101": "no answer", "2102": "no answer"}
    for number in range(4):
        hospital.receives(critical(hospital, ipp=f"7000{number}", order=f"8800{number}"))
        hospital.receives(
            critical(hospital, ward="NEURO", ipp=f"6000{number}", order=f"6600{number}")
        )
    hospital.after(seconds=80)

    rings = hospital.exchange.rings
    for ring in rings:
        until = ring.ended or float("inf")
        at_once = [r for r in rings if r.at <= ring.at < (r.ended or float("inf"))]
        assert len(at_once) <= 2, until
    assert {"2101", "2102"} <= {r.number for r in rings}


def test_one_person_on_call_for_two_wards_is_rung_by_one_call_at_a_time(hospital, monkeypatch):
    wards = hospital.directory.wards
    monkeypatch.setitem(wards, "NEURO", replace(wards["NEURO"], phone="2101"))
    hospital.exchange.mood["2101"] = acknowledges(hospital)
    hospital.receives(critical(hospital))
    hospital.receives(critical(hospital, ward="NEURO", ipp="60001", order="66001"))
    hospital.after(seconds=30)

    first, second = hospital.exchange.rings
    assert second.at >= first.ended
    assert hospital.do(hospital.store.unacknowledged(since=0.0)) == []


def test_a_restart_in_mid_call_rings_again_and_loses_nothing(hospital):
    hospital.exchange.mood["2101"] = "rings for ever"
    hospital.receives(critical(hospital))
    hospital.after(seconds=5)

    hospital.close()
    hospital.exchange.mood["2101"] = acknowledges(hospital)
    hospital.wire()
    hospital.after(seconds=60)

    assert hospital.do(hospital.store.unacknowledged(since=0.0)) == []


# -- a correction goes where the earlier value went


def test_who_heard_the_earlier_value_is_called_with_the_correction(hospital):
    hospital.exchange.mood["2101"] = acknowledges(hospital)
    hospital.receives(critical(hospital))
    hospital.after(seconds=30)
    hospital.exchange.mood["2222"] = acknowledges(hospital)

    hospital.receives(
        hospital.sample(analytes=(("2823-3^Potassium", "4.1", "mmol/L", ""),), status="C")
    )
    hospital.after(seconds=30)

    assert hospital.exchange.numbers() == ["2101", "2222"]  # the person, not whoever is there now
    first, second = hospital.paper()
    assert "CORRECTION" in second
    assert "CORRECTION" not in first


def test_paper_next_door_is_followed_by_its_correction(hospital):
    hospital.trouble("paper out")
    hospital.receives(critical(hospital))
    hospital.after(seconds=30)
    hospital.trouble("paper in")
    hospital.after(seconds=30)

    hospital.receives(
        hospital.sample(analytes=(("2823-3^Potassium", "4.1", "mmol/L", ""),), status="C")
    )
    hospital.after(seconds=30)

    assert "CORRECTION" in hospital.paper(at="neuro-slip")[-1]
    assert "CORRECTION" in hospital.paper()[-1]


def test_a_correction_during_the_outage_says_that_there_is_one(hospital):
    hospital.mode = Mode.RELAY
    hospital.link.mood = "dead"
    hospital.receives(critical(hospital))
    hospital.after(seconds=30)

    hospital.receives(
        hospital.sample(analytes=(("2823-3^Potassium", "4.1", "mmol/L", ""),), status="C")
    )
    hospital.after(seconds=30)

    first, second = hospital.paper()
    assert "MODE DÉGRADÉ" in first
    assert "CORRECTION" in second
    assert "MODE DÉGRADÉ" in second
    assert len(hospital.link.received) == 0
