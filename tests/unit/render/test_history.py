from dataclasses import replace

from gateway.message import Status
from gateway.render import Waited, history, render
from tests.unit.render.samples import (
    at,
    context,
    group,
    message,
    observation,
    patient,
    potassium,
    rows,
)

NOW = at("03/08/2026 11:20")


def earlier(value="4.1", *, collected="202608020710", order="1", **fields):
    found = group(observation(value, **fields), filler=order, collected_at=collected)
    return Waited(message=message(found), received_at=at("02/08/2026 08:00"))


def seen(*before, now=None):
    """The columns of a new potassium: their titles, and what stands in them."""
    new = now or message(group(potassium()))
    past = history(new, before, received_at=NOW, zone="Europe/Paris")
    slip = render(new, context(history=past))
    (row,) = rows(slip)
    return slip.history, row.history


def test_an_earlier_value_stands_under_its_day_and_time():
    assert seen(earlier()) == (("02/08\n07:10",), ("4.1",))


def test_the_newest_stands_first_and_the_fourth_nowhere():
    days = ("01", "02", "03", "04")
    before = [earlier(day, collected=f"202607{day}0700", order=day) for day in days]
    titles, values = seen(*before)
    assert values == ("04", "03", "02")
    assert titles[0] == "04/07\n07:00"


def test_a_year_that_is_not_this_one_is_said():
    titles, _ = seen(earlier(collected="202512310710"))
    assert titles == ("31/12/25\n07:10",)


def test_an_abnormal_value_keeps_its_flag():
    before = potassium("6.9")
    found = group(before, filler="1", collected_at="202608020710")
    one = Waited(message=message(found), received_at=NOW - 1)
    assert seen(one)[1] == ("6.9 HH",)


def test_nobody_else_s_value_stands_there():
    other = earlier()
    theirs = replace(other, message=replace(other.message, patient=patient(given="Nadia")))
    born = replace(other, message=replace(other.message, patient=patient(birth_date="19610215")))
    assert seen(theirs) == seen(born) == ((), ())


def test_what_is_not_firm_or_holds_no_more_is_left_out():
    for status in (Status.PRELIMINARY, Status.WITHDRAWN, Status.CANCELLED, Status.PENDING):
        assert seen(earlier(status=status)) == ((), ())


def test_the_value_a_message_corrects_is_not_an_earlier_one():
    assert seen(earlier(order="7499972609")) == ((), ())


def test_a_corrected_value_stands_and_the_first_does_not():
    first = earlier("4.1", order="9")
    second = replace(earlier("5.1", order="9"), received_at=first.received_at + 60)
    assert seen(second, first)[1] == ("5.1",)


def test_another_unit_is_another_analyte():
    assert seen(earlier(unit="mg/L")) == ((), ())


def test_two_values_of_one_minute_are_not_chosen_between():
    assert seen(earlier("4.1", order="1"), earlier("4.3", order="2"))[1] == ("…",)


def test_a_test_message_has_no_past():
    assert seen(earlier(), now=message(group(potassium()), test=True)) == ((), ())


def test_a_later_specimen_is_not_earlier():
    assert seen(earlier(collected="202608031100")) == ((), ())
