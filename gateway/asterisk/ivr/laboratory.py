"""The way to a person: the laboratory's number, said before the call leaves us."""

from __future__ import annotations

from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.talk import Talk, ToLaboratory
from gateway.asterisk.speech import number


async def point_to_laboratory(talk: Talk, house: House) -> None:
    """Say its number, where it has one."""
    _ = talk.translate
    phone = house.directory.lab.phone
    if not phone:
        return
    figures = number.digits(talk.lexicon, phone)
    try:
        await talk.say(_("The laboratory is called: {phone}.", phone=figures))
    except ToLaboratory:
        return  # 9 once more: on the way already
