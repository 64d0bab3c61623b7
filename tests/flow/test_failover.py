"""The main job, told from the ward: when the platform is down, the result is on paper."""

from __future__ import annotations

import pytest

from gateway.router import Mode


def test_what_the_platform_confirmed_is_not_printed(hospital):
    assert hospital.receives(hospital.sample()) == "AA"
    hospital.after(seconds=120)

    assert len(hospital.link.received) == 1
    assert hospital.paper() == []


def test_a_dead_platform_means_paper_within_a_second(hospital):
    hospital.link.mood = "dead"

    hospital.receives(hospital.sample())
    hospital.after(seconds=1)

    (slip,) = hospital.paper()
    assert "MODE DÉGRADÉ" in slip
    assert "n° 0001" in slip
    for words in ("LEFÈBVRE", "69102274", "22/04/1953", "Potassium", "4.1", "mmol/L"):
        assert words in slip


def test_each_of_several_messages_is_tried_again_at_its_own_moment(hospital):
    hospital.link.mood = "dead"

    for number in range(5):
        hospital.receives(hospital.sample(ipp=f"691022{number:02d}"))
        hospital.after(seconds=0.1)
    hospital.after(seconds=1)

    assert len(hospital.paper()) == 5


def test_what_was_to_be_tried_once_more_when_the_outage_began_is_on_paper_too(hospital):
    hospital.link.mood = "dead"

    for number in range(35):  # the outage begins among them, after three seconds
        hospital.receives(hospital.sample(ipp=f"691022{number:02d}"))
        hospital.after(seconds=0.1)
    hospital.after(seconds=1)

    assert not hospital.watch.open
    assert len(hospital.paper()) == 35


def test_a_hanging_platform_costs_a_message_no_more_than_its_own_deadline(hospital, potassium):
    hospital.link.mood = "hangs"

    hospital.receives(hospital.sample(analytes=potassium(6.9, "HH")))
    hospital.after(seconds=5.5)

    (slip,) = hospital.paper()
    assert "CRITIQUE" in slip
    assert "MODE DÉGRADÉ" in slip


def test_while_it_is_known_to_be_down_nobody_waits_for_it(hospital):
    hospital.watch.say_down(by="Dr Martin", reason="coupure annoncée")

    hospital.receives(hospital.sample())
    hospital.after(seconds=0.2)

    assert len(hospital.paper()) == 1
    assert hospital.link.received == []


def test_a_message_the_platform_refuses_comes_out_on_paper_and_is_still_owed_to_it(hospital):
    hospital.link.mood = "refuses"

    hospital.receives(hospital.sample())
    hospital.after(seconds=1)

    assert len(hospital.paper()) == 1
    assert hospital.outcomes() == ["CARD slip delivered", "PLATFORM platform held"]


def test_direct_mode_prints_without_asking_the_platform(hospital):
    hospital.mode = Mode.DIRECT

    hospital.receives(hospital.sample())
    hospital.after(seconds=1)

    (slip,) = hospital.paper()
    assert "MODE DÉGRADÉ" not in slip
    assert hospital.link.received == []


def test_paper_out_sends_it_to_the_neighbour_who_is_told_why(hospital):
    hospital.mode = Mode.DIRECT
    hospital.trouble("paper out")

    hospital.receives(hospital.sample())
    hospital.after(seconds=70)

    assert hospital.paper() == []
    (slip,) = hospital.paper(at="neuro-slip")
    assert "Cardiologie" in slip
    assert "papier" in slip.lower()


def test_a_critical_result_does_not_wait_for_a_printer_without_paper(hospital, potassium):
    hospital.mode = Mode.DIRECT
    hospital.trouble("paper out")

    hospital.receives(hospital.sample(analytes=potassium(6.9, "HH")))
    hospital.after(seconds=5)

    assert len(hospital.paper(at="neuro-slip")) == 1


