"""What Asterisk says of a fax at its end: the user event of `dialplans/extensions.conf`, read with distrust.

Texts of strangers (station names above all) came percent-encoded, so that none of them could forge a field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.asterisk.ami.words import Event

#: A station's identification has 20 places (ITU-T T.30, 5.3.6.2.4); Asterisk's own limit is longer.
LONGEST_STATION = 40
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The end of one call that was answered, as its own channel tells it.

    The event's error text is left out on purpose: a fax that went well ends with "HANGUP" there.
    """

    token: str
    success: bool
    pages: int  # confirmed by the far end, page by page
    station: str  # how the far end calls itself (CSI); "" when it said nothing
    began: bool  # both ends had agreed on how to send, so something of a page may have left

    @property
    def spoke(self) -> bool:
        """Whether a fax machine was there at all."""
        return self.began or bool(self.station)


def sent(told: Mapping[str, str]) -> Sent | None:
    """The end of a fax that was sent, from the fields of its event; None where they make no sense."""
    if not _TOKEN.fullmatch(told.get("Token", "")):
        return None
    return Sent(
        token=told["Token"],
        success=told.get("Status") == "SUCCESS",
        pages=_count(told.get("Pages", "")),
        station=station(told.get("Remote", "")),
        # Measured: "8031x7700" once a page was begun, "0x0" or "" while nobody had agreed on anything.
        began=told.get("Resolution", "") not in ("", "0x0"),
    )


def received(event: Event) -> bool:
    """Whether a fax has come in, whole or not: the folder says what came."""
    return event.name == "UserEvent" and event["UserEvent"] == "FaxIn"


def station(text: str) -> str:
    """A station's identification without what cannot be shown, for paper and log alike."""
    seen = "".join(c if c.isprintable() and c <= "\xff" else " " for c in text[:400])
    return " ".join(seen.split())[:LONGEST_STATION]


def _count(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0
