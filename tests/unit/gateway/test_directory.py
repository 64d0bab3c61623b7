from __future__ import annotations

import pytest

from gateway.directory import Directory, Ward
from gateway.message import Location

CARD = Ward(
    code="CARD",
    name="Cardiologie",
    aliases=("0412", "Méd-A"),
    devices=("c1", "c2"),
    neighbours=("NEURO",),
)
NEURO = Ward(code="NEURO", name="Neurologie", devices=("n1",), neighbours=("CARD",))
LAB = Ward(code="LAB", name="Laboratoire", devices=("l1",))
DIRECTORY = Directory.of({"CARD": CARD, "NEURO": NEURO}, lab=LAB)


@pytest.mark.parametrize(
    "unit", ["CARD", "card", " Card ", "0412", "MÉD-A", "med-a", "Cardiologie"]
)
def test_every_word_for_a_ward_finds_it(unit: str) -> None:
    assert DIRECTORY.ward_at(Location(unit=unit)) == "CARD"


@pytest.mark.parametrize(
    "location", [None, Location(), Location(unit="URG"), Location(room="CARD")]
)
def test_a_room_or_an_unknown_unit_is_never_taken_for_a_ward(location: Location | None) -> None:
    assert DIRECTORY.ward_at(location) == ""


@pytest.mark.parametrize(
    ("to", "by", "devices"),
    [
        ("CARD", "slip", ("c1", "c2")),
        ("CARD", "neighbour", ("n1",)),
        ("CARD", "courier", ("l1",)),
        ("LAB", "courier", ("l1",)),
        ("GONE", "slip", ("l1",)),
    ],
)
def test_each_step_has_its_devices(to: str, by: str, devices: tuple[str, ...]) -> None:
    assert DIRECTORY.devices_of(to, by=by) == devices


def test_a_device_knows_where_it_stands() -> None:
    assert [DIRECTORY.owner(d).code for d in ("c2", "n1", "l1")] == ["CARD", "NEURO", "LAB"]
