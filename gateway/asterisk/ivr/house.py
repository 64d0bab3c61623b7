"""What a caller's program needs of the house: memory, directory, voice, and hands at the laboratory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gateway.asterisk.access import Access
from gateway.asterisk.ivr.talk import Talk
from gateway.asterisk.role import Call, Prompt
from gateway.asterisk.speech.lexicon import Lexicon
from gateway.asterisk.speech.voice import Voice
from gateway.clock import Clock
from gateway.directory import Directory
from gateway.message import Message
from gateway.render.context import Corrections
from gateway.store import Store, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What somebody said after the beep. `what`: "order" or "break glass"."""

    what: str
    person: str  # name and code
    ward: str  # the directory's code of the ward it is for; "" for the laboratory
    language: str
    caller: str  # the number the telephone gave, a hint
    sound: Path
    about: str = ""  # the patient's number, where there is one


class Hands(Protocol):
    """What a telephone call makes the rest of the house do. Everything is on disk when it returns."""

    async def errand(self, what: str, detail: Mapping[str, Any]) -> None:
        """A slip at the laboratory that asks somebody to act: "call back", "told and changed",
        "wrong number"."""
        ...

    async def copy(self, message_id: int, *, ward: str, by: str, medium: str) -> None:
        """The message again on a ward's paper ("slip") or fax ("fax"), marked as a duplicate."""
        ...

    async def keep(self, spoken: Spoken) -> None:
        """A dictated order or a spoken reason, as a message of its own; its sound file may then go."""
        ...

    async def dictated(self, message_id: int) -> tuple[str, Prompt] | None:
        """Who spoke and the sound of a dictation; None when the message is none, or is forgotten."""
        ...

    async def said(self, word: str, *, by: str, reason: str) -> None:
        """A person's word on the platform: "outage begin" or "outage end"."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything a program may touch."""

    store: Store
    directory: Directory
    voice: Voice
    access: Access
    hands: Hands
    clock: Clock
    lexicons: Mapping[str, Lexicon]
    read: Callable[[Stored], Message]  # raises Rejected: purged, or holds no values
    corrections: Callable[[Stored, Message], Awaitable[Corrections]]
    zone: str
    platform: bool = True  # whether there is a platform to declare down
    reach: float = 14 * 86400.0  # how far back results are read, seconds

    def talk(self, call: Call) -> Talk:
        """A caller in the language of the line that was dialled."""
        language = call.language if call.language in self.lexicons else next(iter(self.lexicons))
        return Talk(call, self.voice, lexicon=self.lexicons[language])
