"""The scene by mail: another laboratory sends a report, and somebody sends one in its name."""

from __future__ import annotations

import shutil
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from demo.hospital import Hospital, free_ports
from demo.page import NoPrinter, PagePrinter
from demo.teller import Teller

DOMAIN = "print.exemple.example"
SENDER = "labo@ville.example"


@dataclass
class PostHospital(Hospital):
    """Wardline takes mail in; the laboratory in town is known by the key it signs with."""

    mail_port: int = 0
    key: bytes = b""
    page: PagePrinter | None = None  # Neurologie's, where this machine has one
    no_page: str = ""  # why it has none

    def open(self) -> None:
        (self.mail_port,) = free_ports(1)
        keys = self.folder.with_name(f"{self.folder.name}-keys")
        shutil.rmtree(keys, ignore_errors=True)
        keys.mkdir(parents=True)
        self.key = _signing_key(keys / "demo._domainkey.ville.example")
        try:
            self.page = PagePrinter(self.folder.with_name(f"{self.folder.name}-page"))
        except NoPrinter as missing:
            self.no_page = str(missing)
        super().open()

    def close(self) -> None:
        super().close()
        if self.page is not None:
            self.page.close()

    def _site(self) -> str:
        keys = self.folder.with_name(f"{self.folder.name}-keys")
        return (
            self._paged(super()._site())
            + f'\n[[intakes]]\nkind = "smtp"\nname = "courriel"\ndomains = ["{DOMAIN}"]\n'
            + f'listen = "tcp:{self.mail_port}:interface=127.0.0.1"\nkeys = "{keys}"\n'
            + 'senders = [{ address = "@ville.example" }]\n'
        )

    def _paged(self, site: str) -> str:
        """Neurologie has a page printer instead of its slip printer, and plans know pages."""
        if self.page is None:
            return site
        device = f'[[devices]]\nname = "neuro-page"\nkind = "ipp"\nconnect = "{self.page.uri}"\n\n'
        site = site.replace("[[wards]]", f"{device}[[wards]]", 1)
        site = site.replace('devices = ["neuro-slip"]', 'devices = ["neuro-page"]')
        return site.replace(
            '{ by = "slip", within = "6s" },',
            '{ by = "slip", within = "6s" },\n  { by = "page", within = "20s" },',
        )

    def post(self, mail: bytes, *wards: str) -> str:
        """Hand a mail in as a mail server does; what was answered."""
        with smtplib.SMTP("127.0.0.1", self.mail_port, timeout=20) as client:
            client.ehlo()
            client.mail(SENDER)
            for ward in wards or ("card",):
                client.rcpt(f"{ward}@{DOMAIN}")
            code, words = client.data(mail)
        return f"{code} {words.decode()}"


class PostStory:
    """Two mails that look alike; one is proved."""

    def __init__(self, hospital: PostHospital) -> None:
        self.hospital = hospital
        self.tell = Teller(hospital)

    def play(self) -> None:
        self.tell.scene("A laboratory in town mails a report to Cardiologie, as a PDF")
        self.hospital.open()
        mail = _report("Compte rendu d'échographie")
        wards = ("card", "neuro") if self.hospital.page is not None else ("card",)
        answer = self.hospital.post(_signed(mail, self.hospital.key), *wards)
        self.tell.check(f"signed, and answered: {answer}", answer.startswith("250"))
        slip = self.tell.until(
            "it came out in the ward, the PDF drawn below it",
            lambda: self._slip("cardio-slip"),
            within=40,
        )
        self.tell.show(slip)
        text = slip.read_text("utf-8")
        self.tell.check("it says how its sender is known", "signé par ville.example" in _flat(text))
        self._page()
        self.tell.scene("Somebody sends another in the same name")
        answer = self.hospital.post(_report("Kaliémie 9,9 mmol/L: agir tout de suite"))
        self.tell.check(f"not signed, and answered: {answer}", answer.startswith("250"))
        held = self.tell.until("the laboratory is told, no ward is", lambda: self._slip("lab-slip"))
        self.tell.show(held)
        self.tell.check(
            "one slip in the ward, as before", len(self.hospital.slips("cardio-slip")) == 1
        )

    def _page(self) -> None:
        """The same mail on the page printer next door."""
        page = self.hospital.page
        if page is None:
            self.tell.say(self.hospital.no_page)
            return
        made = self.tell.until(
            "and in Neurologie, as pages", lambda: page.printed or None, within=40
        )
        self.tell.say(str(made[-1]))
        delivered = self.tell.until("the printer said that it printed them", self._proved)
        self.tell.say(delivered)

    def _proved(self) -> str | None:
        for message in self.hospital.messages():
            for delivery in message["deliveries"]:
                if delivery["to"] == "NEURO" and delivery["state"] == "delivered":
                    return str(delivery["attempts"][-1]["detail"])
        return None

    def _slip(self, printer: str) -> Path | None:
        return next(iter(self.hospital.slips(printer)), None)


def _report(subject: str) -> bytes:
    from printers.pages import set_page
    from printers.slip import Heading, Pair, Slip, Text

    page = set_page(
        Slip(
            header=(Heading(text="Laboratoire de ville"),),
            body=(
                Pair(label="Patient", value="MARTIN Éloïse, née le 14/02/1961"),
                Text(text="Échographie cardiaque : FEVG 55 %, pas d'épanchement."),
            ),
        )
    )
    mail = EmailMessage()
    mail["From"] = f"Laboratoire de ville <{SENDER}>"
    mail["To"] = f"card@{DOMAIN}"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{len(subject)}@ville.example>"
    mail.set_content("Bonjour,\n\nle compte rendu est joint.\n")
    mail.add_attachment(page, maintype="application", subtype="pdf", filename="compte-rendu.pdf")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _signed(mail: bytes, key: bytes) -> bytes:
    import dkim

    shown = [
        b"from",
        b"to",
        b"subject",
        b"message-id",
        b"content-type",
        b"content-transfer-encoding",
    ]
    return bytes(dkim.sign(mail, b"demo", b"ville.example", key, include_headers=shown)) + mail


def _signing_key(record: Path) -> bytes:
    """A new key; its public half as the text of a DNS record at `record`."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
    )
    text = b"".join(public.splitlines()[1:-1]).decode()
    record.write_text(f"v=DKIM1; k=rsa; p={text}", "ascii")
    return key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption()
    )


def _flat(text: str) -> str:
    return " ".join(text.split())
