"""How long the reactor is kept from its work by one large message, whichever way it comes.

Each is as long as its way in takes: a mail with a scan, a document, a FHIR report and HL7 with a PDF
inside. Each comes alone, so that what stands still is its own doing.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from base64 import b64encode, encodebytes
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from benchmarks import mail
from benchmarks.observed import STALL
from benchmarks.posts import TOKEN
from benchmarks.posts import report as _report
from benchmarks.process import module, start, together
from benchmarks.site import Site
from benchmarks.stalls import Turn, read
from benchmarks.verdict import Aim, ms, show
from demo.hospital import free_ports

TIMES = 2
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n%"
)
_INTAKE = """
[[intakes]]
name = "web"
kind = "http"
mode = "direct"
listen = "tcp:{port}:interface=127.0.0.1"
[[intakes.senders]]
name = "bench"
token_file = "token"
sends_as = ["SIL|LABO"]
"""


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    direct, http, smtp, *printers = free_ports(5)
    site = Site(folder=folder / "large", intakes={"direct": direct}, printers=printers)
    site.write()
    mail.add_intake(site, smtp)
    with site.config.open("a") as config:
        config.write(_INTAKE.format(port=http))
    (site.folder / "token").write_text(sha256(TOKEN.encode()).hexdigest())
    turns = site.folder / "turns.tsv"
    with together() as processes:
        processes.append(site.fakes())
        run = ("run", "--config", site.config, "--log-level", "WARNING")
        processes.append(start("wardline", module("observed", turns, *run), folder=site.folder))
        found: dict[str, list[Turn]] = {}
        for name, send in _ways(site, direct=direct, http=http, smtp=smtp):
            began = time.monotonic()
            for number in range(TIMES):
                send(number)
                _quiet(site)
            found[name] = [turn for turn in read(turns) if turn.began >= began]
        memory = str(processes[-1].memory)
    show(
        f"Turns of the reactor longer than {ms(STALL)}, {TIMES} messages each",
        heads=["", "turns", "most", "most, with processor", "which"],
        rows=[_row(name, its) for name, its in found.items()],
    )
    print(f"memory of wardline: {memory}")
    own = [turn.had for its in found.values() for turn in its]
    yield Aim(
        what="turns that used the processor longer than that",
        bound=0,
        measured=sum(had > STALL for had in own),
    )


def _row(name: str, turns: list[Turn]) -> list[str]:
    most = max(turns, key=lambda t: t.had, default=None)
    took, had = (max((getattr(t, of) for t in turns), default=0.0) for of in ("took", "had"))
    return [name, str(len(turns)), ms(took), ms(had), most.what if most else ""]


def _ways(
    site: Site, *, direct: int, http: int, smtp: int
) -> Iterator[tuple[str, Callable[[int], None]]]:
    scan = PDF + os.urandom(10_500_000)
    inside = b64encode(scan)
    tls = mail.trusting(site.folder)

    def by_mail(number: int) -> None:
        attached = encodebytes(scan).replace(b"\n", b"\r\n")
        mail.send(smtp, _mail(number, attached), tls=tls)

    def by_line(number: int, obx: bytes, kind: bytes = b"ED") -> None:
        asyncio.run(_framed(direct, _hl7(b"L%s%d" % (kind, number), obx, kind)))

    def posts(path: str, media: str, body: Callable[[int], bytes]) -> Callable[[int], None]:
        return lambda number: asyncio.run(_posted(http, path, media, body(number)))

    lines = b"\r".join(
        b"OBX|%d|NM|K^Potassium||4.1|mmol/L|3.5-5.1||||F" % n for n in range(3, 9000)
    )
    yield "mail, TLS, a scan of 10 MB", by_mail
    yield "MLLP, a PDF inside", lambda n: by_line(n, b"^APPLICATION^PDF^BASE64^" + inside)
    yield "MLLP, one text of 15 MB", lambda n: by_line(n, b"a" * 15_000_000, b"TX")
    yield "MLLP, 9,000 values", lambda n: by_line(n, b"x\r" + lines, b"ST")
    yield (
        "HTTP, HL7 with a PDF inside",
        posts(
            "/api/v1/messages",
            "application/hl7-v2",
            lambda n: _hl7(b"H%d" % n, b"^APPLICATION^PDF^BASE64^" + inside, b"ED"),
        ),
    )
    small = b64encode(PDF + os.urandom(7_000_000))
    yield (
        "HTTP, an envelope",
        posts("/api/v1/messages", "application/json", lambda n: _envelope(n, small)),
    )
    yield (
        "HTTP, a PDF",
        posts("/api/v1/messages?ward=W001", "application/pdf", lambda n: scan + b"%d" % n),
    )
    yield (
        "HTTP, FHIR with a PDF inside",
        posts("/fhir", "application/fhir+json", lambda n: _fhir(n, inside.decode())),
    )


def _mail(number: int, attached: bytes) -> bytes:
    head = f"From: labo@chu.example\r\nMessage-ID: <large-{number}@chu.example>\r\nSubject: CR\r\n"
    kind = (
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf\r\n"
    )
    how = "Content-Disposition: attachment; filename=cr.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return (head + kind + how).encode() + attached + b"\r\n--b--\r\n"


def _hl7(name: bytes, value: bytes, kind: bytes) -> bytes:
    return (
        b"MSH|^~\\&|SIL|LABO|W|H|20260101||ORU^R01|%s|P|2.5\rPID|1||4711^^^H^PI||Roux^A\r"
        b"PV1|1|I|W000\rOBR|1||%s|CR^Compte rendu\rOBX|1|%s|CR^Compte rendu||%s||||||F\r"
    ) % (name, name, kind, value)


def _envelope(number: int, inside: bytes) -> bytes:
    raw = _hl7(b"E%d" % number, b"^APPLICATION^PDF^BASE64^" + inside, b"ED")
    body = {"format": "hl7v2", "encoding": "base64", "body": b64encode(raw).decode()}
    return json.dumps(body).encode()


def _fhir(number: int, inside: str) -> bytes:
    found = json.loads(_report(number))
    reports = [found] if "entry" not in found else [e["resource"] for e in found["entry"]]
    (report,) = [one for one in reports if one["resourceType"] == "DiagnosticReport"]
    report["presentedForm"] = [{"contentType": "application/pdf", "title": "CR", "data": inside}]
    return json.dumps(found).encode()


async def _framed(port: int, raw: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x0b" + raw + b"\x1c\r")
    answer = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 60)
    if b"|AA|" not in answer and b"|CA|" not in answer:
        raise RuntimeError(answer.decode("latin-1"))
    writer.close()


async def _posted(port: int, path: str, media: str, body: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: {media}\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    writer.write(body)
    answer = await asyncio.wait_for(reader.read(), 60)
    if not answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 200")):
        raise RuntimeError(answer.decode("latin-1"))
    writer.close()


def _quiet(site: Site) -> None:
    """Until nothing has come out at the printers for two seconds."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 2:
        now = mail.slips(site)
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)
