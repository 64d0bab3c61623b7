"""Nights drawn from seeds: whatever fails, nothing is lost, late without a reason, or twice unmarked."""

from __future__ import annotations

import pytest

from gateway.router import Mode
from tests.flow.night import Night
from tests.flow.nights import file, play


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_night_keeps_every_promise(seed: int) -> None:
    with file() as path:
        night = play(path, seed=seed, events=50)

    assert len(night.sent) > 10, "a night in which something came"


def test_after_a_kill_too_each_message_is_tried_again_at_its_own_moment() -> None:
    with file() as path:
        night = Night().begin(path, seed=0)
        night.mode = Mode.RELAY
        night.feels("dead")
        for number in range(3):
            night.receives(night.sample(ipp=f"691022{number:02d}"))
            night.passes(0.1)

        night.killed()
        night.passes(2.0)

        assert len(night.paper()) == 3
