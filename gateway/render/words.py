"""The codes of HL7 and IPP in words a ward uses; an unknown code is shown as it came."""

from __future__ import annotations

import re

from gateway.locale import N_, Translate
from gateway.message import Attachment, Group, Observation, Priority, Status
from gateway.render import codes
from gateway.render.bounds import line


def status(_: Translate, value: Status, code: str) -> str:
    """ "" for what is final; an unknown status shows its code."""
    code = line(code, 20)
    if value is Status.UNKNOWN and code:
        return _("STATUS {code}", code=code)
    if value not in codes.STATUS:
        return ""
    return _(codes.STATUS_CODE.get((value, code.upper()), codes.STATUS[value]))


def control(_: Translate, code: str) -> str:
    """What an order message does to its order."""
    if code in codes.CONTROL:
        return _(codes.CONTROL[code])
    return _("ORDER ({code})", code=line(code, 20)) if code else _("ORDER")


def reason(_: Translate, text: str) -> str:
    """Why something is not where it should be; words of ours and of IPP translated, the rest as it came."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return ", ".join(dict.fromkeys(_reason(_, part) for part in parts))


def _reason(_: Translate, part: str) -> str:
    """Several words of IPP come side by side: "media-empty cover-open"."""
    known = [_known(_, piece) for piece in ([part] if _known(_, part) else part.split())]
    if known and all(known):
        return ", ".join(dict.fromkeys(known))
    silence = codes.SILENCE.fullmatch(part)
    if silence is not None:
        return _("no answer for {seconds} s", seconds=silence[1])
    gone = codes.GONE.fullmatch(part)
    if gone is not None:
        return _(codes.GONE_WORDS[gone[1]], name=line(gone[2], 40))
    return line(part)


def _known(_: Translate, word: str) -> str:
    for code in (word, codes.REASON_LEVEL.sub("", word)):
        if code in codes.REASON:
            return _(codes.REASON[code])
    return ""


def warning(_: Translate, word: str) -> str:
    if word in codes.WARNING:
        return _(codes.WARNING[word])
    return _("To be checked: {word}", word=line(word))


def refusal(_: Translate, code: int) -> str:
    return _(codes.REFUSAL[code]) if code in codes.REFUSAL else ""


def section(_: Translate, code: str) -> str:
    code = line(code)
    return f"{_(codes.SECTION[code])} ({code})" if code in codes.SECTION else code


def identity(_: Translate, code: str) -> str:
    """How far an identity can be trusted; "" when nobody says."""
    code = line(code, 40)
    return f"{_(codes.IDENTITY[code])} ({code})" if code in codes.IDENTITY else code


def sex(_: Translate, code: str) -> str:
    return line(code, 20)


def urgency(_: Translate, group: Group) -> str:
    """URGENT with the code as sent, "" for routine."""
    if group.priority is Priority.ROUTINE:
        return ""
    text = line(group.priority_text, 20)
    return _("URGENT") + (f" ({text})" if text else "")


def mark(observation: Observation) -> str:
    """The flag as sent; the site's own verdict where its limits said more than the sender."""
    if limited(observation) or not observation.flag_text.strip():
        return codes.MARK.get(observation.flag, "")
    return line(observation.flag_text, 12)


def limited(observation: Observation) -> bool:
    """Whether the site's limits, not the sender, call it critical."""
    said = re.split("[^A-Z<>]+", observation.flag_text.upper())
    return observation.flag.critical and not {"AA", "LL", "HH", "<<", ">>"}.intersection(said)


def attachment(_: Translate, found: Attachment) -> str:
    """That there is a document which this paper does not show, and where to get it."""
    kind = _kind(_, found)
    if found.fault:
        why = _(codes.FAULT[found.fault]) if found.fault in codes.FAULT else line(found.fault)
        return _("{kind} unreadable ({why}): ask the lab", kind=kind, why=why)
    return _("{kind} attached, {size}: ask the lab", kind=kind, size=_size(_, found.size))


def _kind(_: Translate, found: Attachment) -> str:
    subtype = line(found.media_type, 60).rpartition("/")[2]
    name = {"pdf": "PDF", "jpeg": "JPEG", "png": "PNG", "tiff": "TIFF", "rtf": "RTF"}.get(
        subtype.lower(), subtype
    )
    return _("{type} document", type=name) if name else _("document")


def _size(_: Translate, size: int) -> str:
    """Thousands of bytes, as a ward's computer shows them."""
    if size < 1000:
        return _.plural(N_("{n} byte"), "{n} bytes", size)
    if size < 1_000_000:
        return _("{n} kB", n=round(size / 1000))
    mega = f"{size / 1_000_000:.1f}"
    return _("{n} MB", n=mega.replace(".", ",") if _.language == "fr" else mega)
