"""Each kind of sheet beside the picture of it that a person has looked at (tests/references/pages).

After a change that is meant: WARDLINE_DRAW_REFERENCES=1 pytest this file, and look at every picture.
"""

import io
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageChops

from gateway.message import Flag, Kind, Location, Status
from gateway.render import Outlet, Pack, Present, Waited, history, outage_began, pack, render
from printers.pages import set_page
from printers.pages.shelf import shelf
from printers.pixels.fax import fax_pages
from printers.slip import Banner, Form, Heading, Pair, Role, Rule, Slip, Text, Tone
from tests.unit.render.samples import at, context, group, message, observation, patient, potassium

REFERENCES = Path(__file__).parents[1] / "references" / "pages"
DPI = 60
NOW = at("03/08/2026 11:20")

CIRCUMSTANCES = context(
    degraded=True,
    outage_since=at("03/08/2026 10:58"),
    code="402173",
    code_caption="4021-73",
    phone="01 23 45 67 89",
)
PANEL = group(
    observation("138", code="1", name="Sodium", reference="136-145"),
    potassium("6,8"),
    observation(
        "148",
        code="4",
        name="Créatinine",
        unit="µmol/L",
        reference="45-84",
        flag=Flag.HIGH,
        flag_text="H",
        notes=("DFG estimé (CKD-EPI) : 32 mL/min/1,73 m²",),
    ),
    observation("3,2", code="6", name="Leucocytes", unit="10⁹/L", status=Status.CORRECTED),
    observation("Escherichia coli > 100 000 UFC/mL", code="7", name="Culture", unit=""),
)
RESULT = message(PANEL)


def with_past():
    before = [
        Waited(
            message=message(
                group(potassium(value), filler=value, collected_at=f"2026080{day}0710")
            ),
            received_at=NOW - 86400,
        )
        for value, day in (("5,9", 2), ("4,1", 1))
    ]
    past = history(RESULT, before, received_at=NOW, zone="Europe/Paris")
    return render(RESULT, context(history=past, code="402173", code_caption="4021-73"))


def ward_pack():
    census = [
        Present(patient=patient(family=name, ipp=str(n)), location=Location(room=str(210 + n)))
        for n, name in enumerate(("DURAND", "LEFÈBVRE-ŒUVRARD", "NGUYỄN"))
    ]
    found = Pack(part=1, parts=2, patients=(census[0],), since=NOW - 86400, census=tuple(census))
    return pack(found, CIRCUMSTANCES)


def cover():
    return Slip(
        header=(
            Banner(text="MODE DÉGRADÉ depuis 10:58"),
            Heading(text="Cardiologie", role=Role.WARD),
            Heading(text="n° 0042", role=Role.NUMBER),
            Text(text="Hôpital Exemple (HEX)", role=Role.SITE),
        ),
        body=(
            Rule(),
            Pair(label="Numéro de fax", value="01 98 76 54 32"),
            Text(text="CONFIDENTIEL : secret médical.", tone=Tone.STRONG),
        ),
        form=Form.COVER,
    )


SHEETS = {
    "result": lambda: render(RESULT, CIRCUMSTANCES),
    "cumulative": with_past,
    "order": lambda: render(
        message(group(control="NW", requester="Dr MARTIN"), kind=Kind.ORDER), CIRCUMSTANCES
    ),
    "courier": lambda: render(
        message(group(potassium())),
        context(outlet=Outlet.COURIER, floor="Bâtiment B", reason="media-empty", code="402173"),
    ),
    "pack": ward_pack,
    "notice": lambda: outage_began(CIRCUMSTANCES),
    "cover": cover,
    "drill": lambda: render(message(group(potassium())), context(drill=True)),
}


def picture(slip, templates=None):
    document = pypdfium2.PdfDocument(set_page(slip, templates=templates))
    try:
        assert len(document) == 1
        return document[0].render(scale=DPI / 72, grayscale=True).to_pil()
    finally:
        document.close()


def difference(one, other):
    """The darkest tile of what differs, 0 to 255: eight dots square, so that no letter's edge counts."""
    assert one.size == other.size
    tiles = ImageChops.difference(one, other).reduce(8)
    return int(np.asarray(tiles).max())


LIKE = 25  # another release of a font or of typst; a column moved by 2 mm differs by more than 60


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_looks_as_it_did_when_a_person_looked_at_it(name):
    made = picture(SHEETS[name]())
    file = REFERENCES / f"{name}.png"
    if os.environ.get("WARDLINE_DRAW_REFERENCES"):
        file.parent.mkdir(parents=True, exist_ok=True)
        made.quantize(16).save(file, optimize=True)
    assert difference(made, Image.open(file).convert("L")) < LIKE


def test_a_moved_column_is_another_look(tmp_path):
    ours = shelf()["sheet.typ"].decode()
    moved = ours.replace("(1fr, 31mm, 22mm,", "(1fr, 31mm, 24mm,")
    assert moved != ours
    (tmp_path / "sheet.typ").write_text(moved)
    made = picture(SHEETS["result"](), templates=tmp_path)
    assert difference(made, Image.open(REFERENCES / "result.png").convert("L")) > 2 * LIKE


@pytest.mark.skipif(
    shutil.which("zbarimg") is None, reason="zbarimg (package zbar-tools) is missing"
)
@pytest.mark.parametrize("paper", ["page", "fax"])
def test_a_scanner_reads_its_codes(tmp_path, paper):
    made = set_page(SHEETS["result"]())
    if paper == "fax":
        scan = Image.open(io.BytesIO(fax_pages(made))).convert("L")
        scan = scan.resize((scan.width, scan.height * 204 // 196))
    else:
        document = pypdfium2.PdfDocument(made)
        scan = document[0].render(scale=150 / 72, grayscale=True).to_pil()
        document.close()
    scan.save(tmp_path / "scan.png")
    read = subprocess.run(
        ["zbarimg", "-q", str(tmp_path / "scan.png")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert set(read.stdout.split()) == {"CODE-128:402173", "QR-Code:402173"}
