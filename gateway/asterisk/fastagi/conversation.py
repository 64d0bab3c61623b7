"""A caller as a program sees him: say, ask, record, over one FastAGI connection."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.asterisk.fastagi.session import Session
from gateway.asterisk.fastagi.words import Answer, number
from gateway.asterisk.role import Call, HungUp, Prompt, Unplayable

Program = Callable[[Call], Awaitable[None]]

ALL_KEYS = "0123456789*#"
#: Seconds beyond what was asked for after which Asterisk itself is taken for dead.
SPARE = 15.0
#: A WAV file without a sound in it has a head of 44 bytes.
HEAD = 44

_SOUND = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_UP = "6"  # a channel's state


class Conversation:
    """Fills the role `gateway.asterisk.role.Call`."""

    def __init__(
        self,
        session: Session,
        *,
        token: str,
        dialled: str,
        language: str,
        recordings: Path,
        beep: Prompt,
        longest: float,
    ) -> None:
        self._session = session
        self._recordings = recordings
        self._beep = beep
        self._longest = longest
        self.token = token
        self.dialled = dialled
        self.language = language
        self.caller = number(session.env.get("agi_callerid", ""))
        self.done = False

    async def speak(self, language: str) -> None:
        await self._session.tell("SET VARIABLE", "CHANNEL(language)", language)
        self.language = language

    async def say(self, *prompts: Prompt) -> str:
        for prompt in prompts:
            key = await self._play(prompt)
            if key:
                return key
        return ""

    async def ask(self, *prompts: Prompt, digits: int, end: str = "#", within: float = 8.0) -> str:
        first = await self.say(*prompts[:-1])
        if first and first == end:
            return ""
        if len(first) == digits:
            return first
        last = "" if first or not prompts else str(prompts[-1])
        if end != "#":
            return await self._keys(first, last, digits=digits, end=end, within=within)
        # One command for all the keys: between two, what is pressed would be lost.
        if last:
            self._fit(last)
        wait = str(int(within * 1000))
        patience = self._longest + SPARE
        reply = await self._session.tell(
            "GET DATA", last, wait, str(digits - len(first)), timeout=patience
        )
        if reply.result == "-1":
            await self._why_not(Prompt(last))
        return first + ("" if reply.result == "-1" else reply.result)

    async def record(self, *, longest: float, silence: float, end: str = "#") -> Path | None:
        await self.say(self._beep)
        self._recordings.mkdir(parents=True, exist_ok=True)
        path = self._recordings / secrets.token_hex(16)
        sound = path.with_suffix(".wav")
        try:
            await self._session.tell(
                "RECORD FILE",
                str(path),
                "wav",
                end,
                str(int(longest * 1000)),
                "0",
                f"s={max(1, round(silence))}",
                timeout=longest + SPARE,
            )
        except HungUp:
            if not _holds_sound(sound):
                raise
        return sound if _holds_sound(sound) else None

    async def hang_up(self) -> None:
        await self.finish()
        with contextlib.suppress(HungUp):  # the line may be cut before the answer comes
            await self._session.tell("HANGUP")
        self._session.gone = True

    async def to_laboratory(self) -> None:
        await self._session.tell("SET VARIABLE", "GWDONE", "2")
        self.done = True

    async def finish(self) -> None:
        """The program has run to its end: the dialplan need not say its fallback."""
        if not self.done:
            await self._session.tell("SET VARIABLE", "GWDONE", "1")
            self.done = True

    async def _play(self, prompt: Prompt) -> str:
        self._fit(prompt)
        reply = await self._session.tell(
            "STREAM FILE", prompt, ALL_KEYS, timeout=self._longest + SPARE
        )
        if reply.result == "-1":
            await self._why_not(prompt)
        return reply.key

    async def _keys(self, first: str, last: str, *, digits: int, end: str, within: float) -> str:
        keyed = first or (await self._play(Prompt(last)) if last else "")
        if keyed and keyed == end:
            return ""
        while len(keyed) < digits:
            reply = await self._wait(within)
            if not reply.key or reply.key == end:
                break
            keyed += reply.key
        return keyed

    async def _wait(self, within: float) -> Answer:
        reply = await self._session.tell(
            "WAIT FOR DIGIT", str(int(within * 1000)), timeout=within + SPARE
        )
        if reply.result == "-1":
            raise HungUp
        return reply

    async def _why_not(self, prompt: Prompt) -> None:
        """A sound that is missing and a caller who is gone give the same -1: only the channel knows."""
        status = await self._session.tell("CHANNEL STATUS")
        if status.result != _UP or not prompt:
            raise HungUp
        raise Unplayable(prompt)

    @staticmethod
    def _fit(prompt: str) -> None:
        if not _SOUND.fullmatch(prompt) or ".." in prompt:
            raise Unplayable(prompt)


def _holds_sound(path: Path) -> bool:
    return path.exists() and path.stat().st_size > HEAD
