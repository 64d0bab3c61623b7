"""Talking with a caller in their language: texts in, keys out, three keys that mean the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.asterisk.role import Call, Unplayable
from gateway.asterisk.speech.lexicon import Lexicon
from gateway.asterisk.speech.voice import Voice
from gateway.locale import Translate, translator

AGAIN, LAB, END = "0", "9", "#"
#: What ends a single key in place of #, which is a key there: it means nothing by itself.
STAR = "*"
#: So often is a question asked before it is taken that nobody is there any more.
PATIENCE = 3
#: A line that keys cut short is begun again so often.
AGAINS = 3


class Ended(Exception):
    """The caller has done what they wanted, or says nothing any more."""


class ToLaboratory(Exception):
    """The caller wants a person at the laboratory."""


class Mute(Exception):
    """What had to be said could not be: the caller was told to call the laboratory."""


class Talk:
    """One caller, and the voice that speaks to them."""

    def __init__(self, call: Call, voice: Voice, *, lexicon: Lexicon, slowly: bool = False) -> None:
        self.call = call
        self.voice = voice
        self.lexicon = lexicon
        self.slowly = slowly
        self.brief = (
            False  # the keys were explained in this call: somebody else may be waiting to be rung
        )
        self.translate: Translate = translator(lexicon.language)

    async def say(self, *texts: str) -> str:
        """Say them; the key that interrupted, or "". Raises HungUp and Mute, and for 9 ToLaboratory."""
        for text in texts:
            said = await self.voice.say(text, self.lexicon.language, slowly=self.slowly)
            try:
                key = await self.call.say(*said.prompts)
            except Unplayable as error:
                raise Mute(str(error)) from error
            if not said.whole:
                raise Mute("the voice failed")
            if key == LAB:
                raise ToLaboratory
            if key:
                return key
        return ""

    async def ask(self, *texts: str, digits: int, within: float = 8.0) -> str:
        """What was keyed before "#"; a 9 or a 0 is a figure here like any other."""
        return await self._asked(texts, digits=digits, end=END, within=within)

    async def key(self, *texts: str, within: float = 6.0) -> str:
        """One key, whichever it is; "" for silence."""
        return await self._asked(texts, digits=1, end=STAR, within=within)

    async def choose(self, *texts: str, keys: str) -> str:
        """One of `keys`. Says it again for 0, for another key and for silence; # and patience end it."""
        silences = 0
        while silences < PATIENCE:
            key = await self._asked(texts, digits=1, end=STAR, within=8.0)
            if key and key in keys:
                return key
            if key == LAB:
                raise ToLaboratory
            if key == END:
                raise Ended
            silences += key != AGAIN
        raise Ended

    def slower(self) -> Talk:
        """The same caller, spoken to slowly."""
        slower = Talk(self.call, self.voice, lexicon=self.lexicon, slowly=True)
        slower.brief = self.brief
        return slower

    async def _asked(self, texts: Sequence[str], *, digits: int, end: str, within: float) -> str:
        # One sound: what is keyed between two is lost.
        said = await self.voice.say(
            " ".join(filter(None, texts)), self.lexicon.language, slowly=self.slowly
        )
        if not said.whole:
            await self.call.say(*said.prompts)
            raise Mute("the voice failed")
        try:
            return await self.call.ask(*said.prompts, digits=digits, end=end, within=within)
        except Unplayable as error:
            raise Mute(str(error)) from error


async def say_all(talk: Talk, texts: Sequence[str]) -> None:
    """All of them. 0 begins again; what another key cuts short is said once more."""
    at = agains = 0
    while at < len(texts):
        key = await talk.say(texts[at])
        if not key:
            at, agains = at + 1, 0
        elif key == "#":
            raise Ended
        elif agains < AGAINS:
            at, agains = (0 if key == "0" else at), agains + 1
        else:
            at, agains = at + 1, 0
