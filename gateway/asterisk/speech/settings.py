"""The `[telephony.speech]` table: which engine speaks, how fast, with which words and recordings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings import Duration, Settings

ESPEAK = ("espeak-ng", "-v", "{voice}", "-s", "{speed}", "-b", "1", "--stdin", "--stdout")


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    known = {"voice": "", "speed": "", "text": ""}
    for word in words:
        try:
            word.format_map(known)
        except (KeyError, ValueError, IndexError) as error:
            raise ValueError(
                f"{word}: only {{voice}}, {{speed}} and {{text}} can be filled in"
            ) from error
    return words


class SpeechSettings(Settings):
    """What Wardline speaks with on the telephone."""

    # Its words, never a shell's. The text comes in on standard input unless {text} stands among them;
    # a WAV file is awaited on standard output.
    command: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_command)] = ESPEAK
    voices: Mapping[str, str] = {"fr": "fr", "en": "en-gb"}
    speed: Annotated[int, Field(ge=50, le=400)] = 145  # words a minute, in the engine's own measure
    slower: Annotated[int, Field(ge=50, le=400)] = 105
    timeout: Annotated[Duration, Field(ge=0.1, le=60.0)] = 10.0
    lexicons: Mapping[
        str, Path
    ] = {}  # own files by language, instead of those that come with Wardline
    recordings: Path | None = None  # own recordings: LANGUAGE/index.toml and the WAV files it names
