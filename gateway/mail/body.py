"""What a mail says, as text: of HTML its words, and whether the two versions of one mail say the same."""

from __future__ import annotations

import re
from html import unescape

from inscriptis import get_text
from inscriptis.model.config import ParserConfig
from lxml.etree import LxmlError

#: Longest HTML laid out, characters, styles not counted: 1 MB of table takes 5 s. Of a longer one the
#: words are kept and the layout is lost.
HTML = 250_000

_UNSAID = re.compile(
    r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<\?xml[^>]{0,200}\?>|data:image/[^\"'>\s]*",
    re.IGNORECASE | re.DOTALL,
)
_BREAK = re.compile(
    r"<(?:/?(?:p|div|tr|li|h\d|table|ul|ol|blockquote)|br)\b[^<>]{0,2000}>", re.IGNORECASE
)
_CELL = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,5000}>")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])"
    r"|<font[^>]{0,200}\bcolor\s*=\s*[\"']?\s*(?:white|#fff)|[^-]color\s*:\s*(?:white\b|#fff)"
    r"|text-indent\s*:\s*-\d{3}",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\w+")
_ADDRESS = re.compile(r"(?:https?|mailto|file|ftp|cid):\S*|www\.\S*", re.IGNORECASE)
_CONFIG = ParserConfig(display_links=False, display_images=True)


def html_as_text(source: str) -> str:
    """The words of an HTML page, its tables in columns. Loads nothing; never empty for one with words."""
    source = _UNSAID.sub(" ", source.replace("\x00", ""))
    try:
        text = get_text(source, _CONFIG) if len(source) <= HTML else ""
    except (LxmlError, ValueError, AttributeError, RecursionError, IndexError):
        text = ""
    if not text.strip():  # 50,000 nested elements come out of lxml empty
        text = unescape(_TAG.sub("", _BREAK.sub("\n", _CELL.sub("  ", source))))
    return _BLANK.sub("\n\n", text).strip()


def hides(source: str) -> bool:
    """Whether a page has words that its reader would not have seen."""
    return _HIDING.search(source[: 2 * HTML]) is not None


def differs(plain: str, html: str) -> bool:
    """Whether two versions of a mail say different things: any other number, or one word in five."""
    one, other = _said(plain), _said(html)
    if {w for w in one if w.isdigit()} != {w for w in other if w.isdigit()}:
        return True
    return len(one ^ other) * 5 > len(one | other)


def flowing(text: str) -> str:
    """Text of format=flowed (RFC 3676) with its soft breaks undone; quotes stay as they are."""
    lines: list[str] = []
    for line in text.split("\n"):
        bare = line.removeprefix(" ")
        if lines and lines[-1].endswith(" ") and lines[-1] != "-- " and not bare.startswith(">"):
            lines[-1] += bare
        else:
            lines.append(bare)
    return "\n".join(lines)


def _said(text: str) -> set[str]:
    return set(_WORDS.findall(_ADDRESS.sub(" ", text).casefold()))
