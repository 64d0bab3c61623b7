"""The first thing a caller hears: who are you, and what do you want."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog

from gateway.asterisk.ivr.dictating import dictate
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.login import login
from gateway.asterisk.ivr.results import results
from gateway.asterisk.ivr.slips import acknowledge_slip, copy_slip
from gateway.asterisk.ivr.standing import state
from gateway.asterisk.ivr.talk import Ended, Mute, Talk, ToLaboratory
from gateway.asterisk.role import Call
from gateway.asterisk.speech import number
from gateway.directory import Person

log = structlog.get_logger()

Item = Callable[[Talk, House, Person], Awaitable[None]]

ITEMS: Mapping[str, Item] = {
    "1": results,
    "2": acknowledge_slip,
    "3": copy_slip,
    "4": dictate,
    "5": state,
}


async def answer(call: Call, *, house: House) -> None:
    """A caller from hello to goodbye. Raises HungUp, and ToLaboratory or Mute for the dialplan, which
    rings the laboratory."""
    talk = house.talk(call)
    _ = talk.translate
    try:
        person = await login(talk, house, first=_("Wardline, results of the laboratory."))
        while True:
            key = await talk.choose(_choices(talk), keys="".join(ITEMS))
            await ITEMS[key](talk, house, person)
    except Ended:
        await talk.say(_("Goodbye."))
    except ToLaboratory:
        phone = house.directory.lab.phone
        if phone:
            figures = number.digits(talk.lexicon, phone)
            await talk.say(_("The laboratory is called: {phone}.", phone=figures))
        raise
    except Mute as mute:
        log.warning("caller mute", why=str(mute))
        raise


def _choices(talk: Talk) -> str:
    _ = talk.translate
    return " ".join(
        (
            _("Results of a patient: 1."),
            _("Acknowledge a slip: 2."),
            _("Print or fax a slip: 3."),
            _("Dictate an order: 4."),
            _("State of the platform: 5."),
            _("Again: 0. The laboratory: 9. End: hash."),
        )
    )