def test_when_every_ward_printer_is_dead_somebody_walks(hospital, potassium):
    hospital.mode = Mode.DIRECT
    for printer in ("cardio-slip", "neuro-slip"):
        hospital.trouble("cut off", at=printer)

    hospital.receives(hospital.sample(analytes=potassium(6.9, "HH")))
    hospital.after(seconds=30)

    (slip,) = hospital.paper(at="lab-slip")
    assert "COURSIER" in slip
    assert "Cardiologie" in slip


def test_paper_out_in_the_middle_holds_the_slip_there(hospital):
    hospital.mode = Mode.DIRECT
    hospital.trouble("paper out after 4")

    hospital.receives(hospital.sample())
    hospital.after(seconds=10)
    hospital.trouble("paper in")
    hospital.after(seconds=10)

    assert hospital.paper(at="neuro-slip") == []
    assert hospital.outcomes() == ["CARD slip delivered"]


def test_a_slip_held_too_long_comes_out_next_door_and_says_it_may_be_twice(hospital):
    hospital.mode = Mode.DIRECT
    hospital.trouble("paper out after 4")

    hospital.receives(hospital.sample())
    hospital.after(seconds=70)

    (slip,) = hospital.paper(at="neuro-slip")
    assert "DUPLICATA POSSIBLE" in slip
    assert "n° 0001" in slip, "the same paper has the same number"


def test_a_printer_that_dies_after_the_first_byte_is_never_trusted_again_in_silence(hospital):
    hospital.mode = Mode.DIRECT
    hospital.trouble("die after 700")

    hospital.receives(hospital.sample())
    hospital.after(seconds=40)

    (slip,) = hospital.paper(at="neuro-slip")
    assert "DUPLICATA POSSIBLE" in slip


def test_one_dead_printer_delays_no_other(hospital):
    hospital.mode = Mode.DIRECT
    hospital.trouble("freeze")

    for _ in range(5):
        hospital.receives(hospital.sample())
    hospital.receives(hospital.sample(ward="NEURO"))
    hospital.after(seconds=1)

    assert len(hospital.paper(at="neuro-slip")) == 1


def test_a_slip_that_waits_next_door_comes_home_when_the_printer_is_back(hospital):
    hospital.mode = Mode.DIRECT
    for printer in hospital.printers:
        hospital.trouble("cut off", at=printer)
    hospital.receives(hospital.sample())
    hospital.after(seconds=150)

    hospital.trouble("plug in")
    hospital.after(seconds=5)

    assert len(hospital.paper()) == 1
    assert hospital.outcomes() == ["CARD slip delivered"]


def test_a_result_for_no_ward_of_ours_comes_out_at_the_lab(hospital):
    hospital.mode = Mode.DIRECT

    hospital.receives(hospital.sample(ward="URG"))
    hospital.after(seconds=1)

    (slip,) = hospital.paper(at="lab-slip")
    assert "URG" in slip
    assert "Potassium" in slip


def test_a_result_without_a_place_follows_its_patient(hospital):
    hospital.mode = Mode.DIRECT
    hospital.receives(
        b"MSH|^~\\&|GAM|H|W|H|20240803||ADT^A02|M1|P|2.5\rPID|1||69102274^^^H^PI||X^Y\r"
        b"PV1|1|I|NEURO^3^B\r"
    )

    hospital.receives(hospital.sample(ward=""))
    hospital.after(seconds=1)

    assert len(hospital.paper(at="neuro-slip")) == 1


@pytest.mark.parametrize("processing", ["T", "D"])
def test_a_test_message_never_looks_real(hospital, processing):
    hospital.mode = Mode.DIRECT

    hospital.receives(hospital.sample(processing=processing))
    hospital.after(seconds=1)

    (slip,) = hospital.paper()
    assert "EXERCICE" in slip


