"""A PIN is typed twice where nobody sees it; only its hash is shown."""

import pytest

from gateway import asking
from gateway.asterisk import access
from gateway.errors import Unusable


def asks(*words):
    answers = iter(words)
    return lambda prompt: next(answers)


def test_the_hash_of_a_pin_is_shown_and_nothing_of_the_pin(capsys):
    assert asking.pin(code="4711", ask=asks("837462", "837462")) == 0
    shown = capsys.readouterr().out
    assert "837462" not in shown
    assert access._fits(shown.strip(), "837462")


@pytest.mark.parametrize(
    ("typed", "why"),
    [(("837462", "837463"), "not the same"), (("123456", "123456"), "in a row"),
     (("471108", "471108"), "personal code")],
)  # fmt: skip
def test_a_pin_that_will_not_do_is_said_to_be_so(typed, why, capsys):
    with pytest.raises(Unusable, match=why):
        asking.pin(code="4711", ask=asks(*typed))
    assert capsys.readouterr().out == ""
