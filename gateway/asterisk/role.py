"""What the rest of the house sees of a telephone: a caller to talk to, and a call that was placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NewType, Protocol

from gateway.errors import Uncertain

#: A sound Asterisk can play: a path without its extension, absolute or below Asterisk's sounds
#: ("wardline/menu": the caller's language decides which file that is).
Prompt = NewType("Prompt", str)


class HungUp(Exception):
    """The caller is gone (or the link to Asterisk is): nothing more can be said or asked."""


class Lost(Uncertain):
    """The link to Asterisk is gone, or Wardline stops: the call may go on without us."""


class Unplayable(Exception):
    """Asterisk has no such sound, or cannot read it; the caller is still there and heard nothing of it."""


class Call(Protocol):
    """A person on the telephone, for straight-line code: say, ask, say again.

    Every method raises HungUp once the caller is gone. A program that returns has ended the call well;
    one that raises leaves the caller to the dialplan's own fallback prompt.
    """

    @property
    def token(self) -> str:
        """What this call is about, for a call that Wardline placed; "" for one that came in."""
        ...

    @property
    def caller(self) -> str:
        """The number the caller's telephone gives: digits or "". Anybody can forge it: a hint, no proof."""
        ...

    @property
    def dialled(self) -> str:
        """The number of ours that was dialled; for a call that Wardline placed, the number called."""
        ...

    @property
    def language(self) -> str:
        """ "fr" or "en": of the line that was dialled, until the program sets another."""
        ...

    async def speak(self, language: str) -> None:
        """From now on say prompts that have no absolute path in `language`."""
        ...

    async def say(self, *prompts: Prompt) -> str:
        """Play them one after another; the key that interrupted ("0"-"9", "*", "#"), or "".

        Raises Unplayable.
        """
        ...

    async def ask(self, *prompts: Prompt, digits: int, end: str = "#", within: float = 8.0) -> str:
        """Play, and take up to `digits` keys: those pressed before `end`, or before `within` seconds
        passed without a key. A key interrupts what is being said and counts; "*" counts as a key, and so
        does "#" where `end` is "".

        "" when nothing was keyed. Raises Unplayable. What was keyed is written to no log.
        """
        ...

    async def record(self, *, longest: float, silence: float, end: str = "#") -> Path | None:
        """Beep, and record up to `longest` seconds, until `silence` seconds of it or the key `end`.

        The WAV file (8 kHz, mono, 16 bits), or None where nothing was recorded. When the caller hangs up
        in the middle, what was said until then is returned: HungUp comes with the next word.
        """
        ...

    async def to_laboratory(self) -> None:
        """Have Asterisk ring the laboratory for this caller once the program has ended."""
        ...

    async def hang_up(self) -> None:
        """End the call; whatever follows raises HungUp."""
        ...


class Ending(StrEnum):
    """How a call that Wardline placed ended."""

    DONE = "done"  # answered, and its program ran to its end
    EARLY = "hung up early"  # answered, but hung up before that: what was recorded till then stands
    BUSY = "busy"
    NO_ANSWER = "no answer"  # it rang for as long as was asked
    REJECTED = "rejected"  # declined, forbidden, no such number: no use in trying again at once
    CONGESTION = "congestion"  # the network has no way to it just now
    UNREACHABLE = "unreachable"  # nothing there that rings: not registered, dead, no route

    @property
    def answered(self) -> bool:
        return self in (Ending.DONE, Ending.EARLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a call; `sip` and `cause` (Q.850) are 0 where Asterisk told none."""

    ending: Ending
    rang: bool
    sip: int = 0
    cause: int = 0
    seconds: float = 0.0  # from answer to hang-up
    told: Mapping[str, str] = field(
        default_factory=dict
    )  # the dialplan's last word (UserEvent), unquoted


class Placed(Protocol):
    """A call that Asterisk was asked for and has taken on."""

    @property
    def channel(self) -> str:
        """Asterisk's id of the channel, chosen by us: the same in every event and log."""
        ...

    async def answered(self) -> bool:
        """Waits until somebody answers (True) or the call has ended without (False). Raises Uncertain."""
        ...

    async def outcome(self) -> Outcome:
        """Waits for the end. Raises gateway.errors.Uncertain when the link to Asterisk was lost and
        nobody can say what became of the call: it may have rung, it may have been answered; Lost where
        it may go on still.
        """
        ...

    async def hang_up(self) -> None: ...


class Phone(Protocol):
    """Places calls, to numbers of the directory only."""

    async def call(
        self,
        number: str,
        token: str,
        *,
        timeout: float = 30.0,
        context: str = "wardline-out",
        variables: Mapping[str, str] | None = None,
    ) -> Placed:
        """Ring `number` for up to `timeout` seconds; who answers talks to the program of the FastAGI server,
        which finds `token` in its call (letters, digits, "-", "_": it says nothing of the patient).

        `context`: what the dialplan does once somebody has answered; "fax-send" sends a fax instead of
        talking. `variables`: for that context, of the same characters and ".".
        Raises PermanentFailure when the number may not be dialled; TemporaryFailure when nothing was dialled
        (reasons "unreachable": no link to Asterisk; "busy": a limit of the site is reached).
        """
        ...

    def adopt(self, token: str, *, context: str, within: float) -> Placed:
        """The call of this token, which was placed earlier, perhaps by an earlier process: it dials nothing.

        However long Asterisk cannot be asked, it is looked for during `within` seconds.
        """
        ...
