"""Somebody on the telephone, steered by a story: keys pressed in order, and every word they hear."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.asterisk.role import HungUp, Prompt
from gateway.asterisk.speech import number
from gateway.asterisk.speech.voice import Said


class Aloud:
    """A voice whose prompts are the words themselves."""

    def __init__(self, lexicons):
        self._lexicons = lexicons
        self.mute_at = None  # the words at which the engine fails

    async def say(self, text, language, *, slowly=False):
        said = number.worded(self._lexicons[language], text)
        if self.mute_at is not None and self.mute_at in said:
            return Said((Prompt("appelez le laboratoire"),), whole=False)
        return Said((Prompt(f"({said})" if slowly else said),))


class Caller:
    """Fills the role `Call`. `spoken`: files that `record` gives, in turn; None for silence."""

    def __init__(self, *, language="fr", token="", caller="2101"):
        self.language, self.token, self.caller, self.dialled = language, token, caller, "4242"
        self.said: list[str] = []
        self.spoken: deque[Path | None] = deque()
        self.ended = False
        self.connected = False  # with the laboratory
        self.failure: Failure | None = None
        self._keys: deque[str] = deque()
        self._asked = None
        self._gone = False
        self._since = 0
        self.leaves = False  # … or hangs up
        self.gone_at = None  # the words at which the line is cut
        self.alone = False  # nobody steers it: where no key is left, it says nothing

    # -- what a story does

    def dials(self, program):
        """The program talks until it needs a key."""
        Deferred.fromCoroutine(program(self)).addCallbacks(self._over, self._failed)
        return self

    def keys(self, pressed):
        """Press these one after another; a program that asks for more waits."""
        self._since = len(self.said)
        self._keys.extend(pressed)
        self._go_on()
        return self

    def says_nothing(self, times=1):
        self._since = len(self.said)
        for _ in range(times):
            asked, self._asked = self._asked, None
            assert asked is not None, "nobody asks"
            asked[0].callback("")
        return self

    def hangs_up(self):
        self._gone = True
        asked, self._asked = self._asked, None
        if asked is not None:
            asked[0].errback(HungUp())
        return self

    def hears(self, *words):
        """All of `words`, since the last key, in this order."""
        heard = self.heard()
        at = 0
        for word in words:
            found = heard.lower().find(word.lower(), at)
            assert found >= 0, f"no {word!r} in {heard[at:]!r}"
            at = found + len(word)
        return self

    def hears_nothing_of(self, *words):
        """Never, in the whole call."""
        everything = " ".join(self.said).lower()
        assert not [word for word in words if word.lower() in everything]
        return self

    def heard(self):
        return " ".join(self.said[self._since :])

    # -- what a program sees

    async def speak(self, language):
        self.language = language

    async def say(self, *prompts):
        for prompt in prompts:
            if self.gone_at is not None and self.gone_at in prompt:
                self._gone = True
            self._here()
            self.said.append(prompt)
        return ""

    async def ask(self, *prompts, digits, end="#", within=8.0):
        await self.say(*prompts)
        self._here()
        asked = (Deferred(), digits, end)
        self._asked = asked
        self._go_on()
        return await asked[0]

    async def record(self, *, longest, silence, end="#"):
        self._here()
        return self.spoken.popleft() if self.spoken else None

    async def to_laboratory(self):
        self.connected = True

    async def hang_up(self):
        self._gone = True

    def _go_on(self):
        if self._asked is None:
            return
        asked, digits, end = self._asked
        taken = ""
        keys = deque(self._keys)
        while keys:
            key = keys.popleft()
            done = key == end
            taken += "" if done else key
            if done or len(taken) == digits:
                self._keys, self._asked = keys, None
                asked.callback(taken)
                return
        if self.alone and self.leaves:
            self.hangs_up()
        elif self.alone:
            self._keys, self._asked = deque(), None
            asked.callback(taken)

    def _here(self):
        if self._gone:
            raise HungUp

    def _over(self, result):
        self.ended = True
        self.result = result

    def _failed(self, failure):
        self.ended = True
        self.failure = failure
