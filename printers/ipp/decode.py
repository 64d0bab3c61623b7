"""Bytes into a packet (RFC 8010 3): what a printer answers, taken as what a stranger sent."""

from __future__ import annotations

import struct

from printers.ipp.names import Tag
from printers.ipp.packet import (
    Content,
    Group,
    Localised,
    Malformed,
    Packet,
    Range,
    Resolution,
    Value,
)

#: A printer of many trays and media answers 50 kB with some 2,000 values.
MOST_VALUES = 50_000
DEEPEST = 8  # collections in collections; media-col-database has three
_SIZES = {
    Tag.INTEGER: 4,
    Tag.ENUM: 4,
    Tag.BOOLEAN: 1,
    Tag.RESOLUTION: 9,
    Tag.RANGE: 8,
    Tag.DATE_TIME: 11,
}


def decode(data: bytes) -> tuple[Packet, bytes]:
    """The packet and what follows it (a document). Raises Malformed.

    Time and memory are linear in `data`; whoever reads it off a wire bounds its length.
    """
    reader = _Reader(data)
    try:
        return reader.packet(), data[reader.at :]
    except (struct.error, IndexError) as short:
        raise Malformed("ends too early") from short


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MOST_VALUES
        self.at = 0

    def packet(self) -> Packet:
        major, minor, code, request_id = self._unpack(">BBHi")
        groups: list[Group] = []
        tag = self._tag()
        while tag != Tag.END:
            if tag > 0x0F:
                raise Malformed(f"a value where a group begins: 0x{tag:02x}")
            group, tag = self._group(tag)
            groups.append(group)
        return Packet(
            code=code, request_id=request_id, groups=tuple(groups), version=(major, minor)
        )

    def _group(self, kind: int) -> tuple[Group, int]:
        """The group, and the delimiter behind it."""
        found: dict[str, list[Value]] = {}
        current: list[Value] | None = None
        while (tag := self._tag()) > 0x0F:
            name = self._field().decode("utf-8", "replace")
            if name:
                current = []
                found.setdefault(name, current)
            elif current is None:
                raise Malformed("a value without a name")
            assert current is not None
            current.append(self._value(tag, depth=0))
        return Group(kind, {name: tuple(values) for name, values in found.items()}), tag

    def _value(self, tag: int, *, depth: int) -> Value:
        self._left -= 1
        if self._left < 0:
            raise Malformed(f"more than {MOST_VALUES} values")
        data = self._field()
        if tag == Tag.BEGIN_COLLECTION:
            if depth >= DEEPEST:
                raise Malformed("collections nested too deep")
            return Value(tag, self._collection(depth + 1))
        return Value(tag, _content(tag, data))

    def _collection(self, depth: int) -> dict[str, tuple[Value, ...]]:
        members: dict[str, list[Value]] = {}
        current: list[Value] | None = None
        while (tag := self._tag()) != Tag.END_COLLECTION:
            if self._field():
                raise Malformed("a name of its own inside a collection")
            if tag == Tag.MEMBER_NAME:
                current = []
                members.setdefault(self._field().decode("utf-8", "replace"), current)
            elif current is None or tag <= 0x0F:
                raise Malformed("a collection that is broken off")
            else:
                current.append(self._value(tag, depth=depth))
        if self._field() or self._field():
            raise Malformed("a collection's end with a name or a value")
        return {name: tuple(values) for name, values in members.items()}

    def _tag(self) -> int:
        tag = self._data[self.at]
        self.at += 1
        return tag

    def _field(self) -> bytes:
        """Two bytes of length and so many bytes."""
        (length,) = self._unpack(">h")
        if length < 0 or self.at + length > len(self._data):
            raise Malformed("a length beyond the end")
        start, self.at = self.at, self.at + length
        return self._data[start : self.at]

    def _unpack(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(form, self._data, self.at)
        self.at += struct.calcsize(form)
        return values


def _content(tag: int, data: bytes) -> Content:
    if tag < 0x20:  # out of band: unsupported, unknown, no-value…
        return None
    wanted = _SIZES.get(Tag(tag)) if tag in _KNOWN else None
    if wanted is not None and len(data) != wanted:
        raise Malformed(f"a value of tag 0x{tag:02x} with {len(data)} bytes")
    match tag:
        case Tag.INTEGER | Tag.ENUM:
            return int.from_bytes(data, "big", signed=True)
        case Tag.BOOLEAN:
            return data != b"\x00"
        case Tag.RANGE:
            return Range(*struct.unpack(">ii", data))
        case Tag.RESOLUTION:
            return Resolution(*struct.unpack(">iib", data))
        case Tag.TEXT_IN_LANGUAGE | Tag.NAME_IN_LANGUAGE:
            return _localised(data)
        case _ if 0x40 <= tag < 0x60:
            return data.decode("utf-8", "replace")
    return data


_KNOWN = frozenset(Tag)


def _localised(data: bytes) -> Localised:
    reader = _Reader(data)
    language, text = reader._field(), reader._field()  # noqa: SLF001 - of this module
    if reader.at != len(data):
        raise Malformed("a text with a language and something more")
    return Localised(language.decode("utf-8", "replace"), text.decode("utf-8", "replace"))
