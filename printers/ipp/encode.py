"""A packet into bytes (RFC 8010 3): what Wardline asks of a printer."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from printers.ipp.names import Tag
from printers.ipp.packet import Content, Group, Localised, Packet, Range, Resolution, Value

_LONGEST = 0x7FFF  # a length is a signed short


def encode(packet: Packet) -> bytes:
    """The bytes that stand before the document. `ValueError` for what IPP cannot say."""
    head = struct.pack(">BBhi", *packet.version, packet.code, packet.request_id)
    return b"".join((head, *(b"".join(_group(group)) for group in packet.groups), _END))


_END = bytes((Tag.END,))


def _group(group: Group) -> Iterator[bytes]:
    yield bytes((group.tag,))
    for name, values in group.attributes.items():
        if not values:
            raise ValueError(f"{name}: an attribute has a value, if only no-value")
        for index, value in enumerate(values):
            yield from _value("" if index else name, value)


def _value(name: str, value: Value) -> Iterator[bytes]:
    if isinstance(value.content, dict):
        yield _field(Tag.BEGIN_COLLECTION, name, b"")
        for member, values in value.content.items():
            yield _field(Tag.MEMBER_NAME, "", _text(member))
            for each in values:
                yield from _value("", each)
        yield _field(Tag.END_COLLECTION, "", b"")
    else:
        yield _field(value.tag, name, _content(value.content))


def _field(tag: int, name: str, data: bytes) -> bytes:
    called = _text(name)
    if max(len(called), len(data)) > _LONGEST:
        raise ValueError(f"{name}: longer than {_LONGEST} bytes")
    return struct.pack(f">Bh{len(called)}sh", tag, len(called), called, len(data)) + data


def _content(content: Content) -> bytes:
    match content:
        case None:
            return b""
        case bool():
            return bytes((content,))
        case int():
            return struct.pack(">i", content)
        case str():
            return _text(content)
        case bytes():
            return content
        case Range(low, high):
            return struct.pack(">ii", low, high)
        case Resolution(across, feed, units):
            return struct.pack(">iib", across, feed, units)
        case Localised(language, text):
            first, second = _text(language), _text(text)
            return struct.pack(f">h{len(first)}sh", len(first), first, len(second)) + second
    raise ValueError(f"no IPP value: {type(content).__name__}")


def _text(text: str) -> bytes:
    return text.encode("utf-8")
