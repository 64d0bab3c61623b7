"""What somebody dictated on the telephone: kept as a message of its own, its sound beside who said it.

The stored form is one line of JSON, a line break, and the WAV file as it was recorded (8 kHz, mono).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gateway import render
from gateway.asterisk.ivr.house import Spoken
from gateway.asterisk.speech import wave
from gateway.inbox import Door, Inbox
from gateway.message import Kind, Message, Priority
from gateway.render import Context
from gateway.router import Mode
from gateway.store import Stored
from printers.slip import Slip

FORMAT = "dictation"


async def keep(inbox: Inbox, spoken: Spoken) -> None:
    """On disk, with its slip under way, when this returns; the sound file is gone then."""
    sound = spoken.sound.read_bytes()
    told = {
        "what": spoken.what,
        "person": spoken.person,
        "ward": spoken.ward,
        "language": spoken.language,
        "caller": spoken.caller,
        "about": spoken.about,
    }
    raw = json.dumps(told, ensure_ascii=False).encode() + b"\n" + sound
    message = Message(
        control_id=hashlib.sha256(raw).hexdigest()[:32],
        sender=spoken.person,
        type="DICTATION",
        kind=Kind.DOCUMENT,
        priority=Priority.URGENT,
    )
    door = Door(intake="telephone", mode=Mode.DIRECT)
    wards = (spoken.ward,) if spoken.ward else ()
    await inbox.take(message, raw, format=FORMAT, door=door, peer=spoken.caller, wards=wards)
    spoken.sound.unlink(missing_ok=True)


def split(raw: bytes) -> tuple[Mapping[str, Any], bytes]:
    """What is known of a stored dictation without hearing it, and its WAV file."""
    head, _, sound = raw.partition(b"\n")
    told: Mapping[str, Any] = json.loads(head)
    return told, sound


async def open(stored: Stored, context: Context, *, kit: Any) -> Slip:  # noqa: A001 - the role's name
    """Its slip (`registry.FORMATS`): who said something and when; the words are heard, never guessed."""
    told, sound = split(stored.raw)
    said = render.Dictation(
        what=str(told["what"]),
        person=str(told["person"]),
        caller=str(told["caller"]),
        about=str(told["about"]),
        seconds=wave.seconds(sound),
        sha256=hashlib.sha256(sound).hexdigest(),
    )
    return render.dictation(said, context)
