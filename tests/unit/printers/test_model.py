import codecs

import pytest

from printers.model import Cut, Fence, load, names, parse

WHOLE = """
vendor = "Acme"
dots = 576
dpi = 203
columns = 48
pages = [{ slot = 16, codec = "cp1252" }]
fence = "gs-r"
cut = "none"
qr = true
code128 = false
"""


def test_the_file_name_is_the_name():
    assert {"TM-T20II", "TM-T88V", "TM-m30", "POS-5890", "generic-80mm"} <= set(names())
    assert load("TM-T20II").name == "TM-T20II"
    assert load("tm-t20ii") == load("TM-T20II")


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'LX-300'.*POS-5890.*TM-T20II"):
        load("LX-300")


def test_no_name_leads_out_of_the_folder():
    with pytest.raises(ValueError, match="no printer model"):
        load("../models/TM-T20II")


@pytest.mark.parametrize("name", names())
def test_every_model_prints_french_as_text(name):
    model = load(name)
    french = "àâçéèêëîïôùûüÿœæÀÂÇÉÈÊËÎÏÔÙÛÜŒÆ«»’°²³µ±€½×÷≥≤"
    known = {
        char
        for page in model.pages
        for char in bytes(range(0x80, 0x100)).decode(page.codec, errors="ignore")
    }
    assert known.issuperset(french)


@pytest.mark.parametrize("name", names())
def test_every_model_keeps_ascii_on_every_page(name):
    ascii_bytes = bytes(range(0x20, 0x7F))
    for page in load(name).pages:
        assert codecs.decode(ascii_bytes, page.codec) == ascii_bytes.decode("ascii")


def test_no_strip_of_a_pos_5890_has_a_height_that_prints_garbage():
    assert load("POS-5890").strip < 48  # 48, 96… do


def test_a_file_is_read_into_its_model():
    model = parse("Acme 1", WHOLE)
    assert (model.name, model.fence, model.cut) == ("Acme 1", Fence.GS_R, Cut.NONE)
    assert (model.pages[0].slot, model.pages[0].codec) == (16, "cp1252")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("dots = 576", "dots = 570", "do not fit"),
        ("columns = 48", "columns = 49", "do not fit"),
        ("columns = 48", "columns = 12", "at least 24"),
        ('"gs-r"', '"gsr"', "'gsr'"),
        ('"none"', '"guillotine"', "'guillotine'"),
        ("qr = true", "", "'qr' is missing"),
        ("qr = true", "qr = true\ncolour = true", "unknown key 'colour'"),
        ("cp1252", "cp9999", "cp9999"),
        ("slot = 16", "slot = 300", "300"),
        ('[{ slot = 16, codec = "cp1252" }]', "[]", "at least one"),
        ("qr = true", "qr = true\nstrip = 200", "strip"),
        ("dots = 576", "dots =", "Acme"),
    ],
)
def test_a_fault_in_a_file_is_said_with_its_name(was, becomes, said):
    with pytest.raises(ValueError, match=said) as refused:
        parse("Acme", WHOLE.replace(was, becomes))
    assert "Acme" in str(refused.value)
