"""The documents of a message, taken out of its raw bytes when a channel wants to print them."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.hl7.attachment import Unreadable, bytes_of, is_document
from gateway.hl7.opening import open_message
from gateway.hl7.segments import segments
from gateway.hl7.syntax import Syntax


def extract(raw: bytes, index: int, *, default_charset: str = "utf-8") -> bytes:
    """The document of the `index`-th attachment (from 0) that `read` announces in `raw`.

    Raises `Unreadable`, a `ValueError`, where its data are broken or there is none such.
    """
    for at, (document, syntax) in enumerate(_documents(raw, default_charset)):
        if at == index:
            return bytes_of(document, syntax)
    raise Unreadable("no such document")


def _documents(raw: bytes, default_charset: str) -> Iterator[tuple[str, Syntax]]:
    opened = open_message(raw, default_charset=default_charset)
    syntax = Syntax(opened.delimiters, codec=opened.codec)
    for line in segments(opened.text, syntax.field).lines:
        obx = syntax.fields(line)
        if obx[0] == "OBX" and len(obx) > 5 and is_document(obx[2], obx[5]):
            for document in syntax.repetitions(obx[5]):
                yield document, syntax
