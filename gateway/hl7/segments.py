"""A message's text cut into segments, tolerant of how lines end."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import Rejected

# What the reader looks at, and what stands around it: known at a glance, without a closer look.
_KNOWN = frozenset(
    "MSH EVN PID PD1 PV1 PV2 NK1 MRG ORC OBR OBX NTE TQ1 TQ2 SPM SAC CTI FT1 DG1 AL1 IN1 GT1 ZBE "
    "SFT MSA ERR TXA CTD PRT ROL ZWL".split()
)
_BLANKS = " \t"


@dataclass(slots=True)
class Segments:
    """One line for each segment, MSH first."""

    lines: list[str]
    rejoined: bool = False  # some field held a raw line end


def segments(text: str, field: str) -> Segments:
    """The segments of `text`, which begins with MSH; `field` is its field separator.

    CR ends a segment; LF, CRLF and doubled ends are taken as well, VT, NEL and U+2028 never.
    A line that does not begin like a segment is the rest of the one before it, torn by a raw line
    end in its text: it is put back, so that no name is cut short and no result is lost.
    Raises `Rejected` (100) for segment names in lower case.
    """
    lines: list[str] = []
    torn: list[str] = []  # the last segment in pieces, where it was torn
    rejoined = False
    for line in (text.replace("\n", "\r") if "\n" in text else text).split("\r"):
        if line[:3] in _KNOWN and line[3:4] == field:
            start = line
        elif not line or line.isspace():
            continue
        else:
            start = _segment(line, field)
        if start:
            if torn:
                lines[-1] = "\n".join(torn)
                torn = []
            lines.append(start)
        else:
            torn = torn or [lines[-1]]
            torn.append(line)
            rejoined = True
    if torn:
        lines[-1] = "\n".join(torn)
    return Segments(lines, rejoined)


def _segment(line: str, field: str) -> str:
    """`line` as a segment, or "" when it is only text."""
    line = line.lstrip(_BLANKS)
    name, parted, _ = line.partition(field) if len(line) > 3 else (line.rstrip(), "", "")
    if len(name) == 4 and name[0] == "Z":  # a sender's own, misnamed
        name = name[:3]
    if len(name) != 3 or not (name.isascii() and name.isalnum() and name[0].isalpha()):
        return ""
    if name.isupper() and (parted or name in _KNOWN):
        return line
    if parted and name.upper() in _KNOWN:
        raise Rejected("segment name is not upper case", code=100, location=name.upper())
    return ""
