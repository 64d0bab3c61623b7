"""What would leave the telephone without a voice, for `wardline check`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.asterisk.speech import lexicon, recordings
from gateway.asterisk.speech.settings import SpeechSettings
from gateway.errors import Unusable


def faults(settings: SpeechSettings, *, base: Path, languages: Sequence[str]) -> Iterator[str]:
    """One line each: the engine, the site's own lexicons and recordings. Nothing is said."""
    program = settings.command[0]
    if shutil.which(program) is None:
        yield f"telephony.speech.command: {program} is not installed: callers would hear figures only"
    for language, path in settings.lexicons.items():
        try:
            lexicon.read(base / path)
        except Unusable as fault:
            yield f"telephony.speech.lexicons.{language}: {fault}"
    own = [base / settings.recordings] if settings.recordings is not None else []
    for language in languages:
        try:
            recordings.read(language, recordings.HOME, *own)
        except Unusable as fault:
            yield f"telephony.speech.recordings: {fault}"
