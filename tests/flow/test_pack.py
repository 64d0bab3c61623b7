"""A ward can look back: who is present and their last results, when an outage begins or when asked."""

from __future__ import annotations

import pytest

from gateway.pack import FRESH, PATIENTS, PackDesk, Schedule
from gateway.poller import Repeat
from gateway.router import Mode


def moves(hospital, ipp, *, event="A01", ward="CARD", bed="A", family="LEFÈBVRE"):
    """ADT says where a patient is."""
    number = next(hospital.numbers)
    hospital.receives(
        f"MSH|^~\\&|GAM|H|W|H|20240803||ADT^{event}|M{number}|P|2.5||||||UNICODE UTF-8\r"
        f"PID|1||{ipp}^^^H^PI||{family}^Éloïse||19530422|F\rPV1|1|I|{ward}^12^{bed}\r".encode()
    )


@pytest.fixture
def packing(hospital):
    """Starts the pack desk with a schedule; again, as after a restart."""
    desks = []

    def start(**schedule):
        for repeat in desks:
            repeat.stopService()
        desk = PackDesk(
            hospital.store,
            schedule=Schedule(**schedule),
            wards=["CARD", "NEURO"],
            clock=hospital.time,
            outage=lambda: hospital.desk.current,
            accepted=hospital.dispatcher.accepted,
        )
        repeat = Repeat(desk.look, every=2.0, clock=hospital.time, what="packs")
        repeat.startService()
        desks.append(repeat)
        return desk

    hospital.mode = Mode.TAP
    yield start
    for repeat in desks:
        repeat.stopService()


def packs(hospital, at="cardio-slip"):
    return [text for text in hospital.paper(at) if "DOSSIER DE SECOURS" in text]


def asks(hospital, ward="CARD", at=None):
    at = hospital.time.now() if at is None else at
    hospital.do(
        hospital.store.say(at=at, by="Dr Martin", word="pack", reason="", detail={"ward": ward})
    )


def test_at_the_beginning_of_an_outage_each_ward_has_its_patients_last_results(hospital, packing):
    packing(at_outage=True)
    moves(hospital, "69102274")
    moves(hospital, "7", ward="NEURO", family="PETIT")
    hospital.receives(hospital.sample())
    hospital.after(seconds=10)
    assert packs(hospital) == []

    hospital.watch.say_down(by="test", reason="coupure")
    hospital.after(seconds=30)

    (cardio,), (neuro,) = packs(hospital), packs(hospital, at="neuro-slip")
    assert "MODE DÉGRADÉ" in cardio
    assert "Information au 03/08/2024 11:00" in cardio
    assert "LEFÈBVRE Éloïse" in cardio
    assert "Potassium" in cardio
    assert "PETIT" not in cardio
    assert "Aucun résultat." in neuro


def test_while_it_lasts_there_is_a_new_one_every_so_often(hospital, packing):
    packing(at_outage=False, every=600.0)
    moves(hospital, "69102274")
    hospital.watch.say_down(by="test", reason="coupure")
    hospital.after(seconds=590)
    assert packs(hospital) == []

    hospital.after(seconds=640)

    assert len(packs(hospital)) == 2


def test_a_restart_prints_none_again(hospital, packing):
    packing(at_outage=True)
    moves(hospital, "69102274")
    hospital.watch.say_down(by="test", reason="coupure")
    hospital.after(seconds=20)

    packing(at_outage=True)
    hospital.after(seconds=20)

    assert len(packs(hospital)) == 1


def test_without_adt_no_ward_gets_an_empty_pack_unasked(hospital, packing):
    packing(at_outage=True)
    hospital.watch.say_down(by="test", reason="coupure")
    hospital.after(seconds=20)

    assert packs(hospital) == []


def test_who_asks_gets_one_whether_the_platform_is_up_or_not(hospital, packing):
    desk = packing()
    hospital.after(seconds=3)
    asks(hospital)
    hospital.do(desk.listen())
    hospital.after(seconds=10)

    (pack,) = packs(hospital)
    assert "ADT" in pack
    assert "MODE DÉGRADÉ" not in pack


def test_what_was_asked_for_before_the_start_is_obeyed_once_and_not_a_day_later(hospital, packing):
    asks(hospital)
    asks(hospital, at=hospital.time.now() - FRESH - 1)
    asks(hospital, ward="NOWHERE")
    packing()
    hospital.after(seconds=10)
    packing()
    hospital.after(seconds=10)

    assert len(packs(hospital)) == 1


def test_a_large_ward_gets_several_slips_and_a_critical_result_does_not_wait_for_all(
    hospital, packing, potassium
):
    desk = packing()
    for n in range(PATIENTS * 3):
        moves(hospital, f"P{n}", bed=str(n), family=f"NOM{n}")
    asks(hospital)
    hospital.do(desk.listen())
    hospital.mode = Mode.DIRECT
    hospital.receives(hospital.sample(analytes=potassium(7.1, "HH"), ipp="P0"))
    hospital.after(seconds=60)

    printed = hospital.paper()
    critical = next(i for i, text in enumerate(printed) if "CRITIQUE" in text)
    assert critical <= 1, "only the slip that was being printed goes before it"
    assert [text.split("DOSSIER DE SECOURS ")[1][:3] for text in packs(hospital)] == [
        "1/3", "2/3", "3/3",
    ]  # fmt: skip
    assert sum("18 patients présents" in text for text in packs(hospital)) == 1


def test_a_pack_that_could_not_be_printed_gives_way_to_the_next_and_to_the_end(hospital, packing):
    packing(at_outage=True, every=600.0)
    moves(hospital, "69102274")
    hospital.trouble("paper out")
    hospital.watch.say_down(by="test", reason="coupure")
    hospital.after(seconds=700)
    hospital.trouble("paper in")
    hospital.after(seconds=20)
    assert len(packs(hospital)) == 1

    hospital.trouble("paper out")
    hospital.after(seconds=600)
    hospital.watch.say_up(by="test")
    hospital.after(seconds=5)
    hospital.trouble("paper in")
    hospital.after(seconds=30)

    assert len(packs(hospital)) == 1
    assert "FIN DU MODE" in hospital.notices()[-1]


def test_it_shows_how_things_are_when_it_is_printed_not_when_it_was_asked_for(hospital, packing):
    desk = packing()
    moves(hospital, "69102274")
    hospital.trouble("paper out")
    hospital.after(seconds=30)
    asks(hospital)
    hospital.do(desk.listen())
    hospital.after(seconds=60)
    hospital.receives(hospital.sample())
    moves(hospital, "69102274", event="A03")
    hospital.trouble("paper in")
    hospital.after(seconds=30)

    (pack,) = packs(hospital)
    assert "Potassium" in pack
    assert "N'EST PLUS DANS CE SERVICE" in pack
