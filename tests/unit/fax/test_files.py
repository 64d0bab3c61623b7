"""The files between Wardline and Asterisk: looked at before anybody is rung, and never another's."""

from __future__ import annotations

import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from gateway.fax import spool, tiff
from gateway.fax.boxed import bind, look, packed

FINE = (1728, 2292)


def fax(
    pages=1, *, size=FINE, mode="1", compression="group4", dpi=(204, 196), marks="A", info=None
):
    made = []
    for number in range(pages):
        page = Image.new(mode, size, 1 if mode == "1" else 255)
        ImageDraw.Draw(page).text((100, 100), f"{marks}{number}", fill=0, font_size=90)
        made.append(page)
    file = io.BytesIO()
    extra = {"dpi": dpi} if dpi else {}
    made[0].save(
        file,
        "TIFF",
        compression=compression,
        save_all=True,
        append_images=made[1:],
        tiffinfo=info or {},
        **extra,
    )
    return file.getvalue()


@pytest.mark.parametrize(
    "fit",
    [
        {},
        {"pages": 3},
        {"compression": "group3"},
        {"dpi": (204, 98), "size": (1728, 1146)},
        {"dpi": (204, 391), "size": (1728, 4584)},
        {"dpi": (200, 200)},
    ],
)
def test_what_asterisk_sends_is_counted(fit):
    assert tiff.pages(fax(**fit)) == fit.get("pages", 1)


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        ({"dpi": None}, "resolution"),  # would come out at double height
        ({"dpi": (300, 300)}, "resolution"),
        ({"size": (1700, 2292)}, "1728"),
        ({"size": (2048, 2292)}, "1728"),
        ({"mode": "L", "compression": "raw"}, "black and white"),
        ({"compression": "raw"}, "compressed"),
        ({"compression": "tiff_lzw"}, "compressed"),
        ({"size": (1728, 5000)}, "too long"),
    ],
)
def test_what_asterisk_would_refuse_after_the_far_end_answered_is_refused_before(unfit, why):
    with pytest.raises(tiff.Unfit, match=why):
        tiff.pages(fax(**unfit))


def test_a_directory_that_goes_round_is_refused():
    data = bytearray(fax())
    at = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[at : at + 2], "little")
    data[at + 2 + 12 * count : at + 6 + 12 * count] = at.to_bytes(4, "little")

    with pytest.raises(tiff.Unfit, match="without end"):
        tiff.pages(bytes(data))


@given(st.binary(max_size=200), st.sampled_from([b"", b"II*\x00", b"MM\x00*"]))
def test_no_file_breaks_its_reader(rest, head):
    with pytest.raises(tiff.Unfit):
        tiff.pages(head + rest)


@given(st.integers(0, 600))
def test_a_file_that_was_cut_off_is_no_whole_fax(kept):
    whole = fax()
    try:
        pages = tiff.pages(whole[: min(kept, len(whole) - 1)])
    except tiff.Unfit:
        return
    assert pages == 1  # only the picture's end is missing: our own files are never cut


def test_a_cover_is_bound_before_the_pages_of_this_call():
    bound = bind(packed({"first": 2, "last": 3}, [fax(marks="C"), fax(4, marks="P")]))

    assert tiff.pages(bound) == 3
    made = Image.open(io.BytesIO(bound))
    sent = []
    for number in range(3):
        made.seek(number)
        sent.append(made.tobytes())
    wanted = [Image.open(io.BytesIO(fax(marks="C"))), Image.open(io.BytesIO(fax(4, marks="P")))]
    wanted[1].seek(1)
    assert sent[:2] == [page.tobytes() for page in wanted]


def test_a_received_file_says_who_sent_it_and_how_many_pages_can_be_read():
    assert look(fax(2, info={270: "+33155501234"})) == b'{"pages": 2, "station": "+33155501234"}'
    assert b'"pages": 0' in look(b"II*\x00\x08\x00\x00\x00")
    assert b'"pages": 0' in look(b"<html>")
    assert b'"pages": 0' in look(b"")


def test_a_file_for_asterisk_cannot_be_guessed_is_not_written_over_and_goes_away(tmp_path):
    folder = spool.Spool(tmp_path / "out")
    token = folder.put(b"page")
    other = folder.put(b"page")

    assert token != other
    assert len(token) == 32
    path = tmp_path / "out" / f"{token}.tif"
    assert path.read_bytes() == b"page"
    assert path.stat().st_mode & 0o007 == 0
    folder.remove(token)
    folder.remove(token)
    assert folder.clear() == 1
    assert not list((tmp_path / "out").iterdir())


def test_what_lies_in_asterisks_folder_is_read_only_if_it_is_a_file(tmp_path):
    (tmp_path / "real.tif").write_bytes(b"fax")
    (tmp_path / "link.tif").symlink_to(tmp_path / "real.tif")
    os.mkfifo(tmp_path / "pipe.tif")

    assert spool.read(tmp_path / "real.tif") == b"fax"
    for name in ("link.tif", "pipe.tif", "none.tif"):
        with pytest.raises(OSError, match=r"link|pipe|none|symbolic|not a file|No such"):
            spool.read(tmp_path / name)


@given(st.data())
def test_a_received_file_of_which_anything_was_changed_is_counted_as_far_as_it_can_be_read(data):
    """No decoder's own error leaves the reader: the first page of a fax must not go with its second."""
    file = bytearray(TWO)
    for at in data.draw(st.lists(st.integers(0, len(TWO) - 1), max_size=8)):
        file[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(TWO)))

    found = json.loads(look(bytes(file[:cut])))

    assert 0 <= found["pages"] <= 100


def test_a_second_page_that_breaks_its_decoder_leaves_the_first():
    directory = int.from_bytes(TWO[4:8], "little")
    count = int.from_bytes(TWO[directory : directory + 2], "little")
    second = int.from_bytes(TWO[directory + 2 + 12 * count : directory + 6 + 12 * count], "little")
    broken = bytearray(TWO)
    broken[second + 2 : second + 4] = b"\xff\xff"  # its width is called something else

    assert json.loads(look(bytes(broken)))["pages"] == 1


TWO = fax(2)
