"""Each kind of sheet beside the picture of it that a person has looked at (tests/references/pages).

After a change that is meant: WARDLINE_DRAW_REFERENCES=1 pytest this file, and look at every picture.
"""

import io
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageChops

from gateway.fax import pages as fax
from gateway.fax.envelope import Ending, Received
from gateway.fax.opening import paper as received_fax
from gateway.mail.envelope import Envelope
from gateway.mail.letter import Enclosed, LeftOut, Letter
from gateway.mail.origin import Grade
from gateway.mail.paper import paper as mailed
from gateway.message import Flag, Kind, Location, Priority, Status
from gateway.render import (
    Held,
    Outlet,
    Pack,
    Present,
    Refusal,
    Waited,
    alarm,
    earlier_values,
    held,
    history,
    outage_began,
    outage_ended,
    pack,
    refusal,
    render,
    summary,
)
from printers.pages import set_page
from printers.pages.shelf import shelf
from printers.pixels.fax import fax_pages
from tests.unit.render.samples import (
    at,
    context,
    group,
    message,
    observation,
    patient,
    potassium,
    printed,
)

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


LONG = patient(
    family="DE LA ROCHEFOUCAULD-D'ESTISSAC VAN DEN BROUCKE-LEFÈBVRE",
    given="Marie-Thérèse-Éléonore Joséphine",
    birth_name="O'CONNOR-MONTGOMERY DE SAINT-EXUPÉRY",
    birth_given="Maria",
    ipp="8009912345678901",
    nda="20260803004071787",
)
FROM = fax.From(site="Hôpital Exemple", code="HEX", phone="01 23 45 67 89")
TO = fax.To(ward="Cardiologie", number="0155501001")
DOCUMENT = message(control_id="1@labo.example", sender="mail|labo@x", kind=Kind.DOCUMENT)


def hostile():
    """All that makes a sheet long and wide: every banner, names, numbers, units, a comment, 40 analytes."""
    panel = [
        observation(
            f"{n},5",
            code=str(n),
            name=f"Calcium corrigé par l'albumine (méthode colorimétrique) {n}",
            unit="mL/min/1,73 m²" if n % 2 else "mmol/L",
            reference="3,50-5,10",
            flag=Flag.CRITICAL_HIGH if n % 9 == 0 else Flag.NONE,
            flag_text="HH" if n % 9 == 0 else "",
        )
        for n in range(40)
    ]
    panel[2] = observation("1", code="2", notes=("Prélèvement hémolysé : à contrôler. " * 60,))
    panel[3] = potassium("6,8", code="3", status=Status.CORRECTED)
    earlier = message(group(potassium("4,1", code="3")), patient=LONG)
    return render(
        message(group(*panel), patient=LONG, priority=Priority.CRITICAL),
        replace(CIRCUMSTANCES, doubtful=True, prints=2, drill=True),
        corrections=earlier_values([printed(earlier)]),
    )


def waited():
    several = [
        Waited(
            message=message(
                group(potassium(), name=f"Bilan {n}"), patient=patient(family=f"D{n}", ipp=str(n))
            ),
            received_at=NOW - 60 * n,
        )
        for n in range(14)
    ]
    return summary(several, CIRCUMSTANCES)


def mail():
    letter = Letter(
        sender="Labo partenaire <labo@partenaire.example>",
        to="cardio@print.hopital.example",
        subject="Résultats de Mme DURAND #set page(width: 1cm) *gras*",
        date="Mon, 3 Aug 2026 11:02:00 +0200",
        text="Bonjour,\n\nPotassium       6,8   mmol/L\nSodium        138     mmol/L\n\nLe labo",
        enclosed=(Enclosed(title="r.pdf", media_type="application/pdf", pages=3, left_out=2),),
        left_out=(LeftOut(title="r.docm", what="Office document", reason="not printed"),),
    )
    envelope = Envelope(
        sender="labo@partenaire.example", recipient="cardio@x", grade=Grade.C, grounds="nothing"
    )
    return mailed(letter, envelope, DOCUMENT, CIRCUMSTANCES)


def refused():
    found = Refusal(
        reason="two patients in one message",
        location="PID",
        code=204,
        sender="SIL|LABO",
        peer="192.0.2.7",
        intake="lab",
        control_id="A0042",
        raw=b"MSH|^~\\&|SIL|LABO|W|H|20260803110000||ORU^R01|A0042|P|2.5\rPID|1||69102274",
        more=True,
    )
    return refusal(found, CIRCUMSTANCES)


def waits():
    found = Held(
        message_id=44,
        sender="x@partenaire.example",
        peer="192.0.2.4",
        intake="mail",
        control_id="<1@x>",
        ward="Cardiologie",
    )
    return held(found, CIRCUMSTANCES)


def received():
    end = Received(
        number="4301", ending=Ending.BROKEN, station="+33 1 55 50 12 34", pages=2, file=b"x"
    )
    return received_fax(end, DOCUMENT, CIRCUMSTANCES)


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
    "ended": lambda: outage_ended(CIRCUMSTANCES, ended_at=NOW + 7200, held=12),
    "cover": lambda: fax.cover(
        fax.Part(first=10, last=18, of=23, begun=True), hostile(), sender=FROM, to=TO, at=NOW
    ),
    "fax-test": lambda: fax.test_page("471108", sender=FROM, to=TO, at=NOW),
    "fax-received": received,
    "mail": mail,
    "refusal": refused,
    "held": waits,
    "alarm": lambda: alarm(
        "fax quarantined", CIRCUMSTANCES, subject="cardio-fax, Cardiologie", reason="0155509999"
    ),
    "hostile": hostile,
    "summary": waited,
    "drill": lambda: render(message(group(potassium())), context(drill=True)),
}


def picture(slip, templates=None):
    document = pypdfium2.PdfDocument(set_page(slip, templates=templates))
    try:
        sheets = [page.render(scale=DPI / 72, grayscale=True).to_pil() for page in document]
    finally:
        document.close()
    beside = Image.new("L", (sum(each.width for each in sheets), sheets[0].height))
    for number, each in enumerate(sheets):
        beside.paste(each, (number * each.width, 0))
    return beside


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
