"""Who is calling: a personal code and a PIN, three tries, one answer for whatever is wrong."""

from __future__ import annotations

from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.talk import Ended, Talk
from gateway.directory import Person

#: In one call.
TRIES = 3


async def login(
    talk: Talk, house: House, *, first: str = "", other_than: Person | None = None
) -> Person:
    """The person whose code and PIN were keyed. Raises Ended after three that were not.

    `first` is said before all: with the question, because whoever knows it keys at once. `other_than` is
    somebody who has already been heard: the second of two must be another.
    """
    _ = talk.translate
    before = first
    rung = bool(talk.call.token)
    line = talk.call.dialled if rung else talk.call.caller
    for _try in range(TRIES):
        code = await talk.ask(before, _("Key your personal code, then hash."), digits=8)
        pin = await talk.ask(_("Key your PIN, then hash."), digits=16)
        if not code or not pin:  # silence is no guess
            before = ""
            continue
        person = await house.access.person(code, pin, line=line, rung=rung)
        same = person is not None and other_than is not None and person.code == other_than.code
        if person is not None and not same:
            return person
        # The same words for a wrong code, a wrong PIN and a locked one: none may be told from another.
        before = _(
            "Refused. After five wrong codes in a row, access is closed for fifteen minutes."
        )
    if before:
        await talk.say(before)
    raise Ended
