from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gateway.config import Faults, parse
from gateway.delivery import Step
from gateway.message import Location, Priority

GOOD = """
[site]
code = "HEX"
name = "Hôpital Exemple"

[platform]
kind = "mllp"
connect = "tcp:127.0.0.1:2600"

[[intakes]]
name = "lab"
kind = "mllp"
listen = "tcp:2575"
mode = "relay"

[[devices]]
name = "cardio-slip"
kind = "escpos"
connect = "tcp:127.0.0.1:9101"
model = "TM-T20II"

[[wards]]
code = "CARD"
name = "Cardiologie"
aliases = ["0412"]
devices = ["cardio-slip"]

[lab]
devices = ["cardio-slip"]

[[limits]]
code = "2823-3"
low = 2.5
high = 6.5

[plans.critical]
steps = [{ by = "platform", within = "5s" }, { by = "courier" }]
"""


def site(text=GOOD):
    return parse(tomllib.loads(text), base=Path("/srv"))


def faults(text):
    with pytest.raises(Faults) as found:
        site(text)
    return list(found.value.faults)


def test_a_whole_site_is_read():
    found = site()

    assert found.database() == Path("/srv/var/wardline.db")
    assert found.directory().ward_at(Location(unit="0412")) == "CARD"
    assert found.critical_limits().ranges["2823-3"].high == 6.5
    assert found.steps(Priority.CRITICAL) == (
        Step(by="platform", within=5.0),
        Step(by="courier"),
    )


def test_a_priority_without_a_plan_has_a_sensible_one():
    assert [s.by for s in site().steps(Priority.ROUTINE)] == [
        "platform",
        "slip",
        "neighbour",
        "courier",
    ]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (('name = "Hôpital', 'nom = "Hôpital'), "site.nom"),
        (('mode = "relay"', 'mode = "replay"'), 'intakes["lab"].mode'),
        (('"tcp:2575"', '"2575"'), 'intakes["lab"].listen'),
        (('kind = "escpos"', 'kind = "escapes"'), 'devices["cardio-slip"].kind'),
        (('"TM-T20II"', '"TM-X"'), 'devices["cardio-slip"].model'),
        (('code = "CARD"', 'code = "LAB"'), "Wardline's own"),
        (('devices = ["cardio-slip"]\n\n[lab]', 'devices = ["nope"]\n\n[lab]'), 'no device "nope"'),
        (('aliases = ["0412"]', 'neighbours = ["NEURO"]'), 'no ward "NEURO"'),
        (('{ by = "courier" }', '{ by = "pigeon" }'), 'no step "pigeon"'),
        ((', within = "5s"', ""), "needs `within`"),
        ((', { by = "courier" }', ""), "needs a step on paper"),
        (('{ by = "platform", within = "5s" }, ', ""), "needs the platform as first step"),
        (('within = "5s"', "within = 5"), 'written like "500ms"'),
        (('[site]\ncode = "HEX"', '[site]\ncode = "HEX"\ntimezone = "Europe/Pari"'), "time zone"),
        (('[platform]\nkind = "mllp"\nconnect = "tcp:127.0.0.1:2600"', ""), "needs a [platform]"),
    ],
)
def test_each_fault_is_named_with_its_place(change, place):
    found = faults(GOOD.replace(*change))

    assert any(place in fault for fault in found), found


def test_every_fault_is_reported_at_once():
    broken = GOOD.replace('"tcp:2575"', '"2575"').replace('"TM-T20II"', '"TM-X"')
    broken = broken.replace('name = "Hôpital', 'nom = "Hôpital')

    assert len(faults(broken)) >= 3


def test_a_location_that_would_mean_two_wards_is_a_fault():
    twice = GOOD.replace(
        "[lab]", '[[wards]]\ncode = "NEURO"\nname = "Neuro"\naliases = ["0412"]\n\n[lab]'
    )

    assert any('"0412" already means ward CARD' in fault for fault in faults(twice))


@pytest.mark.parametrize(
    ("text", "length"),
    [("500ms", 0.5), ("5s", 5.0), ("10m", 600.0), ("2h", 7200.0), ("30d", 2592e3)],
)
def test_lengths_of_time_are_seconds(text, length):
    critical = GOOD.replace('within = "5s"', f'within = "{text}"')

    assert site(critical).steps(Priority.CRITICAL)[0].within == length
