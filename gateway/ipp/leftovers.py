"""Jobs of ours that an earlier attempt left in a printer: taken out before the next one goes in."""

from __future__ import annotations

import structlog

from gateway.ipp.errors import Trouble
from gateway.ipp.printer import Printer, Refused

PREFIX = "WL-"

_log = structlog.get_logger()


async def clear_leftovers(printer: Printer) -> None:
    """Cancel what still waits there and has not printed a side.

    Its delivery counts as uncertain and is on its way again, marked as a possible duplicate: were the
    old job to come out as well, nothing on it would say so.
    """
    try:
        waiting = await printer.waiting()
        for record in waiting:
            if record.name.startswith(PREFIX) and record.blank:
                await printer.cancel(record.id)
                _log.warning("ipp.leftover_cancelled", job=record.id, name=record.name)
    except (Trouble, Refused) as trouble:
        _log.info("ipp.leftovers_unknown", why=str(trouble))
