import io
import zlib

import pytest
from PIL import Image, ImageDraw

from printers.pages import set_page
from printers.pixels.boxed import sheets, slips
from printers.pixels.document import SHEETS, Undrawable, open_document
from printers.pixels.fax import Resolution, fax_pages
from printers.pixels.ink import bilevel
from printers.pixels.packing import packed, unpacked
from printers.pixels.sheets import sheet
from printers.pixels.strips import strips
from printers.slip import Row, Slip, Space, Text


def pdf(*, pages=1, text="Potassium 6,8"):
    body = [Row(name=text, value=str(n)) for n in range(46 * (pages - 1) + 5)]
    return set_page(Slip(header=(), body=tuple(body)))


def bare_pdf(count=1, box="0 0 595 842", content=b"", trailer=b""):
    """A PDF by hand: `count` equal pages."""
    kids = b" ".join(b"3 0 R" for _ in range(count))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R>>" % box.encode(),
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    ]
    made = bytearray(b"%PDF-1.4\n")
    for number, each in enumerate(objects, start=1):
        made += b"%d 0 obj%s endobj\n" % (number, each)
    return bytes(made + b"trailer<</Root 1 0 R" + trailer + b">>\n%%EOF")


LOCK = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % ((b"0" * 64,) * 2)


def vast_png(side):
    """A PNG that says it is `side` by `side`; what follows would not matter."""
    said = b"IHDR" + side.to_bytes(4) * 2 + b"\x01\x00\x00\x00\x00"
    head = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0d" + said + zlib.crc32(said).to_bytes(4)
    return head + b"\x00\x00\x00\x00IDAT" + zlib.crc32(b"IDAT").to_bytes(4)


def picture(form="PNG", size=(60, 40), mode="L", colour=0, **options):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, form, **options)
    return file.getvalue()


def photograph(size=(400, 300)):
    return Image.linear_gradient("L").resize(size)


@pytest.mark.parametrize("resolution", list(Resolution))
def test_a_fax_is_what_asterisk_sends(resolution):
    pages = 2 if resolution is Resolution.FINE else 1
    tiff = Image.open(io.BytesIO(fax_pages(pdf(pages=pages), resolution=resolution)))
    rows, down = resolution.value
    assert tiff.n_frames == pages
    for frame in range(pages):
        tiff.seek(frame)
        assert (tiff.mode, tiff.size) == ("1", (1728, rows))
        assert tuple(map(round, tiff.info["dpi"])) == (204, down)
        assert tiff.info["compression"] == "group4"
        black = tiff.convert("L").histogram()[0] / (1728 * rows)
        assert 0.0003 < black < 0.2


def test_a_fax_of_too_many_pages_is_refused_and_not_cut():
    with pytest.raises(Undrawable, match="too large"):
        fax_pages(bare_pdf(SHEETS + 1))


@pytest.mark.parametrize("dots", [576, 384])
def test_a_page_of_small_type_lies_on_a_slip_in_parts_and_none_is_wider_than_the_paper(dots):
    found = strips(open_document(pdf()), 0, dots=dots)
    assert {picture.width for picture in found} == {dots // 8}
    full = strips(open_document(pdf(pages=2)), 0, dots=dots)
    assert len(full) == {576: 2, 384: 3}[dots]


def test_a_note_stays_upright():
    image = Image.new("L", (300, 100), 255)
    ImageDraw.Draw(image).text((20, 40), "K 6,8", fill=0)
    file = io.BytesIO()
    image.save(file, "PNG")
    (found,) = strips(open_document(file.getvalue()), 0, dots=576)
    assert len(found.data) // found.width < 576


def test_parts_are_cut_between_lines_of_text():
    body = [block for n in range(40) for block in (Text(text=f"Ligne {n} " + "x" * 80), Space())]
    document = open_document(set_page(Slip(header=(), body=tuple(body))))
    for part in strips(document, 0, dots=576)[:-1]:
        turned = Image.frombytes("1", (576, len(part.data) // 72), part.data)
        edge = turned.crop((0, 0, 4, turned.height))  # below the last line, once it is turned back
        assert edge.getbbox() is None


def test_an_empty_page_takes_no_paper():
    assert strips(open_document(bare_pdf()), 0, dots=576) == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"%PDF-1.4 garbage", "damaged"),
        (b"<html>", "unknown kind"),
        (b"GIF89a" + b"\x00" * 40, "unknown kind"),
        (picture()[:60], "damaged"),
        (picture("JPEG", size=(400, 400))[:300], "damaged"),
        (bare_pdf(trailer=LOCK), "encrypted"),
    ],
)
def test_what_cannot_be_drawn_says_why(data, why):
    with pytest.raises(Undrawable, match=why):
        open_document(data).draw(0, 1.0)


