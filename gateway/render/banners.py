"""What must be seen of a result before any of its values is read."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.locale import Translate
from gateway.message import Priority
from gateway.render.bounds import line
from gateway.render.facts import Facts
from printers.slip import Banner, Block, Text, Tone

NAMED = 6  # observations on a slip from which its critical ones are named above
NAMES = 8


def banners(_: Translate, facts: Facts, *, priority: Priority, correction: bool) -> Iterator[Block]:
    if facts.withdrawn:
        yield Banner(text=_("RESULT WITHDRAWN\nDO NOT USE"), size=2)
        if not facts.all_withdrawn:
            yield Text(text=_("Only what is marked WITHDRAWN; the rest holds."), tone=Tone.STRONG)
    if facts.void_criticals:
        yield Banner(text=_("A CRITICAL VALUE NO LONGER HOLDS"))
    if facts.criticals:
        yield Banner(text=_("CRITICAL"), size=2)
        yield from _named(_, facts)
    elif priority is Priority.URGENT:
        yield Banner(text=_("URGENT"), size=2)
    if correction:
        yield Banner(text=_("CORRECTION"), size=2)
    if facts.all_cancelled:
        yield Banner(text=_("EXAMINATION CANCELLED — NO RESULT"))


def _named(_: Translate, facts: Facts) -> Iterator[Block]:
    """Which ones are critical, where the eye would have to search for them."""
    if facts.count < NAMED:
        return
    names = list(dict.fromkeys(line(o.name, 40) for o in facts.criticals))
    shown = ", ".join(names[:NAMES]) + (" …" if len(names) > NAMES else "")
    yield Text(text=shown, tone=Tone.STRONG, centred=True)
