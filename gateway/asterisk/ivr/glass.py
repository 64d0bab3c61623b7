"""Bris de glace: a patient outside the caller's wards, opened for a spoken reason that leaves a trace."""

from __future__ import annotations

from gateway.asterisk.ivr.house import House, Spoken
from gateway.asterisk.ivr.talk import Talk
from gateway.directory import Person
from gateway.store import Stored

LONGEST, SILENCE = 30.0, 3.0  # seconds of a spoken reason


async def break_glass(talk: Talk, house: House, person: Person, stored: Stored) -> bool:
    """Whether the caller gave a reason; it lies at the laboratory before any value is said."""
    _ = talk.translate
    key = await talk.choose(
        _("This patient is not in your wards."),
        _("In an emergency, press 5 and say why: it is recorded, and the laboratory is told."),
        _("Press 2 to go back."),
        keys="25",
    )
    if key != "5":
        return False
    await talk.say(_("Say why after the tone, then press hash."))
    sound = await talk.call.record(longest=LONGEST, silence=SILENCE)
    if sound is None:
        await talk.say(_("Nothing was recorded: the patient stays closed."))
        return False
    spoken = Spoken(
        what="break glass",
        person=f"{person.name} ({person.code})",
        ward="",
        language=talk.lexicon.language,
        caller=talk.call.caller,
        sound=sound,
        about=stored.patient_key,
    )
    await house.hands.keep(spoken)
    detail = {"person": person.code, "message": stored.id, "ward": stored.ward}
    await house.store.note("break glass", at=house.clock.now(), detail=detail)
    return True
