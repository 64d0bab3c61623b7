"""An Asterisk of the tests' own: telephones 201 to 209, lines 610 (French) and 611 (English)."""

from __future__ import annotations

import pytest

from demo.telephone.exchange import SECRET, Exchange, Missing, free_ports, unpacked
from gateway.asterisk.files import Numbers

__all__ = ["CANARY", "PHONES", "SECRET", "Asterisk", "free_ports"]

PHONES = tuple(str(n) for n in range(201, 210))
CANARY = "209"  # registered, allowed by the patterns, in no directory: must never ring
LINES = ({"number": "610"}, {"number": "611", "language": "en"})


class Asterisk(Exchange):
    """Skips, saying what is missing, where there is no Asterisk to be had."""

    def __init__(self, folder, *, numbers=None, **more):
        try:
            tree = unpacked()
        except Missing as missing:
            pytest.skip(str(missing))
        known = numbers or Numbers(phones=[n for n in PHONES if n != CANARY])
        super().__init__(folder, tree=tree, phones=PHONES, lines=LINES, numbers=known, **more)

    close = Exchange.kill

    def log(self):
        return (self.folder / "log" / "messages").read_text("utf-8", "replace")