def test_beside_a_picture_narrower_than_the_paper_there_is_no_ink():
    tall = Image.new("L", (100, 2000), 255)
    ImageDraw.Draw(tall).rectangle((40, 0, 60, 1999), fill=0)
    file = io.BytesIO()
    tall.save(file, "PNG")
    for part in strips(open_document(file.getvalue()), 0, dots=576):
        rows = [part.data[at : at + part.width] for at in range(0, len(part.data), part.width)]
        assert all(row[0] == row[-1] == 0 for row in rows)


def test_a_picture_of_too_many_pixels_is_not_even_decoded():
    with pytest.raises(Undrawable, match="too large"):
        open_document(vast_png(30_000)).draw(0, 1.0)
    with pytest.raises(Undrawable, match="too large"):
        open_document(vast_png(7_000)).draw(0, 1.0)  # Pillow itself would only warn


def test_a_page_too_large_for_this_scale_is_not_drawn():
    document = open_document(bare_pdf(box="0 0 14400 14400"))
    with pytest.raises(Undrawable, match="too large"):
        document.draw(0, 1.0)
    assert sheet(document, 0)  # at its own scale it is


def test_a_page_of_no_size_is_damaged():
    with pytest.raises(Undrawable):
        open_document(bare_pdf(box="0 0 0 0")).draw(0, 100.0)


def test_a_photograph_turned_by_its_camera_stands_upright():
    image = Image.new("L", (80, 40), 255)
    image.paste(0, (0, 0, 40, 40))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, dpi=(72, 72))
    document = open_document(file.getvalue())
    assert document.size(0) == (40, 80)
    drawn = document.draw(0, 1.0)
    assert drawn.getpixel((20, 10)) < 50
    assert drawn.getpixel((20, 70)) > 200


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixel_becomes_grey(mode):
    form = "TIFF" if mode == "CMYK" else "PNG"
    drawn = open_document(picture(form, mode=mode)).draw(0, 1.0)
    assert drawn.mode == "L"


def test_what_is_transparent_is_paper():
    clear = picture(mode="RGBA", colour=(0, 0, 0, 0))
    assert open_document(clear).draw(0, 1.0).getextrema() == (255, 255)


def test_every_page_of_a_tiff_counts():
    frames = [Image.new("1", (100, 100), 1) for _ in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
    assert len(open_document(file.getvalue())) == 3


def test_text_stays_sharp_and_a_photograph_becomes_dots():
    page = Image.new("L", (600, 700), 255)
    page.paste(photograph(), (100, 300))
    ImageDraw.Draw(page).text((20, 20), "Fine grey letters", fill=150)
    ink = bilevel(page)
    assert ink.crop((20, 20, 140, 40)).getextrema() == (0, 255)
    middle = ink.crop((200, 430, 400, 470)).convert("L")
    share = middle.histogram()[0] / (middle.width * middle.height)
    assert 0.3 < share < 0.7
    assert ink.crop((100, 100, 500, 250)).getextrema() == (255, 255)


def test_thin_white_letters_on_black_stay():
    page = Image.new("L", (300, 100), 0)
    ImageDraw.Draw(page).text((50, 50), "mmol/L", fill=190)
    assert bilevel(page).crop((50, 45, 100, 70)).getextrema() == (0, 255)


def test_black_letters_stay_whole_beside_a_black_bar():
    page = Image.new("L", (300, 100), 255)
    ImageDraw.Draw(page).text((50, 46), "98-107", fill=150)
    alone = bilevel(page)
    page.paste(0, (0, 20, 300, 44))
    assert (
        bilevel(page).crop((0, 46, 300, 100)).tobytes() == alone.crop((0, 46, 300, 100)).tobytes()
    )


def test_what_goes_through_the_door_comes_back_counted():
    document = bare_pdf(40, content=b"100 100 200 200 re f")
    head, blobs = unpacked(slips(packed({"dots": 576, "most": 2}, [document])))
    assert head["count"] == 40
    assert head["parts"] == [1, 1]
    assert len(blobs) == 2
    head, blobs = unpacked(sheets(packed({}, [b"GIF89a"])))
    assert (head["fault"], blobs) == ("unknown kind", [])
    head, blobs = unpacked(sheets(packed({"most": 1}, [document])))
    assert blobs[0].startswith(b"\x89PNG")
