"""Phrases recorded or rendered beforehand: `LANGUAGE/index.toml` names a WAV file for each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.asterisk.role import Prompt
from gateway.asterisk.speech.lexicon import folded
from gateway.errors import Unusable

HOME = Path(__file__).parents[3] / "dialplans" / "sounds"

#: The phrase that every language must have: what is said when nothing else can be.
CALL_LAB = "call the laboratory"


@dataclass(frozen=True, slots=True)
class Recordings:
    """One language's phrases, folded, with the prompt of each."""

    phrases: Mapping[str, Prompt]

    @property
    def call_lab(self) -> Prompt:
        return self.phrases[folded(CALL_LAB)]

    def find(self, text: str) -> tuple[Prompt, ...]:
        """The prompts that make up `text` wholly, longest phrases first; () when one word is missing.

        Wholly or not at all: one sentence in two voices is hard to follow.
        """
        words = _words(text)
        found: list[Prompt] = []
        while words:
            taken = self._longest(words)
            if not taken:
                return ()
            found.append(self.phrases[" ".join(words[:taken])])
            words = words[taken:]
        return tuple(found)

    def _longest(self, words: list[str]) -> int:
        return next((n for n in range(len(words), 0, -1) if " ".join(words[:n]) in self.phrases), 0)


def read(language: str, *folders: Path) -> Recordings:
    """The phrases of `language` in all `folders`, the last one's before the others'. Raises Unusable."""
    phrases: dict[str, Prompt] = {}
    for folder in folders:
        phrases |= _index(folder / language)
    if folded(CALL_LAB) not in phrases:
        raise Unusable(f'{folders[0] / language}: no recording of "{CALL_LAB}"')
    return Recordings(phrases)


def _index(folder: Path) -> dict[str, Prompt]:
    index = folder / "index.toml"
    if not index.exists():
        return {}
    try:
        named = tomllib.loads(index.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{index}: {error}") from error
    missing = [f for f in named.values() if not (folder / f"{f}.wav").is_file()]
    if missing:
        raise Unusable(f"{index}: there is no {missing[0]}.wav")
    return {" ".join(_words(k)): Prompt(str((folder / v).absolute())) for k, v in named.items()}


def _words(text: str) -> list[str]:
    return [w for w in (part.strip(".,:;") for part in folded(text).split()) if w]
