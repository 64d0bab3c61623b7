"""What somebody dictated on the telephone: kept as a message of its own, its sound beside who said it.

The stored form is one line of JSON, a line break, and the WAV file as it was recorded (8 kHz, mono).
"""

from __future__ import annotations

import hashlib
import json

from gateway.asterisk.ivr.house import Spoken
from gateway.inbox import Door, Inbox
from gateway.message import Kind, Message, Priority
from gateway.router import Mode

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
