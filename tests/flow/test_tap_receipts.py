"""A tap's copies: closed by receipts where receivers send them, else by the platform's good health."""

from __future__ import annotations

from gateway.router import Mode


def tapped(hospital, *, receipts):
    hospital.mode = Mode.TAP
    hospital.dispatcher._receipted = {"lab"} if receipts else set()
    sample = hospital.sample()
    hospital.receives(sample)
    return sample


def test_a_copy_whose_receiver_has_it_is_never_printed(hospital):
    sample = tapped(hospital, receipts=True)
    hospital.after(seconds=5)

    found = hospital.do(
        hospital.inbox.confirm(sample.control_id, sender="SIL|LABO", proof="receipt AA DPI")
    )

    assert found is True
    hospital.after(seconds=60)
    assert hospital.paper() == []
    assert hospital.outcomes() == ["CARD confirm withdrawn"]


def test_a_copy_that_nobody_says_to_have_goes_to_its_ward_though_the_bus_is_well(hospital):
    tapped(hospital, receipts=True)
    hospital.after(seconds=29)
    assert hospital.paper() == []

    hospital.after(seconds=5)

    assert len(hospital.paper()) == 1


def test_where_receivers_say_nothing_a_bus_that_was_well_has_delivered(hospital):
    tapped(hospital, receipts=False)
    hospital.after(seconds=60)

    assert hospital.paper() == []
    assert hospital.outcomes() == ["CARD confirm withdrawn"]


def test_a_receipt_for_what_nobody_waits_for_is_told_as_such(hospital):
    assert hospital.do(hospital.inbox.confirm("Z9", sender=None, proof="receipt AA")) is False
