"""What stands on a slip, block by block, before anyone decides how wide the paper is.

A slip is built by `gateway.render` from outside text, laid out by `printers.layout` for a paper width
and encoded by `printers.escpos`. Blocks hold text as it came: making it printable happens at one place,
`printers.text.clean`, when the layout takes a block in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """How loudly a block speaks, without colour."""

    PLAIN = "plain"
    STRONG = "strong"  # bold
    ABNORMAL = "abnormal"  # bold, its flag at the edge
    CRITICAL = "critical"  # white on black


class Role(StrEnum):
    """What a line is about, for paper that gives it a place of its own. A slip prints all in order."""

    NONE = ""
    SITE = "site"
    WARD = "ward"
    NUMBER = "number"  # of the slip
    FAMILY = "family"  # the patient's names
    GIVEN = "given"
    PERSON = "person"  # whose all is that follows, on a sheet about several
    TITLE = "title"  # of an examination, of a part


class Form(StrEnum):
    """What kind of sheet a slip is, where it comes out as a page: the template of that name sets it."""

    PLAIN = "plain"
    RESULT = "result"
    ORDER = "order"
    COURIER = "courier"
    COVER = "cover"  # before a fax: nothing clinical
    PACK = "pack"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A centred line in large type: the ward, the patient's name."""

    text: str
    size: int = 2  # 1 normal, 2 double width and height
    role: Role = field(default=Role.NONE, compare=False)  # where it stands, not what it says


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A whole line white on black: MODE DÉGRADÉ, CRITIQUE, DUPLICATA POSSIBLE."""

    text: str
    size: int = 1  # 1 normal, 2 double height and width


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`label  value`: IPP  69102274. The value wraps under itself."""

    label: str
    value: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Running text, wrapped at words; "\\n" begins a new line."""

    text: str
    tone: Tone = Tone.PLAIN
    indent: int = 0
    centred: bool = False
    role: Role = field(default=Role.NONE, compare=False)  # where it stands, not what it says


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One analyte: name, value, unit, reference range, flag mark; what it replaces when corrected."""

    name: str
    value: str
    unit: str = ""
    reference: str = ""
    mark: str = ""  # as printed: "H", "LL", "R"… with an arrow where the site wants one
    previous: str = ""  # the value this one corrects: printed "4,1 → 6,8"
    status: str = ""  # "PROVISOIRE", "CORRIGÉ", "ANNULÉ": printed beside the name
    tone: Tone = Tone.PLAIN
    history: tuple[str, ...] = ()  # earlier values under the moments of `Slip.history`; pages only


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Space:
    """An empty line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A machine-readable code with its text under it (Code128, or QR where the model prefers it)."""

    data: str  # A-Z 0-9 and "-" only
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """An original document that came with the message: pages print it after the sheet, slips as pictures.

    Whoever draws it treats `data` as hostile: pixels come only out of a boxed process.
    """

    title: str
    media_type: str  # "application/pdf", "image/png", "image/jpeg", "image/tiff", "text/plain"
    data: bytes  # as its sender made it; text/plain is UTF-8


Block = Heading | Banner | Pair | Text | Row | Rule | Space | Code | Enclosure


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The titles over the rows of a page."""

    name: str
    value: str
    unit: str
    reference: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One piece of paper. `header` is repeated on every page when the body is longer than one page."""

    header: tuple[Block, ...]
    body: tuple[Block, ...]
    footer: tuple[Block, ...] = ()
    page_word: str = "page"  # "page" in both languages: "page 1/3"
    # At both ends of a slip past the longest: what is missing, and where to ask for it.
    left_out: str = "INCOMPLETE: {lines} LINES NOT PRINTED"
    # What only a page shows: its template, the titles over its rows, who it is about on every sheet.
    form: Form = Form.PLAIN
    columns: Columns | None = None
    history: tuple[str, ...] = ()  # when the earlier values of its rows were, newest first
    running: str = ""
    language: str = "fr"
    # Where an enclosure should stand that nobody could draw.
    undrawn: str = "ENCLOSED, NOT PRINTED HERE: {title}"
