"""Reads one mail. Runs in the box: `box.call("gateway.mail.reading:read", raw)`, then `letter.load`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gateway.locale import N_
from gateway.mail import sniff
from gateway.mail.body import differs, flowing, hides, html_as_text
from gateway.mail.charset import decode
from gateway.mail.enclosing import enclose
from gateway.mail.headers import Headers
from gateway.mail.letter import Enclosed, LeftOut, Letter
from gateway.mail.parts import Leaf, Walk

#: What of a text is kept: a slip holds 480 lines, a page 60.
LINES, CHARACTERS = 1000, 100_000
SUBJECT = 400  # characters of a subject, of a name

_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")
#: Characters that turn the direction of what follows: "gpj.exe" can be shown as "exe.jpg".
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FRAME = b"\x0b\x1c\r\n \t"  # what may stand around an HL7 message in a file


def read(raw: bytes) -> bytes:
    """`Letter.dump` of the mail `raw`: headers, text, attachments that may be printed, HL7 messages."""
    return letter(raw).dump()


def results(raw: bytes) -> bytes:
    """`Letter.dump` of nothing but the HL7 messages in the mail `raw`: nothing else is opened for it."""
    walk = Walk()
    walk.message(raw)
    found = (leaf.data for leaf in walk.leaves if sniff.is_hl7(leaf.data))
    return Letter(hl7=tuple(map(_as_sent, found))).dump()


def letter(raw: bytes) -> Letter:
    """The mail `raw`, read as far as it can be."""
    walk = Walk()
    headers = walk.message(raw)
    found = Letter(
        message_id=headers.text("message-id").strip("<>")[:SUBJECT],
        sender=headers.text("from")[:SUBJECT],
        to=headers.text("to")[:SUBJECT],
        subject=headers.text("subject")[:SUBJECT],
        date=headers.text("date")[:SUBJECT],
    )
    if not headers.whole:
        return replace(found, fault=N_("Its header is longer than 64 kB."))
    contents = _Contents(walk)
    contents.twins()
    for index, leaf in enumerate(walk.leaves):
        contents.forward(walk.forwarded.get(index, ()))
        contents.take(leaf)
    contents.forward(walk.forwarded.get(len(walk.leaves), ()))
    if len(headers.all("from")) != 1:
        contents.warn(N_("It names no sender, or more than one."))
    return contents.fill(found)


@dataclass(slots=True)
class _Contents:
    """Sorts the parts: what is said, what is enclosed, what is HL7, what stays out."""

    walk: Walk
    said: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)  # HTML versions that say something else
    plain: dict[int, str] = field(default_factory=dict)  # by group
    enclosed: list[Enclosed] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    hl7: list[bytes] = field(default_factory=list)

    def warn(self, text: str) -> None:
        self.walk.warnings[text] = None

    def forward(self, mails: Iterable[Headers]) -> None:
        for headers in mails:
            lines = [f"{name}: {headers.text(name.lower())[:SUBJECT]}" for name in _FORWARDED]
            self.said.append("\n".join(("", "- " * 12, *lines, "")))

    def twins(self) -> None:
        """The plain version of whatever has several, wherever it stands among them."""
        for leaf in self.walk.leaves:
            if leaf.group and leaf.type == sniff.TEXT and not leaf.attached:
                self.plain[leaf.group] = self.plain.get(leaf.group, "") + self._words(leaf) + "\n"

    def take(self, leaf: Leaf) -> None:
        charset = leaf.parameters.get("charset", "")
        media_type, closed = sniff.sniff(leaf.data, leaf.type, name=leaf.name, charset=charset)
        if _TURNING.search(leaf.name):
            self.warn(_TURNED)
        if leaf.name.lower().endswith((".hl7", ".er7")) and media_type != sniff.HL7:
            self.warn(N_("A file that is called HL7 holds no HL7 message."))
        if not leaf.data.strip():
            if leaf.name:
                self._leave(leaf, what=media_type or closed, reason=N_("It is empty."))
        elif media_type == sniff.HL7:
            self.hl7.append(_as_sent(leaf.data))
        elif closed:
            self._leave(leaf, what=closed, reason=_CLOSED)
        elif media_type == sniff.HTML and leaf.attached:
            self._enclose(
                replace(
                    leaf,
                    data=html_as_text(self._text(leaf)).encode("utf-8", "replace"),
                    parameters={},
                ),
                sniff.TEXT,
            )
        elif media_type == sniff.HTML:
            self._html(leaf)
        elif media_type == sniff.TEXT and not leaf.attached:
            self.said.append(self._words(leaf))
        else:
            self._enclose(leaf, media_type)

    def _leave(self, leaf: Leaf, *, what: str, reason: str) -> None:
        title = leaf.name[:SUBJECT]
        self.left_out.append(LeftOut(title=title, what=what[:80], reason=reason))

    def _words(self, leaf: Leaf) -> str:
        text = self._text(leaf)
        return flowing(text) if leaf.parameters.get("format", "").lower() == "flowed" else text

    def _html(self, leaf: Leaf) -> None:
        source = self._text(leaf)
        text = html_as_text(source)
        if hides(source):
            self.warn(N_("It holds words made to be invisible: they may be printed here."))
        twin = self.plain.get(leaf.group, "") if leaf.group else ""
        if not twin.strip():
            self.said.append(text)
        elif differs(twin, text):
            self.warn(N_("Its two versions do not say the same: both are printed."))
            self.pages.append(text)

    def _enclose(self, leaf: Leaf, media_type: str) -> None:
        data = leaf.data
        if media_type == sniff.TEXT:
            data = self._text(leaf)[:CHARACTERS].encode("utf-8", "replace")
        found = enclose(leaf.name[:SUBJECT], media_type, data)
        if isinstance(found, Enclosed):
            self.enclosed.append(found)
        else:
            self.left_out.append(found)

    def _text(self, leaf: Leaf) -> str:
        text, sure = decode(leaf.data, leaf.parameters.get("charset", ""))
        if not sure:
            self.warn(N_("Its characters are not what it says: some letters may be wrong."))
        if _TURNING.search(text):
            self.warn(_TURNED)
        return _LINE_END.sub("\n", text)

    def fill(self, found: Letter) -> Letter:
        text, missing = _cut("\n".join(part.strip("\n") for part in self.said).strip("\n"))
        page, more = _cut("\n".join(self.pages))
        if _TURNING.search(found.subject + found.sender):
            self.warn(_TURNED)
        return replace(
            found,
            text=text,
            html=page,
            lines_left_out=missing + more,
            enclosed=tuple(self.enclosed),
            left_out=tuple(self.left_out),
            hl7=tuple(self.hl7),
            warnings=tuple(self.walk.warnings),
        )


_FORWARDED = ("From", "Date", "Subject")
_CLOSED = N_("Documents of this kind are not opened here.")
_TURNED = N_("It holds marks that turn the direction of writing: read names and numbers with care.")


def _as_sent(file: bytes) -> bytes:
    """HL7 as it goes over a line, so that the same message is known: mail turns every CR into CR LF."""
    file = file.strip(_FRAME)
    if file.count(b"\r\n") == file.count(b"\r"):
        file = file.replace(b"\r\n", b"\r") if b"\r" in file else file.replace(b"\n", b"\r")
    return file + b"\r"


def _cut(text: str) -> tuple[str, int]:
    """What is kept of a text, and how many of its lines are not."""
    lines = text.count("\n") + 1
    kept = "\n".join(text[:CHARACTERS].split("\n", LINES)[:LINES])
    missing = lines - (kept.count("\n") + 1)
    return kept, max(missing, int(len(kept) < len(text)))
