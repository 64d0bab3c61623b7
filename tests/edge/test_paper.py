"""Documents of strangers on paper, drawn by a real child: pages, strips and faxes, or the reason why not."""

from __future__ import annotations

import email
import email.policy
import io
import os
import resource
import zlib
from contextlib import asynccontextmanager
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred

from gateway.box import Box, BoxFailed, Why
from gateway.clock import ReactorClock
from gateway.errors import TemporaryFailure
from gateway.paper import Typesetter
from printers import escpos, model
from printers.layout import lay_out
from printers.pages import set_page
from printers.slip import Enclosure, Heading, Role, Row, Slip, Text

PNG = "image/png"


@asynccontextmanager
async def paper(**settings):
    box = Box(reactor, ReactorClock(reactor))
    box.startService()
    try:
        yield Typesetter(reactor, box, **settings)
    finally:
        await maybeDeferred(box.stopService)


def slip(*enclosures, **fields):
    header = (Heading(text="Cardiologie", role=Role.WARD),)
    return Slip(
        header=header, body=(*enclosures,), running="DURAND Noémie", language="en", **fields
    )


def pdf(*words, repeated=1):
    body = tuple(Row(name=word, value="6,8") for word in words) * repeated
    return set_page(Slip(header=(), body=body))


def enclosed(data, title="ECG", media="application/pdf"):
    return Enclosure(title=title, media_type=media, data=data)


def pages(made):
    document = pypdfium2.PdfDocument(made)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def bare_pdf(content, *, count=1):
    kids = b"3 0 R " * count
    packed = zlib.compress(content, 9)
    return b"".join(
        (
            b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n",
            b"2 0 obj<</Type/Pages/Count %d/Kids[%s]>>endobj\n" % (count, kids),
            b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n",
            b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n" % len(packed),
            packed,
            b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
        )
    )


def photograph():
    file = io.BytesIO()
    Image.linear_gradient("L").resize((600, 400)).save(file, "PNG")
    return file.getvalue()


async def test_a_document_follows_its_sheet_and_each_of_its_pages_says_whose_it_is():
    scan = pdf("Potassium", repeated=60)
    async with paper() as drawer:
        made = await drawer.page(slip(Text(text="Une page"), enclosed(scan)))
    first, *rest = pages(made)
    assert "Une page" in first
    assert len(rest) == 2
    for number, page in enumerate(rest, start=1):
        assert f"ECG · page {number}/2" in page
        assert "DURAND Noémie" in page


async def test_a_slip_prints_it_in_strips_that_no_flush_leaves_hanging():
    printer = model.load("generic-80mm")
    async with paper() as drawer:
        opened, drawn = await drawer.strips(slip(enclosed(photograph(), media=PNG)), dots=576)
    ticket = escpos.ticket(lay_out(opened, printer.columns, drawn=drawn), printer)
    begin = ticket.index(b"\x1dv0\x00")
    assert b"ECG" in ticket[:begin]
    assert int.from_bytes(ticket[begin + 6 : begin + 8], "little") <= 100


async def test_a_fax_is_the_page_and_what_follows_it():
    async with paper() as drawer:
        made = await drawer.fax(slip(enclosed(pdf("Potassium"))))
    tiff = Image.open(io.BytesIO(made))
    assert (tiff.n_frames, tiff.size, tiff.mode) == (2, (1728, 2292), "1")


@pytest.mark.parametrize("form", ["fax", "raster"])
async def test_of_a_long_document_as_much_is_drawn_as_a_page_shows(form):
    """Its sheet, thirty of its pages, and on the sheet how many there are."""
    async with paper() as drawer:
        long = slip(enclosed(bare_pdf(b"9 9 99 99 re f", count=40)))
        if form == "fax":
            count = Image.open(io.BytesIO(await drawer.fax(long))).n_frames
        else:
            _, count = await drawer.raster(long, dpi=150, bits=1)
    assert count == 31


class Busy:
    async def call(self, function, payload, *, timeout):
        raise BoxFailed(Why.BUSY)


@pytest.mark.parametrize("form", ["fax", "raster"])
async def test_while_there_is_too_much_to_draw_it_is_tried_again(form):
    drawer = Typesetter(reactor, Busy())
    work = drawer.fax(slip()) if form == "fax" else drawer.raster(slip(), dpi=150, bits=1)
    with pytest.raises(TemporaryFailure):
        await work


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"%PDF-1.7 nothing", "it is damaged"),
        (b"PK\x03\x04", "no PDF, PNG, JPEG or TIFF"),
        (bare_pdf(b""), None),
    ],
)
async def test_what_cannot_be_drawn_is_said(data, why):
    async with paper() as drawer:
        made = pages(await drawer.page(slip(enclosed(data))))
        opened, drawn = await drawer.strips(slip(enclosed(data)), dots=576)
    if why is not None:
        assert f"ENCLOSED, NOT PRINTED HERE: ECG ({why})" in made[0].replace("\r\n", " ")
        assert why in opened.body[0].text
        assert not drawn
    else:
        assert len(made) == 2  # an empty page is a page


async def test_of_twenty_thousand_pages_the_first_come_out_and_the_rest_is_said():
    async with paper() as drawer:
        made = pages(await drawer.page(slip(enclosed(bare_pdf(b"9 9 99 99 re f", count=20_000)))))
    assert 10 < len(made) <= 31  # on a machine that is busy, fewer
    assert f"{len(made) - 1} of 20000 pages printed" in made[0]
    assert "CONTINUED" in made[0]


async def test_a_bomb_goes_off_in_the_box_and_the_next_document_comes_out():
    bomb = bare_pdf(b"0 0 m 99 99 l S " * 4_000_000)
    assert len(bomb) < 300_000
    before = resident()
    async with paper() as drawer:
        made = pages(await drawer.page(slip(enclosed(bomb, "Bombe"), enclosed(pdf("Sodium")))))
    assert "Bombe (it " in made[0].replace("\r\n", " ")
    assert "ECG · page 1/1" in made[-1]
    assert resident() - before < 150_000_000


async def test_a_template_that_fails_does_not_hold_up_a_page(tmp_path):
    (tmp_path / "plain.typ").write_text("#panic()")
    async with paper(templates=tmp_path) as drawer:
        (made,) = pages(await drawer.page(slip(Text(text="Potassium 6,8"))))
    assert "Potassium 6,8" in made


async def test_every_document_of_the_corpora_is_drawn_or_said():
    corpora = os.environ.get("WARDLINE_CORPORA")
    if not corpora:
        pytest.skip("WARDLINE_CORPORA is not set: it names the folder of the test corpora")
    before = resident()
    found = 0
    async with paper() as drawer:
        for title, data in attachments(Path(corpora)):
            found += 1
            opened, drawn = await drawer.strips(slip(enclosed(data, title)), dots=576)
            assert drawn or "NOT PRINTED HERE" in opened.body[0].text
    assert found > 10
    assert resident() - before < 150_000_000


def attachments(corpora):
    """What a ward may be sent: every PDF and picture in the mails, each once."""
    seen = set()
    for path in sorted((corpora / "own" / "mail-hostile").glob("*.eml")):
        if path.name.startswith(("parts_", "nest", "hdr_")) or path.stat().st_size > 20_000_000:
            continue
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for part in mail.walk():
            kind = part.get_content_type()
            if kind != "application/pdf" and not kind.startswith("image/"):
                continue
            data = part.get_payload(decode=True) or b""
            if data not in seen:
                seen.add(data)
                yield path.stem, data


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
