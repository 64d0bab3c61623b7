"""How a question to a printer goes wrong: what matters is whether any of it may have arrived."""

from __future__ import annotations


class Trouble(Exception):
    """A question got no answer that could be used."""


class Unreachable(Trouble):
    """No connection: nothing of the question left."""


class Untrusted(Unreachable):
    """Another certificate than the one that is pinned: nothing of the question left."""


class Cut(Trouble):
    """The connection ended, or fell silent, after the question began to leave: it may have arrived."""


class Nonsense(Trouble):
    """What came back is not an answer of IPP: the printer has the question, and nobody knows what it did."""
