"""Every result of the corpora as it is heard: no figure and no unknown unit is left to an engine."""

from __future__ import annotations

import re

import pytest

from gateway.asterisk.speech import number
from gateway.asterisk.speech.lexicon import built_in
from gateway.asterisk.speech.reading import identity, identity_spelled, read_out
from gateway.message import Kind
from tests.edge.test_corpora_on_paper import corpora, messages_in

__all__ = ["corpora"]

LONGEST = 6000  # characters of one thing said, were all of its 400 signs to be named
_FIGURE = re.compile("[0-9]")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_result_can_be_said(corpora, language):
    lexicon, count = built_in(language), 0
    for name, message in messages_in(corpora):
        if message.kind is not Kind.RESULT:
            continue
        reading = read_out(message, lexicon, zone="Europe/Paris")
        said = [line.text for line in reading.lines]
        if message.patient is not None:
            said.append(identity_spelled(message.patient, lexicon))
        # A name is the engine's own; a figure in it is said by the voice.
        who = identity(message.patient, lexicon, zone="Europe/Paris")
        said.append(number.worded(lexicon, who))
        for text in said:
            assert not _FIGURE.search(text), name
            assert "\n" not in text, name
            assert len(text) < LONGEST, name
        count += 1
    assert count > 200
