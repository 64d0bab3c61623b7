"""What was done with a message, in words: for the signed report and for the console.

Proofs and what a device said stay as they were.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.locale import N_, Translate
from gateway.render import words

_OUTCOME: Mapping[str, str] = {
    "delivered": N_("confirmed"),
    "handed": N_("handed over, not seen on paper"),
    "temporary": N_("failed, tried again"),
    "permanent": N_("failed"),
    "uncertain": N_("uncertain"),
}
_STATE: Mapping[str, str] = {
    "delivered": N_("was delivered"),
    "open": N_("is still open"),
    "superseded": N_("stands on a summary"),
    "refused": N_("was refused"),
}
_CHANNEL: Mapping[str, str] = {
    "platform": N_("platform"),
    "confirm": N_("the platform's confirmation"),
    "slip": N_("slip"),
    "neighbour": N_("slip next door"),
    "courier": N_("slip at the lab"),
    "summary": N_("summary slip"),
}
_VIA: Mapping[str, str] = {
    "call": N_("call"),
    "phone": N_("by telephone"),
    "desk": N_("at the laboratory"),
    "console": N_("at the console"),
}
_READ_BACK: Mapping[str, str] = {
    "ok": N_("read back"),
    "failed": N_("read back wrongly"),
}
_PRIORITY: Mapping[str, str] = {"critical": N_("CRITICAL"), "urgent": N_("URGENT")}

# What channels say of an attempt that gave no proof.
_DETAIL: Mapping[str, str] = {
    "does not answer": N_("does not answer"),
    "not ready to print": N_("not ready to print"),
    "hung up when asked": N_("hung up when asked"),
    "gave up before anything was sent": N_("gave up before anything was sent"),
    "link lost while printing": N_("link lost while printing"),
    "printer's buffers cleared": N_("what it had not printed was cleared"),
    "clearing the printer's buffers was not confirmed": N_("clearing it was not confirmed"),
    "printed, but the cutter is stuck": N_("printed, but the cutter is stuck"),
    "answered GS r more than once": N_("answered GS r more than once"),
    "aborted by the printer": N_("aborted by the printer"),
    "cancelled by the printer": N_("cancelled by the printer"),
    "cancelled, and not seen to end": N_("cancelled, and not seen to end"),
    "completed, but the printer does not say how many pages": N_(
        "completed, but the printer does not say how many pages"
    ),
    "could not be cancelled": N_("could not be cancelled"),
    "does not answer ~HS": N_("does not answer ~HS"),
    "given up while it was handed over": N_("given up while it was handed over"),
    "given up while printing": N_("given up while printing"),
    "not printed in time": N_("not printed in time"),
    "nobody can tell whether it arrived": N_("nobody can tell whether it arrived"),
    "paper or ribbon out, or head open": N_("paper or ribbon out, or head open"),
    "prints for somebody else": N_("prints for somebody else"),
    "the connection was lost": N_("the connection was lost"),
    "the printer has no such job": N_("the printer has no such job"),
    "the printer was restarted, or forgot the job": N_(
        "the printer was restarted, or forgot the job"
    ),
    "told to forget it": N_("told to forget it"),
    "no proof": N_("no proof"),
    "no acknowledgement": N_("no acknowledgement"),
    "no confirmation": N_("no confirmation"),
    "no connection": N_("no connection"),
    "busy": N_("too busy"),
    "cannot connect": N_("cannot connect"),
    "Wardline stops": N_("Wardline was stopped"),
    "the link is stopped": N_("Wardline was stopped"),
    "the service stopped": N_("Wardline was stopped"),
    "its claim lapsed": N_("Wardline was interrupted"),
}
_WITHIN = re.compile(r"(.+) within (\S+) s")


def outcome(_: Translate, code: str | None) -> str:
    return _("under way") if code is None else _(_OUTCOME[code])


def state(_: Translate, code: str) -> str:
    return _(_STATE[code])


def channel(_: Translate, code: str) -> str:
    return _(_CHANNEL[code]) if code in _CHANNEL else code


def via(_: Translate, code: str) -> str:
    return _(_VIA[code]) if code in _VIA else code


def read_back(_: Translate, code: str) -> str:
    """ "" when nothing was asked to be read back."""
    return _(_READ_BACK[code]) if code in _READ_BACK else code


def priority(_: Translate, code: str) -> str:
    """ "" for what is routine."""
    return _(_PRIORITY[code]) if code in _PRIORITY else ""


def detail(_: Translate, text: str) -> str:
    """Why an attempt failed, piece by piece: what is ours is translated, what a peer said is quoted."""
    parts = re.split(r"(; |: )", text)
    return "".join(part if index % 2 else _piece(_, part) for index, part in enumerate(parts))


def _piece(_: Translate, part: str) -> str:
    within = _WITHIN.fullmatch(part)
    if within is not None:
        what = _("not sent") if within[1] == "not sent" else _piece(_, within[1])
        return _("{what} within {seconds} s", what=what, seconds=within[2])
    return _(_DETAIL[part]) if part in _DETAIL else words.reason(_, part)
