"""Straight-line talk with a caller: what is asked of Asterisk, and which keys make an answer."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from gateway.asterisk.fastagi.conversation import Conversation
from gateway.asterisk.fastagi.words import Answer
from gateway.asterisk.role import HungUp, Prompt

HELLO, ASK = Prompt("hello"), Prompt("ask")


class Session:
    """Answers each command with the next of `results`."""

    def __init__(self, *results):
        self.env = {}
        self.results = deque(results)
        self.told = []

    async def tell(self, *words, timeout=0.0):
        self.told.append(words[:2])
        return Answer(code=200, result=self.results.popleft())


def asked(*results, prompts=(HELLO, ASK), **how):
    """What `ask` gives, and what Asterisk was told."""
    session = Session(*results)
    call = Conversation(
        session, token="", dialled="610", language="fr", recordings=Path(), beep=ASK, longest=60.0
    )
    found, failed = [], []
    Deferred.fromCoroutine(call.ask(*prompts, **how)).addCallbacks(found.append, failed.append)
    if failed:
        failed[0].raiseException()
    return found[0], [words[0] for words in session.told], [words[1] for words in session.told]


def key(text):
    return str(ord(text))


def test_one_key_is_waited_for_after_every_prompt_was_played():
    keyed, commands, about = asked("0", "0", key("1"), digits=1, end="")

    assert keyed == "1"
    assert commands == ["STREAM FILE", "STREAM FILE", "WAIT FOR DIGIT"]
    assert about[:2] == ["hello", "ask"]


def test_a_key_during_the_first_prompt_is_the_answer():
    keyed, commands, _ = asked(key("9"), digits=1, end="")

    assert (keyed, commands) == ("9", ["STREAM FILE"])


def test_silence_is_no_key():
    assert asked("0", "0", "0", digits=1, end="")[0] == ""


def test_a_number_ends_with_its_key_or_its_length():
    keyed, commands, _ = asked("0", "6*8", digits=8)

    assert (keyed, commands) == ("6*8", ["STREAM FILE", "GET DATA"])


def test_the_first_figure_may_come_during_the_first_prompt():
    assert asked(key("4"), "711", digits=8)[0] == "4711"


def test_the_ending_key_alone_is_an_empty_answer():
    assert asked(key("#"), digits=8)[0] == ""


def test_a_caller_who_is_gone_is_not_a_silent_one():
    with pytest.raises(HungUp):
        asked("0", "0", "-1", digits=1, end="")
