"""Mail in, each on disk before its 250: beside aiosmtpd whose handler does nothing, and on to paper.

Both servers stand behind the same client: Python's own, in threads of this process. Wardline's mails come
within TLS from a sender that has logged in, are read in the box and judged; the other's come in clear.
"""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.machine import quantile
from benchmarks.process import Running, module, start, together
from benchmarks.site import Site
from benchmarks.verdict import Aim, ms, per_second, show
from demo.hospital import free_ports

SENDERS, EACH = 10, 20  # connections at once, mails on each before it is opened again
BODY = "Compte rendu.\r\n" * 130  # 2 kB
_numbers = count(1)


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    printers = free_ports(4)
    mail, bare = free_ports(2)
    site = Site(folder=folder / "mail", intakes={}, printers=printers)
    site.write()
    add_intake(site, mail)
    with together() as processes:
        nothing = start("nothing", module("mail", bare), folder=site.folder)
        processes.append(nothing)
        library = _load(bare, seconds * 0.3, tls=None)
        processes.append(site.fakes())
        wardline = site.wardline()
        processes.append(wardline)
        tls = trusting(site.folder)
        ours = _load(mail, seconds * 0.4, tls=tls)
        _settled(site, wardline)
        memory = wardline.memory.most
        first, last = _thirds(wardline)
        took = _to_paper(site, mail, tls, seconds * 0.2)
    show(
        f"Mails of 2 kB, {SENDERS} connections of {EACH} mails",
        heads=["", "rate", "mails"],
        rows=[
            [
                "aiosmtpd, a handler that does nothing, in clear",
                per_second(library[0]),
                f"{library[1]:,}",
            ],
            ["Wardline, on disk, judged and read, in TLS", per_second(ours[0]), f"{ours[1]:,}"],
        ],
    )
    show(
        "From the end of a mail to the first byte of its slip at the printer",
        heads=["", "p50", "p99", "most"],
        rows=[
            [
                f"{len(took)} mails, one after the other",
                *(ms(quantile(took, q)) for q in (0.5, 0.99, 1.0)),
            ]
        ],
    )
    print(
        f"  memory of wardline over {ours[1]:,} mails: {memory / 1e6:.0f} MB at most; median of the"
    )
    print(f"  first third {first / 1e6:.0f} MB, of the last {last / 1e6:.0f} MB")
    yield Aim(what="mails a second, on disk", bound=50.0, measured=ours[0], least=True)
    yield Aim(what="mail to first byte, p50", bound=0.2, measured=quantile(took, 0.5), unit="ms")
    yield Aim(what="growth of memory", bound=50.0, measured=(last - first) / 1e6, unit="MB")


def add_intake(site: Site, port: int, **more: Any) -> None:
    from argon2 import PasswordHasher

    from tests.edge.smtp_sender import authority

    authority(site.folder)("server")
    hashed = PasswordHasher(time_cost=1, memory_cost=8192).hash("sesame")
    (site.folder / "users").write_text(f"labo:{hashed}\n")
    table: dict[str, Any] = {
        "name": "mail",
        "kind": "smtp",
        "listen": f"tcp:{port}:interface=127.0.0.1",
        "domains": ["p.example"],
        "certificate": "server.pem",
        "private_key": "server.pem",
        "users": "users",
        "per_hour": 10**6,
        "bytes_per_hour": 10**12,
        **more,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    senders = 'senders = [{ address = "labo@chu.example", login = "labo" }]'
    with site.config.open("a") as config:
        config.write("\n".join(("\n[[intakes]]", *lines, senders, "")))


def trusting(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.check_hostname = False
    return context


def client(port: int, tls: ssl.SSLContext | None) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", port, timeout=60, local_hostname="bench")
    if tls is not None:
        client.starttls(context=tls)
        client.login("labo", "sesame")
    return client


def send(port: int, mail: bytes, *, tls: ssl.SSLContext | None) -> None:
    with client(port, tls) as line:
        line.sendmail("labo@chu.example", ["w000@p.example"], mail)


def _mail() -> bytes:
    head = f"From: labo@chu.example\r\nSubject: CR\r\nMessage-ID: <{next(_numbers)}@chu.example>\r\n\r\n"
    return (head + BODY).encode()


def _load(port: int, seconds: float, *, tls: ssl.SSLContext | None) -> tuple[float, int]:
    """Mails a second over `seconds`, and how many."""
    began = time.monotonic()

    def sender(number: int) -> int:
        sent = 0
        while time.monotonic() < began + seconds:
            with client(port, tls) as line:
                for _ in range(EACH):
                    line.sendmail("labo@chu.example", [f"w00{number % 4}@p.example"], _mail())
                    sent += 1
        return sent

    with ThreadPoolExecutor(SENDERS) as pool:
        sent = sum(pool.map(sender, range(SENDERS)))
    return sent / (time.monotonic() - began), sent


def _settled(site: Site, wardline: Running) -> None:
    """Until what was handed in is on paper: nothing new for two seconds."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 2:
        now = slips(site)
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)


def slips(site: Site) -> int:
    return site.slips.read_text("ascii").count("\n") if site.slips.exists() else 0


def _thirds(wardline: Running) -> tuple[float, float]:
    samples = wardline.memory.samples
    third = max(1, len(samples) // 3)
    return quantile(samples[:third], 0.5), quantile(samples[-third:], 0.5)


def _to_paper(site: Site, port: int, tls: ssl.SSLContext, seconds: float) -> list[float]:
    took = []
    end = time.monotonic() + seconds
    with client(port, tls) as line:
        for _ in range(90):  # a connection hands in a hundred at most
            before = slips(site)
            line.mail("labo@chu.example")
            line.rcpt("w000@p.example")
            mail, began = _mail(), time.monotonic()
            line.data(mail)
            while slips(site) == before:
                time.sleep(0.002)
            moment = float(site.slips.read_text("ascii").splitlines()[-1].split("\t")[0])
            took.append(moment - began)
            if time.monotonic() > end:
                break
    return took


def serve(port: int) -> None:
    """Aiosmtpd as it comes, with a handler that does nothing."""
    from aiosmtpd.smtp import SMTP

    class Nothing:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            return "250 OK"

    async def main() -> None:
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: SMTP(Nothing(), hostname="bench"), "127.0.0.1", port)
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


if __name__ == "__main__":
    serve(int(sys.argv[1]))
