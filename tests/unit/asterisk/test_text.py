"""Texts to handsets: only to ours, never too long for Asterisk, and a failure is nobody's trouble."""

from __future__ import annotations

from base64 import b64decode

import pytest
from twisted.internet.defer import Deferred

from gateway.asterisk.ami.session import NoAnswer, NotSent
from gateway.asterisk.ami.words import encode
from gateway.asterisk.text import Texts


class Link:
    def __init__(self, failure=None):
        self.failure = failure
        self.asked = []

    async def ask(self, name, headers=None):
        self.asked.append((name, headers))
        if self.failure is not None:
            raise self.failure


def sent(link, number="201", text="Résultat critique : Cardiologie"):
    found = []
    texts = Texts(link, handsets=["201"], sender="4300")
    Deferred.fromCoroutine(texts.send(number, text)).addCallback(found.append)
    return found[0]


def test_a_text_arrives_as_it_was_written():
    link = Link()

    assert sent(link)

    ((name, headers),) = link.asked
    assert (name, headers["To"], headers["From"]) == (
        "MessageSend", "pjsip:201", "sip:4300@localhost",
    )  # fmt: skip
    assert b64decode(headers["Base64Body"]).decode() == "Résultat critique : Cardiologie"


@pytest.mark.parametrize("number", ["202", "201@evil", ""])
def test_nobody_but_our_own_handsets_gets_one(number):
    link = Link()

    assert not sent(link, number)
    assert link.asked == []


@pytest.mark.parametrize("failure", [NotSent("no link"), NoAnswer("silence")])
def test_what_cannot_be_sent_is_not_and_nobody_is_stopped_by_it(failure):
    assert not sent(Link(failure))


def test_a_long_text_is_cut_to_what_asterisk_takes():
    link = Link()

    assert sent(link, text="é" * 5000)

    ((name, headers),) = link.asked
    assert set(b64decode(headers["Base64Body"]).decode()) == {"é"}
    encode(name, headers)  # raises where a line is too long
