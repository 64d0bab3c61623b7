"""What happens while somebody is on the telephone: values change, lines are cut, two people have one slip."""

from __future__ import annotations

import pytest

from gateway.delivery import Step
from gateway.directory import Roster, Shift
from gateway.router import Mode
from printers import code
from tests.flow.telephone import LOGIN, Ward

CALLS = (Step(by="call", within=90.0, to="ward"), Step(by="courier"))
ALWAYS = Shift(days=frozenset(range(7)), begin=0, end=1440, person="4711")
PANEL = (
    ("2823-3^Potassium", "6.8", "mmol/L", "HH"), ("2951-2^Sodium", "112", "mmol/L", "LL"),
    ("2345-7^Glucose", "1.9", "mmol/L", "LL"), ("718-7^Hémoglobine", "5.1", "g/dL", "LL"),
    ("777-3^Plaquettes", "8", "G/L", "LL"), ("2524-7^Lactate", "9.4", "mmol/L", "HH"),
)  # fmt: skip


@pytest.fixture
def ward():
    rosters = (Roster(name="cardio", shifts=(ALWAYS,)),)
    found = Ward(mode=Mode.DIRECT, calls=CALLS, rosters=rosters).open()
    yield found
    found.close()


def potassium(ward, value="6.8", flag="HH", **changes):
    return ward.sample(analytes=(("2823-3^Potassium", value, "mmol/L", flag),), **changes)


def slip_code(ward):
    return code.canonical(
        next(d["id"] for m in ward.store.messages() for d in m["deliveries"] if d["slip"])
    )


def waiting(ward):
    return ward.do(ward.store.unacknowledged(since=0.0))


# -- a value changes


def test_a_correction_while_the_old_value_is_said_is_told_before_it_counts(ward):
    ward.receives(potassium(ward))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("169102274#1").hears("six virgule huit")
    ward.receives(potassium(ward, "4.1", "", status="C"))
    caller.keys("16*8#").hears(
        "vient d'être remplacé", "Lefèbvre", "correction : remplace six virgule huit"
    )
    assert not any(a.accepted for a in ward.record())
    caller.keys("1").hears("C'est noté")

    assert [a.accepted for a in ward.record()] == [True, True]  # the old one with it
    assert "quatre virgule un" in ward.record()[0].conveyed
    assert waiting(ward) == []
    ward.after(seconds=300)
    assert ward.exchange.numbers() == ["2101"]  # before anybody had it


