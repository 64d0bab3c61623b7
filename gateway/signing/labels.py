"""What stands on the signed report whatever happened, in the site's language."""

from __future__ import annotations

from gateway.locale import Translate


def labels(_: Translate) -> dict[str, str]:
    """What stands on the page whatever happened."""
    return {
        "head": _("journal entry"),
        "page": _("page"),
        "totals": _("Totals"),
        "balanced": _("received = delivered + open + superseded + refused"),
        "unbalanced": _("The totals do not balance: call whoever looks after Wardline."),
        "nobody": _("Received by nobody"),
        "nobody_none": _("Every result of this outage reached somebody."),
        "nobody_some": _("Nobody is known to have received these. Each must be communicated."),
        "phone": _("tel."),
        "told": _("told to, by, at"),
        "everything": _("Everything that came in"),
        "nothing": _("Nothing came in."),
        "received": _("Received"),
        "patient": _("Patient"),
        "ward": _("Ward"),
        "what": _("Examination"),
        "state": _("State"),
        "outputs": _("Outputs and proofs"),
        "minutes": _("min."),
        "minutes_note": _("min.: minutes from receipt to the first paper that was proved"),
        "statement": _("I have read this report and dealt with what nobody received."),
        "name": _("Name"),
        "date": _("Date"),
        "signature": _("Signature"),
    }
