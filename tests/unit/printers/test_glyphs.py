import struct
import unicodedata

import pytest

from printers import glyphs
from printers.glyphs import spell
from printers.model import load, names
from printers.text import clean


def test_what_the_font_draws_stays_as_it_is():
    assert spell(clean("µmol/L ≥ γ-GT ↑ ☐ ≠ Łódź Ж")) == "µmol/L ≥ γ-GT ↑ ☐ ≠ Łódź Ж"


def test_what_no_font_of_ours_draws_is_written_by_its_code_points():
    assert spell(clean("日本 né")) == "[U+65E5 672C] né"
    assert spell(clean("🧪")) == "[U+1F9EA]"


def test_a_script_that_needs_shaping_is_not_drawn_letter_by_letter():
    assert spell(clean("محمد")) == "[U+0645 062D 0645 062F]"


def test_a_vietnamese_name_is_built_from_letters_and_marks():
    name = spell(clean("Nguyễn"))
    assert "[" not in name
    assert unicodedata.normalize("NFC", name) == "Nguyễn"


@pytest.mark.parametrize("model", names())
def test_everything_on_a_code_page_can_also_be_drawn(model):
    for page in load(model).pages:
        chars = clean(bytes(range(0x80, 0x100)).decode(page.codec, errors="ignore"))
        assert spell(chars) == chars


def test_a_font_without_the_table_it_needs_is_refused():
    cmap = struct.pack(">HHHHI", 0, 1, 3, 1, 12) + struct.pack(">HHHI", 4, 0, 0, 0) + bytes(16)
    font = struct.pack(">IHHHH", 0x00010000, 1, 0, 0, 0) + struct.pack(">4sIII", b"cmap", 0, 28, 0)
    with pytest.raises(ValueError, match="format 12"):
        list(glyphs._mapped(font + cmap))
