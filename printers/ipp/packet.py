"""One IPP request or answer: a code, groups of attributes, each a name with one value or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from printers.ipp.names import Tag


class Malformed(Exception):
    """These bytes are no IPP message; says what is wrong."""


@dataclass(frozen=True, slots=True)
class Range:
    """rangeOfInteger, both ends in it."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """Dots; `units` 3 is per inch, 4 per centimetre (RFC 8010 3.9)."""

    across: int
    feed: int
    units: int = 3


@dataclass(frozen=True, slots=True)
class Localised:
    """textWithLanguage, nameWithLanguage."""

    language: str
    text: str


Collection = Mapping[str, "tuple[Value, ...]"]
Content = None | bool | int | str | bytes | Range | Resolution | Localised | Collection


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its tag; of kinds we do not know, and dateTime, the bytes."""

    tag: int
    content: Content


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes behind one delimiter. A name that comes twice counts once, the first time."""

    tag: int
    attributes: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def words(self, name: str) -> tuple[str, ...]:
        """Its values as text; () when there is none."""
        values = (value.content for value in self.attributes.get(name, ()))
        texts = (v.text if isinstance(v, Localised) else v for v in values)
        return tuple(text for text in texts if isinstance(text, str))

    def word(self, name: str) -> str:
        """Its first value as text; "" when there is none."""
        return next(iter(self.words(name)), "")

    def numbers(self, name: str) -> tuple[int, ...]:
        values = (value.content for value in self.attributes.get(name, ()))
        return tuple(v for v in values if isinstance(v, int) and not isinstance(v, bool))

    def number(self, name: str) -> int | None:
        """Its first value as a number; None when there is none, or none is known."""
        return next(iter(self.numbers(name)), None)

    def flag(self, name: str) -> bool | None:
        values = (value.content for value in self.attributes.get(name, ()))
        return next((v for v in values if isinstance(v, bool)), None)

    def octets(self, name: str) -> tuple[bytes, ...]:
        values = (value.content for value in self.attributes.get(name, ()))
        return tuple(v for v in values if isinstance(v, bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """`code` is an operation in a request and a status in an answer."""

    code: int
    request_id: int
    groups: tuple[Group, ...] = ()
    version: tuple[int, int] = (1, 1)

    @property
    def ok(self) -> bool:
        return self.code < 0x0100

    def first(self, tag: Tag) -> Group:
        """The first group of this kind; an empty one when there is none."""
        return next(iter(self.all(tag)), Group(tag))

    def all(self, tag: Tag) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.tag == tag)

    @property
    def message(self) -> str:
        """What the printer says of it in words."""
        return self.first(Tag.OPERATION).word("status-message")
