"""A stored mail opened again for paper, in the box; what cannot be read becomes a notice that says so."""

from __future__ import annotations

from typing import Protocol

from gateway.box import BoxFailed, Why
from gateway.locale import N_
from gateway.mail import letter
from gateway.mail.envelope import unseal
from gateway.mail.headers import split
from gateway.mail.letter import Letter
from gateway.mail.paper import paper
from gateway.message import Kind, Message
from gateway.render import Context
from gateway.store import Stored
from printers.slip import Slip

#: Seconds for reading one mail.
READING = 10.0

_FAULTS = {
    Why.TIME: N_("Reading it takes too long."),
    Why.MEMORY: N_("Reading it takes too much memory."),
    Why.BUSY: N_("There was too much to read at once."),
}


class Box(Protocol):
    async def call(self, function: str, payload: bytes, *, timeout: float = 10.0) -> bytes: ...


class Kit(Protocol):
    @property
    def box(self) -> Box | None: ...


async def open(stored: Stored, context: Context, *, kit: Kit) -> Slip:  # noqa: A001 - the role's word
    """The slip of a mail. Raises ValueError when what is stored is no mail."""
    envelope, mail = unseal(stored.raw)
    message = Message(
        control_id=stored.control_id.rpartition(" ")[0] or stored.control_id,
        sender=stored.sender,
        type=stored.type,
        kind=Kind.DOCUMENT,
    )
    return paper(await _read(mail, kit.box), envelope, message, context)


async def _read(mail: bytes, box: Box | None) -> Letter:
    try:
        if box is None:
            raise BoxFailed(Why.STOPPED)
        return letter.load(await box.call("gateway.mail.reading:read", mail, timeout=READING))
    except BoxFailed as failed:
        return _unread(mail, _FAULTS.get(failed.why, N_("Reading it failed.")))
    except ValueError:
        return _unread(mail, N_("Reading it failed."))


def _unread(mail: bytes, fault: str) -> Letter:
    """What can be said of a mail without reading it: the first 64 kB of its headers."""
    headers, _ = split(mail)
    return Letter(
        sender=headers.text("from")[:400],
        subject=headers.text("subject")[:400],
        date=headers.text("date")[:60],
        fault=fault,
    )
