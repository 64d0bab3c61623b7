"""A dictated order: spoken, heard again, kept, and its slip printed where somebody waits for it."""

from __future__ import annotations

from pathlib import Path

from gateway.asterisk.ivr.house import House, Spoken
from gateway.asterisk.ivr.places import choose_ward
from gateway.asterisk.ivr.talk import Ended, Talk
from gateway.asterisk.role import Prompt
from gateway.directory import Person

LONGEST, SILENCE = 120.0, 5.0  # seconds
SECOND = 16_000  # bytes of sound: 8 kHz, 16 bits


async def dictate(talk: Talk, house: House, person: Person) -> None:
    """Record until the caller is content; on disk, with its slip under way, when they are told so."""
    _ = talk.translate
    to = await talk.choose(_("For the laboratory, press 1. For a ward, press 2."), keys="12")
    ward = None
    if to == "2":
        ward = await choose_ward(talk, list(house.directory.wards.values()))
    sound = await _recorded(talk)
    spoken = Spoken(
        what="order",
        person=f"{person.name} ({person.code})",
        ward=ward.code if ward else "",
        language=talk.lexicon.language,
        caller=talk.call.caller,
        sound=sound,
    )
    await house.hands.keep(spoken)
    place = ward.name if ward else house.directory.lab.name
    await talk.say(_("Your order is kept; its slip comes out in {ward}.", ward=place))


async def _recorded(talk: Talk) -> Path:
    _ = talk.translate
    while True:
        await talk.say(_("Say the patient, the examination and your name, then press hash."))
        sound = await talk.call.record(longest=LONGEST, silence=SILENCE)
        if sound is None:
            key = await talk.choose(
                _("Nothing was recorded. Press 3 to try again, 2 to give up."), keys="23"
            )
            if key == "2":
                raise Ended
            continue
        if sound.stat().st_size >= (LONGEST - 1.0) * SECOND:  # who speaks on does not notice
            await talk.say(_("Two minutes are recorded, and nothing that was said after them."))
        while True:
            key = await talk.choose(
                _("Press 1 to send it, 4 to hear it, 3 to record it again."), keys="134"
            )
            if key == "1":
                return sound
            if key == "3":
                break
            await talk.call.say(Prompt(str(sound.with_suffix(""))))
