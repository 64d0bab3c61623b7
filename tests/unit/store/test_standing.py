from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery import FINAL, Purpose, State
from gateway.store.standing import Standing, standing

WARD, RELAY, NOTICE, HANDBACK = Purpose.WARD, Purpose.RELAY, Purpose.NOTICE, Purpose.HANDBACK
ROWS = st.lists(st.tuples(st.sampled_from(Purpose), st.sampled_from(State)), max_size=5)


@pytest.mark.parametrize(
    ("deliveries", "stands"),
    [
        ([], "recorded"),
        ([(WARD, "open")], "open"),
        ([(WARD, "sending")], "open"),
        ([(RELAY, "held")], "open"),
        ([(WARD, "delivered")], "delivered"),
        ([(WARD, "withdrawn")], "delivered"),
        ([(WARD, "superseded")], "superseded"),
        ([(WARD, "refused")], "refused"),
        ([(WARD, "delivered"), (WARD, "open")], "open"),
        ([(WARD, "delivered"), (WARD, "refused")], "delivered"),
        ([(WARD, "superseded"), (WARD, "refused")], "superseded"),
        ([(WARD, "delivered"), (HANDBACK, "held")], "delivered"),
        ([(HANDBACK, "held")], "recorded"),
        ([(NOTICE, "delivered")], "delivered"),
        ([(NOTICE, "open")], "open"),
        ([(RELAY, "refused"), (NOTICE, "open")], "open"),
        ([(RELAY, "refused"), (NOTICE, "delivered")], "refused"),
    ],
)
def test_a_message_stands_as_its_deliveries_do(deliveries, stands):
    rows = [(purpose, State(state)) for purpose, state in deliveries]

    assert standing(rows, refused=False) == stands


@given(ROWS)
def test_a_refused_message_is_refused(rows):
    assert standing(rows, refused=True) is Standing.REFUSED


@given(ROWS)
def test_it_is_never_closed_while_somebody_waits(rows):
    silent = (HANDBACK, Purpose.COPY)
    waits = any(p not in silent and s not in FINAL for p, s in rows)

    assert (standing(rows, refused=False) is Standing.OPEN) == waits


@given(ROWS)
def test_the_order_of_its_deliveries_does_not_matter(rows):
    assert standing(rows, refused=False) == standing(rows[::-1], refused=False)
