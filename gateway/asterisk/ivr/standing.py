"""The platform by telephone: how it stands, and two persons' word for a whole site."""

from __future__ import annotations

from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.login import login
from gateway.asterisk.ivr.talk import Talk
from gateway.asterisk.speech.prose import clock, date_of
from gateway.clock import local
from gateway.directory import Person
from gateway.locale import N_, Translate
from gateway.store import Outage

ROLE = "downtime"

_STATES = {
    "up": N_("The platform is working."),
    "suspect": N_("It is not certain that the platform works."),
    "down": N_("The platform is down: results come out on paper."),
    "recovering": N_("The platform is coming back."),
}


async def state(talk: Talk, house: House, person: Person) -> None:
    """Say how the platform is; who may, declares it down or back with a second person's code."""
    _ = talk.translate
    outages = await house.store.outages() if house.platform else []
    outage = next((o for o in reversed(outages) if o.ended_at is None), None)
    await talk.say(await _said(_, house), *_since(talk, house, outage))
    if not house.platform or ROLE not in person.roles:
        return
    ask = (
        _("Press 1 to declare the end of the downtime, 2 to go back.")
        if outage
        else _("Press 1 to declare the platform down, 2 to go back.")
    )
    if await talk.choose(ask, keys="12") == "1":
        await _declare(talk, house, person, down=outage is None)


async def _declare(talk: Talk, house: House, person: Person, *, down: bool) -> None:
    """For a whole site one voice is not enough."""
    _ = talk.translate
    second = _("A second person must confirm it with another code.")
    other = await login(talk, house, first=second, other_than=person)
    if ROLE not in other.roles:
        await talk.say(_("This person may not declare it."))
        return
    word = "outage begin" if down else "outage end"
    by = f"{person.name}, {other.name}"
    await house.hands.said(word, by=by, reason="by telephone")
    await talk.say(
        _("Declared: every ward is told.") if down else _("The end of the downtime is declared.")
    )


async def _said(_: Translate, house: House) -> str:
    if not house.platform:
        return _("There is no platform at this site.")
    row = await house.store.platform()
    return _(_STATES[row.state if row and row.state in _STATES else "suspect"])


def _since(talk: Talk, house: House, outage: Outage | None) -> tuple[str, ...]:
    _ = talk.translate
    if outage is None:
        return ()
    at = local(outage.began_at, house.zone)
    when = f"{date_of(talk.lexicon, at.date())}, {clock(talk.lexicon, at.hour, at.minute)}"
    return (_("Since {moment}.", moment=when),)
