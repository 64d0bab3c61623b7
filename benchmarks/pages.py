"""A page set, a page drawn for fax, sheet and slip, and what setting it does to a reactor beside it."""

from __future__ import annotations

import io
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from benchmarks.verdict import Aim, ms, show
from printers.layout import lay_out
from printers.pages import set_page
from printers.pixels.document import open_document
from printers.pixels.fax import fax_pages
from printers.pixels.sheets import sheet
from printers.pixels.strips import strips
from printers.slip import Code, Columns, Form, Heading, Pair, Role, Row, Rule, Slip, Text

_TITLES = Columns(name="Examen", value="Résultat", unit="Unité", reference="Réf.", mark="")


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Each for as long as its share of `seconds`; medians of wall time, and processor time a page."""
    page = _report(20)
    pdf = set_page(page)
    document = open_document(pdf)
    photo = open_document(_photograph())
    works: dict[str, Callable[[], object]] = {
        "slip: 20 rows laid out": lambda: lay_out(page, 48),
        "page: 20 rows, codes": _changing(page),
        "page: 500 rows": lambda: set_page(_report(500)),
        "fax: one page, fine": lambda: fax_pages(pdf),
        "sheet: an enclosed page": lambda: sheet(document, 0),
        "slip: an enclosed page, 576 dots": lambda: strips(document, 0, dots=576),
        "slip: a 12-megapixel JPEG": lambda: strips(photo, 0, dots=576),
    }
    found = {name: _measured(work, seconds / (len(works) + 1)) for name, work in works.items()}
    show(
        "A page",
        heads=["", "median", "processor", "times"],
        rows=[[name, ms(wall), ms(cpu), str(n)] for name, (wall, cpu, n) in found.items()],
    )
    yield Aim(
        what="a page of 20 rows", bound=0.05, measured=found["page: 20 rows, codes"][0], unit="ms"
    )
    yield Aim(
        what="longest gap of a thread beside a page of 500 rows",
        bound=0.02,
        measured=_gap(lambda: set_page(_report(500))),
        unit="ms",
    )


def _report(rows: int) -> Slip:
    body = (
        Row(name=f"Analyte {n}", value=f"{n},4", unit="mmol/L", reference="3,5-5,1", mark="H")
        for n in range(rows)
    )
    return Slip(
        header=(
            Heading(text="Cardiologie", role=Role.WARD),
            Heading(text="n° 0042", role=Role.NUMBER),
            Rule(),
            Heading(text="DURAND", role=Role.FAMILY),
            Pair(label="IPP", value="69102274"),
        ),
        body=(Text(text="Bilan", role=Role.TITLE), *body),
        footer=(Rule(), Code(data="402173", caption="4021-73")),
        columns=_TITLES,
        form=Form.RESULT,
        running="DURAND · IPP 69102274",
    )


def _changing(slip: Slip) -> Callable[[], object]:
    """No two pages alike: typst remembers what it has set before."""
    count = iter(range(10**9))

    def work() -> object:
        number = next(count)
        row = Row(name="Potassium", value=f"{number}", unit="mmol/L")
        return set_page(Slip(header=slip.header, body=(row, *slip.body), running=f"P {number}"))

    return work


def _photograph() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((4000, 3000)).save(file, "JPEG")
    return file.getvalue()


def _measured(work: Callable[[], object], seconds: float) -> tuple[float, float, int]:
    work()
    walls, end, began = [], time.monotonic() + seconds, time.process_time()
    while not walls or time.monotonic() < end:
        before = time.perf_counter()
        work()
        walls.append(time.perf_counter() - before)
    return statistics.median(walls), (time.process_time() - began) / len(walls), len(walls)


def _gap(work: Callable[[], object]) -> float:
    """The longest time this thread could not run while another one works."""
    other = threading.Thread(target=work)
    other.start()
    longest, last = 0.0, time.perf_counter()
    while other.is_alive():
        time.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    other.join()
    return longest
