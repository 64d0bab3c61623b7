"""Who may do what: the whole matrix, so that a change of it is seen."""

from __future__ import annotations

import pytest

from gateway.directory import Person
from gateway.web.rights import Right, may, may_see

PEOPLE = {
    "nobody": None,
    "lab": Person(code="1", name="L", roles=("lab",)),
    "ward": Person(code="2", name="W", roles=("clinician",), wards=("CARD",)),
    "everywhere": Person(code="3", name="E", roles=("clinician",), wards=("*",)),
    "switchboard": Person(code="4", name="S", roles=("downtime",)),
    "no ward": Person(code="5", name="N", roles=("clinician",)),
}
MATRIX = {
    "nobody": {Right.ANYBODY},
    "lab": {Right.ANYBODY, Right.PERSON, Right.WARD, Right.DUTY, Right.LAB},
    "ward": {Right.ANYBODY, Right.PERSON, Right.WARD, Right.DUTY},
    "everywhere": {Right.ANYBODY, Right.PERSON, Right.WARD, Right.DUTY},
    "switchboard": {Right.ANYBODY, Right.PERSON, Right.DUTY, Right.DOWNTIME},
    "no ward": {Right.ANYBODY, Right.PERSON},
}


@pytest.mark.parametrize("who", PEOPLE)
def test_rights(who):
    assert {right for right in Right if may(PEOPLE[who], right)} == MATRIX[who]


@pytest.mark.parametrize(
    ("who", "wards", "seen"),
    [
        ("lab", [""], True), ("lab", ["NEURO"], True), ("ward", ["CARD"], True),
        ("ward", ["NEURO"], False), ("ward", ["NEURO", "CARD"], True), ("ward", [""], False),
        ("ward", [], False), ("everywhere", ["NEURO"], True), ("everywhere", [""], False),
        ("switchboard", ["CARD"], False), ("no ward", ["CARD"], False), ("no ward", [""], False),
    ],
)  # fmt: skip
def test_what_concerns_whom(who, wards, seen):
    assert may_see(PEOPLE[who], wards) is seen
