"""The first thing a caller hears: who are you, and what do you want."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog

from gateway.asterisk.ivr.dictating import dictate
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.laboratory import point_to_laboratory
from gateway.asterisk.ivr.login import login
from gateway.asterisk.ivr.results import results
from gateway.asterisk.ivr.slips import acknowledge_slip, copy_slip
from gateway.asterisk.ivr.standing import state
from gateway.asterisk.ivr.talk import Ended, Mute, Talk, ToLaboratory
from gateway.asterisk.role import Call
from gateway.directory import Person
from gateway.locale import Translate

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
    """A caller from hello to goodbye; who asks for the laboratory is connected with it. Raises HungUp, and
    Mute for the dialplan, which says what to do instead."""
    talk = house.talk(call)
    _ = talk.translate
    try:
        person = await login(talk, house, first=_("Wardline, results of the laboratory."))
        while True:
            key = await talk.choose(_choices(_), keys="".join(ITEMS))
            await ITEMS[key](talk, house, person)
    except Ended:
        await talk.say(_("Goodbye."))
    except ToLaboratory:
        await point_to_laboratory(talk, house)
        await call.to_laboratory()
    except Mute as mute:
        log.warning("caller mute", why=str(mute))
        raise


def opening(translate: Translate) -> tuple[str, ...]:
    """What every caller hears, for a voice to make ready before the first one comes."""
    _ = translate
    return (
        f"{_('Wardline, results of the laboratory.')} {_('Key your personal code, then hash.')}",
        _("Key your PIN, then hash."),
        _choices(_),
        _("Key the slip code, the IPP or the NDA, then hash."),
        _("Key the code under the slip, then hash."),
        _("Noted: you have this result."),
        _("Goodbye."),
    )


def _choices(translate: Translate) -> str:
    _ = translate
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
