"""Memory and open files over thousands of mails with attachments: the service's own, and whether they grow.

Every mail is read in the box, put on disk, drawn and printed; half of them are held for a person, who
never comes. What counts is the median of the last tenth beside that of the third: by then all that is kept
for the next mail is there.
"""

from __future__ import annotations

import io
import os
import smtplib
import threading
import time
from base64 import encodebytes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import mail
from benchmarks.machine import quantile
from benchmarks.process import Running, together
from benchmarks.site import Site
from benchmarks.verdict import Aim, show
from demo.hospital import free_ports

SENDERS, EACH = 4, 50
TENTHS = 10


def run(folder: Path, seconds: float, *, size: int = 2000) -> Iterator[Aim]:
    smtp, *printers = free_ports(5)
    site = Site(folder=folder / "flat", intakes={}, printers=printers)
    site.write()
    mail.add_intake(site, smtp, unverified_per_hour=10**6)
    with together() as processes:
        processes.append(site.fakes())
        wardline = site.wardline()
        processes.append(wardline)
        tls = mail.trusting(site.folder)
        seen: list[tuple[int, int]] = []
        for tenth in range(TENTHS):
            with ThreadPoolExecutor(SENDERS) as pool:
                each = size // TENTHS // SENDERS
                jobs = [
                    pool.submit(_send, smtp, tls, tenth * SENDERS + n, each) for n in range(SENDERS)
                ]
                watch = _Watch(wardline)
                for job in jobs:
                    job.result()
            seen.append(watch.end())
    show(
        f"{size:,} mails with an attachment of 20 kB, by tenths",
        heads=["", *(f"{n + 1}" for n in range(TENTHS))],
        rows=[
            ["resident, MB", *(f"{memory / 1e6:.0f}" for memory, _ in seen)],
            ["open files", *(str(files) for _, files in seen)],
        ],
    )
    yield Aim(
        what="growth of memory", bound=20.0, measured=(seen[-1][0] - seen[2][0]) / 1e6, unit="MB"
    )
    yield Aim(what="growth of open files", bound=10, measured=seen[-1][1] - seen[2][1])


class _Watch:
    """Looks at a process five times a second until it is told to end: median memory, most open files."""

    def __init__(self, watched: Running) -> None:
        self._pid = watched.process.pid
        self._memory: list[int] = []
        self._files = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> tuple[int, int]:
        self._over.set()
        self._thread.join()
        return int(quantile(self._memory, 0.5)), self._files

    def _look(self) -> None:
        while True:
            resident = Path(f"/proc/{self._pid}/statm").read_text("ascii").split()[1]
            self._memory.append(int(resident) * os.sysconf("SC_PAGE_SIZE"))
            self._files = max(self._files, len(os.listdir(f"/proc/{self._pid}/fd")))  # noqa: PTH208
            if self._over.wait(0.2):
                return


def _send(port: int, tls: object, batch: int, count: int) -> None:
    """Half within TLS by a sender that has logged in, half by a stranger."""
    known = batch % 2 == 0
    client: smtplib.SMTP | None = None
    for number in range(count):
        if number % EACH == 0:
            if client is not None:
                client.quit()
            client = mail.client(port, tls if known else None)  # type: ignore[arg-type]
        assert client is not None
        who = "labo@chu.example" if known else "eve@elsewhere.example"
        client.sendmail(who, [f"w00{number % 4}@p.example"], _mail(who, batch, number))
    if client is not None:
        client.quit()


def _mail(who: str, batch: int, number: int) -> bytes:
    from PIL import Image

    picture = io.BytesIO()
    Image.effect_noise((150, 130), 40 + number % 7).save(picture, "PNG")
    attached = encodebytes(picture.getvalue()).replace(b"\n", b"\r\n")
    name = f"{batch}.{number}.{time.monotonic_ns()}@x"
    head = f"From: {who}\r\nMessage-ID: <{name}>\r\nSubject: CR {number}\r\n"
    kind = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nBonjour\r\n--b\r\n"
    more = "Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return (head + kind + more).encode() + attached + b"\r\n--b--\r\n"