def test_who_heard_what_changed_meanwhile_and_hung_up_is_the_laboratorys_task(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("169102274#1").hears("quatre virgule un")
    ward.receives(potassium(ward, "5.4", "H", status="C"))
    caller.hangs_up()
    ward.after(seconds=5)

    (task,) = ward.paper(at="lab-slip")
    assert "À RAPPELER" in task
    assert "remplacé pendant l'appel" in " ".join(task.split())
    assert "Dr Roux" in task


def test_who_heard_a_value_and_never_said_to_have_it_is_rung_with_its_correction(ward):
    ward.receives(ward.sample())
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys("169102274#1").hears("quatre virgule un").keys("2#")
    (heard,) = ward.record()
    assert (heard.accepted, heard.difficulties) == (False, "went on without acknowledging")

    ward.exchange.mood["2222"] = ward.answers(f"1{LOGIN}1")
    ward.receives(potassium(ward, "5.4", "H", status="C"))
    ward.after(seconds=60)
    assert ward.exchange.numbers() == ["2222"]
    assert "correction : remplace quatre virgule un" in " ".join(ward.callers[0].said)


def test_nobody_is_rung_about_a_value_that_does_not_hold_any_more(ward):
    ward.exchange.mood["2101"] = "busy"
    ward.receives(potassium(ward))
    ward.after(seconds=10)
    ward.receives(potassium(ward, "4.1", "", status="C"))
    ward.exchange.mood["2101"] = ward.answers(f"1{LOGIN}1")
    ward.after(seconds=60)

    said = " ".join(ward.callers[-1].said)
    assert "correction : remplace six virgule huit" in said
    assert "valeur critique" not in said.lower()
    assert waiting(ward) == []


def test_a_result_that_is_only_to_come_takes_nothing_back(ward):
    ward.receives(potassium(ward))
    ward.receives(potassium(ward, "", "", status="I"))
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#1").hears("Tapez la valeur de potassium")


def test_an_old_slips_code_is_answered_with_what_holds(ward):
    ward.receives(potassium(ward))
    ward.after(seconds=5)
    old = slip_code(ward)
    ward.receives(potassium(ward, "7.2", status="C"))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys(f"2{old}#")
    caller.hears("n'est plus valable", "sept virgule deux", "remplace six virgule huit")
    caller.keys("16*8#").hears("ce n'est pas la valeur").keys("7*2#").hears("C'est noté")
    assert waiting(ward) == []


# -- every critical value, and every moment to hang up


def test_each_critical_value_of_a_panel_is_keyed_back_in_blocks_that_one_can_remember(ward):
    ward.receives(ward.sample(analytes=PANEL))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys("169102274#1").hears("valeurs critiques : six")
    caller.keys("16*8#112#").hears("Tapez la valeur de glucose")
    caller.keys("1*9#").hears("hémoglobine: cinq", "plaquettes: huit", "lactate: neuf", "Tapez")
    caller.keys("5*1#8#9*4#").hears("C'est noté")
    (said,) = ward.record()
    assert said.keyed == ("6*8", "112", "1*9", "5*1", "8", "9*4")
    assert said.read_back == "ok"


def test_from_the_paper_they_are_keyed_one_after_another(ward):
    ward.receives(ward.sample(analytes=PANEL))
    ward.after(seconds=5)
    caller = ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#1").keys("6*8#112#1*9#5*1#8#9*4#")
    caller.hears("C'est noté").hears_nothing_of("cinq virgule un")


SCRIPT = f"1{LOGIN}1" + "6*8#"


@pytest.mark.parametrize("cut", range(len(SCRIPT) + 1))
def test_wherever_somebody_hangs_up_it_counts_only_when_the_last_key_was_the_value(ward, cut):
    ward.exchange.mood["2101"] = ward.answers(SCRIPT[:cut], hangs_up=True)
    ward.receives(potassium(ward))
    ward.after(seconds=5)

    whole = cut == len(SCRIPT)
    first = ward.callers[0]
    login = cut > len(f"1{LOGIN}") - 1
    assert ("potassium" in " ".join(first.said).lower()) == login
    assert [a.accepted for a in ward.record()] == ([whole] if login else [])
    assert (waiting(ward) == []) == whole
    ward.exchange.mood["2101"] = "no answer"
    ward.after(seconds=60)
    assert (len(ward.exchange.numbers()) == 1) == whole, "else it rings again"


@pytest.mark.parametrize("cut", range(len(SCRIPT)))
def test_dialling_in_it_is_the_same(ward, cut):
    ward.receives(potassium(ward))
    ward.after(seconds=1)
    script = f"{LOGIN}169102274#1" + "16*8#"
    ward.dials().keys(script[: len(script) - cut]).hangs_up()

    assert any(a.accepted for a in ward.record()) == (cut == 0)
    assert (waiting(ward) == []) == (cut == 0)


def test_the_line_cut_at_the_last_word_takes_nothing_away(ward):
    ward.exchange.mood["2101"] = ward.answers(SCRIPT, gone_at="C'est noté")
    ward.receives(potassium(ward))
    ward.after(seconds=60)
    assert [(a.accepted, a.difficulties) for a in ward.record()] == [(True, "")]
    assert [str(outcome.ending) for outcome in ward.outcomes_of_calls] == ["acknowledged"]
    assert ward.exchange.numbers() == ["2101"]


def test_what_was_keyed_before_the_line_was_cut_is_in_the_record(ward):
    ward.receives(ward.sample(analytes=PANEL))
    ward.after(seconds=5)
    ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#16*8#112#").hangs_up()
    (said,) = ward.record()
    assert (said.accepted, said.keyed) == (False, ("6*8", "112"))
    assert said.difficulties == "hung up before acknowledging"


# -- two at once, and keys that nobody expects


def test_two_people_with_one_slip_at_once_both_have_it(ward):
    ward.receives(potassium(ward))
    ward.after(seconds=5)
    first = ward.dials().keys(LOGIN).keys(f"2{slip_code(ward)}#1")
    second = ward.dials().keys("4712#161803#").keys(f"2{slip_code(ward)}#1")
    first.keys("6*8#").hears("C'est noté")
    second.keys("6*8#").hears("C'est noté")
    assert [(a.accepted, a.person) for a in ward.record()] == [(True, "4711"), (True, "4712")]
    assert waiting(ward) == []


@pytest.mark.parametrize("pressed", ["*", "#", "**", "##", "0", "8", "*#", "6*8", "1111111111"])
def test_no_key_before_the_codes_opens_anything(ward, pressed):
    ward.exchange.mood["2101"] = ward.answers(pressed)
    ward.receives(potassium(ward))
    ward.after(seconds=60)
    for caller in ward.callers:
        caller.hears_nothing_of("potassium", "lefèbvre", "critique")
    assert ward.record() == []


def test_somebody_who_knows_the_way_keys_it_all_at_once(ward):
    ward.receives(potassium(ward))
    ward.after(seconds=5)
    ward.dials().keys(f"{LOGIN}169102274#116*8#").hears("C'est noté")
    assert [a.accepted for a in ward.record()] == [True]


def test_an_order_of_no_words_is_none_and_one_of_two_minutes_is_kept_whole(ward):
    caller = ward.dials()
    caller.spoken += [None, ward.recording(seconds=120.0)]
    caller.keys(LOGIN).keys("41").hears("Rien n'a été enregistré").keys("3")
    caller.hears("rien de ce qui a été dit ensuite").keys("1")
    caller.hears("Votre demande est conservée")
    ward.after(seconds=5)
    assert "2 min" in ward.paper(at="lab-slip")[0] or "120 s" in ward.paper(at="lab-slip")[0]