def test_two_patients_in_one_message_are_refused_and_the_lab_is_told(hospital):
    hospital.mode = Mode.DIRECT
    sample = hospital.sample(extra="PID|2||999^^^H^PI||AUTRE^Personne||19600101|M\r")

    assert hospital.receives(sample).startswith("refused PID")
    hospital.after(seconds=1)

    (slip,) = hospital.paper(at="lab-slip")
    assert "REFUSÉ" in slip
    assert hospital.paper() == []


def test_a_flood_of_refusals_does_not_empty_the_labs_roll(hospital):
    for number in range(200):
        hospital.receives(f"garbage {number}".encode())
    hospital.after(seconds=120)

    assert len(hospital.paper(at="lab-slip")) == 21


def test_the_same_message_twice_is_acknowledged_twice_and_printed_once(hospital):
    hospital.mode = Mode.DIRECT
    sample = hospital.sample()

    assert [hospital.receives(sample), hospital.receives(sample)] == ["AA", "AA"]
    hospital.after(seconds=5)

    assert len(hospital.paper()) == 1


def test_another_message_under_the_same_number_is_printed_and_flagged(hospital, potassium):
    hospital.mode = Mode.DIRECT
    first = hospital.sample()
    hospital.receives(first)
    first.analytes = potassium(5.9)
    hospital.receives(first)
    hospital.after(seconds=5)

    plain, flagged = hospital.paper()
    assert "5.9" in flagged
    assert len(flagged.splitlines()) > len(plain.splitlines())


def test_a_correction_shows_old_and_new(hospital, potassium):
    hospital.mode = Mode.DIRECT
    hospital.receives(hospital.sample(analytes=potassium("4.1")))
    hospital.after(seconds=5)
    hospital.receives(hospital.sample(analytes=potassium("6.8"), status="C"))
    hospital.after(seconds=5)

    _, corrected = hospital.paper()
    assert "CORRECTION" in corrected
    line = next(line for line in corrected.splitlines() if "6.8" in line)
    assert "4.1" in line
    assert line.index("4.1") < line.index("6.8")
    assert "n° 0001" in corrected, "it names the slip it corrects"


def test_a_critical_result_does_not_wait_behind_a_routine_one_of_the_same_patient(
    hospital, potassium
):
    hospital.mode = Mode.DIRECT
    hospital.trouble("cut off")
    hospital.receives(hospital.sample(analytes=potassium("4.1")))
    hospital.after(seconds=4)  # the first one waits at home, where nothing answers
    hospital.receives(hospital.sample(analytes=potassium("6.9", "HH"), order="99002"))
    hospital.after(seconds=10)

    (critical,) = hospital.paper(at="neuro-slip")
    assert "6.9" in critical, "a critical result never waits behind a routine one"


def test_a_slip_says_when_a_number_before_it_is_missing(hospital):
    hospital.mode = Mode.DIRECT
    hospital.trouble("die after 700")
    hospital.receives(hospital.sample())
    hospital.after(seconds=40)
    hospital.trouble("plug in")
    hospital.after(seconds=30)

    hospital.receives(hospital.sample(ipp="777"))
    hospital.after(seconds=30)

    slip = hospital.paper()[-1]
    assert "n° 0002" in slip
    assert "0001" in slip.replace("n° 0002", "")


def test_better_never_than_late_one_summary_stands_for_what_waited(hospital, potassium):
    hospital.mode = Mode.DIRECT
    for printer in hospital.printers:
        hospital.trouble("cut off", at=printer)
    for number in range(40):
        hospital.receives(hospital.sample(ipp=f"{number:08d}", analytes=potassium(f"4.{number}")))
    hospital.after(seconds=7300)

    hospital.trouble("plug in")
    hospital.after(seconds=30)

    pages = hospital.paper()
    assert all("RÉSUMÉ" in page and "n° 0001" in page for page in pages), "one slip, many pages"
    assert "40 messages" in pages[0]
    assert "4.39" in "".join(pages)
    assert [o.endswith("superseded") for o in hospital.outcomes()] == [True] * 40
