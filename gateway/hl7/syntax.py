"""How one message is written: its delimiters and character set, and text taken out by them."""

from __future__ import annotations

from gateway.hl7.delimiters import Delimiters
from gateway.hl7.escape import unescape

CHARSET_DOUBTFUL = "charset-doubtful"


class Syntax:
    """Takes fields, repetitions and components apart and gives their text.

    `warnings` collects what was doubtful on the way. A plain class with slots rather than a
    dataclass of functions: its methods run some hundred times for a message of 2 kB.
    """

    __slots__ = (
        "_delimiters",
        "codec",
        "component",
        "escape",
        "field",
        "repetition",
        "sub",
        "warnings",
    )

    def __init__(self, delimiters: Delimiters, *, codec: str = "utf-8") -> None:
        self._delimiters = delimiters
        self.codec = codec
        self.field = delimiters.field
        self.component = delimiters.component
        self.repetition = delimiters.repetition
        self.sub = delimiters.subcomponent
        self.escape = delimiters.escape
        self.warnings: dict[str, None] = {}  # ordered, each once

    def fields(self, line: str) -> list[str]:
        """A segment's fields, its name first: PID-3 is [3]; of MSH, MSH-3 is [2]."""
        return line.split(self.field)

    def is_verbatim(self, line: str) -> bool:
        """Whether nothing in `line` needs un-escaping: true of nine segments in ten."""
        return self.escape not in line and '""' not in line

    def text(self, raw: str) -> str:
        """`raw` un-escaped, whatever delimiters it holds. HL7's null ("") is no text."""
        if self.escape in raw:
            return self._unescape(raw)
        return "" if raw == '""' else raw

    def lines(self, raw: str) -> str:
        """The text of a field; its repetitions one below the other."""
        if not raw:
            return raw
        if self.repetition in raw:
            return "\n".join([self.text(r) for r in raw.split(self.repetition)])
        return self.text(raw)

    def components(self, raw: str) -> list[str]:
        """The components of a field's first repetition, not yet un-escaped."""
        return self.first(raw).split(self.component)

    def first(self, raw: str) -> str:
        """A field's first repetition."""
        return raw.partition(self.repetition)[0] if self.repetition in raw else raw

    def repetitions(self, raw: str) -> list[str]:
        return raw.split(self.repetition) if raw else []

    def value(self, raw: str) -> str:
        """The leading value: first repetition, first component. For codes, numbers and dates,
        stripped of the blanks that fixed-width senders leave around them."""
        if not raw or raw.isalnum():  # most are, and no delimiter is
            return raw
        for delimiter in (self.repetition, self.component):
            if delimiter in raw:
                raw = raw.partition(delimiter)[0]
        return self.text(raw).strip()

    def part(self, components: list[str], number: int) -> str:
        """Component `number` (from 1) as text, "" when there is none. A subcomponent delimiter
        in it is a character: "mère & enfant" is often sent so."""
        if number > len(components):
            return ""
        raw = components[number - 1]
        return raw if raw.isalnum() else self.text(raw).strip()

    def head(self, components: list[str], number: int) -> str:
        """The first subcomponent of component `number`: of an HD its name, of an FN the surname."""
        if number > len(components):
            return ""
        raw = components[number - 1]
        return raw if raw.isalnum() else self.text(raw.partition(self.sub)[0]).strip()

    def code_and_name(self, raw: str) -> tuple[str, str]:
        """CE, CWE: the code and its text, the alternates where these are missing; the code again
        where there is no text at all."""
        parts = self.first(raw).split(self.component)
        code = self.part(parts, 1) or self.part(parts, 4)
        return code, self.part(parts, 2) or self.part(parts, 5) or code

    def joined(self, raw: str) -> str:
        """A composite of a kind we need not know: what is filled, in order, parted by blanks."""
        flat = raw.replace(self.sub, self.component)
        return " ".join(t for c in flat.split(self.component) if (t := self.text(c).strip()))

    def _unescape(self, raw: str) -> str:
        result = unescape(raw, self._delimiters, codec=self.codec)
        if result.doubtful:
            self.warnings[CHARSET_DOUBTFUL] = None
        return result.text
