"""Every mail of the corpora, read in a real box: it ends as paper that names its sender, or says why not."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred

from gateway.box import Box
from gateway.clock import ReactorClock
from gateway.formats import Formats, Kit
from gateway.mail.envelope import Envelope
from gateway.mail.origin import Grade
from printers.layout import lay_out
from printers.slip import Enclosure, Slip
from printers.text import clean
from tests.unit.render.samples import context, text

FOLDERS = ("mail", "own/mail-hostile", "tnef")
#: What must be found on the paper of some hostile mails (French), by the file's name.
SAID = {
    "pdf_encrypted_stub": "Protégé par un mot de passe",
    "pdf_truncated": "Ne s'ouvre pas",
    "pdf_20000pages": "SUITE : 19970 pages",
    "png_bomb_30000": "L'image est trop grande",
    "jpeg_truncated": "Abîmé ou incomplet",
    "docx_external": "document bureautique ou archive",
    "zip_nested": "n'est pas ouvert ici",
    "gz_bomb": "archive",
    "exe": "programme",
    "svg_xxe": "image/svg+xml",
    "body_tnef": "paquet Outlook (TNEF)",
    "body_smime": "application/pkcs7-mime",
    "alt_text_differs_html": "ne disent pas la même chose",
    "boundary_unclosed": "Il s'arrête avant sa fin",
    "boundary_missing": "n'ont pas pu être séparées",
    "nest_rfc822_200": "trop imbriquées",
    "fname_rtl": "inversent le sens de l'écriture",
    "hdr_from_two": "ou plus d'un",
    "hdr_hdr_1MB": "COURRIEL ILLISIBLE",
    "html_table": "SUITE : ",
    "body_charset_idna_quadratic": "Ses caractères ne sont pas",
}


@pytest.fixture(scope="module")
def corpora():
    where = os.environ.get("WARDLINE_CORPORA")
    if not where:
        pytest.skip("WARDLINE_CORPORA names no folder: the corpora are not part of the project")
    return Path(where)


def mails(corpora):
    for folder in FOLDERS:
        for path in sorted(p for p in (corpora / folder).rglob("*") if p.is_file()):
            raw = path.read_bytes()
            yield path.stem, (attached(raw) if folder == "tnef" else raw)


def attached(content):
    head = b"From: a@b.example\r\nSubject: winmail\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    kind = b"--b\r\nContent-Type: application/octet-stream; name=winmail.dat\r\n"
    return head + kind + b"Content-Transfer-Encoding: binary\r\n\r\n" + content + b"\r\n--b--\r\n"


def stored(mail, grade=Grade.C):
    envelope = Envelope(
        sender="labo@chu.example", recipient="card@p.example", grade=grade, grounds="signed by"
    )
    return SimpleNamespace(
        raw=envelope.seal(mail),
        control_id="1@chu.example CARD",
        sender="mail|labo@chu.example",
        type="MAIL",
        format="mail",
    )


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def test_every_mail_of_the_corpora_comes_out_as_paper(corpora):
    box = Box(reactor, ReactorClock(reactor))
    box.startService()
    formats = Formats(kit=Kit(reactor=reactor, box=box))
    count, before = 0, None
    try:
        for name, mail in mails(corpora):
            slip = await formats.open(stored(mail), context())
            assert isinstance(slip, Slip)
            words = text(slip)
            assert "COURRIEL" in words, name
            assert "EXPÉDITEUR NON VÉRIFIÉ" in words, name
            assert "La lecture" not in words, f"{name}: the box failed"
            if name in SAID:
                assert SAID[name] in words, name
            lay_out(without_enclosures(slip), 48)
            count += 1
            before = before or resident()
    finally:
        await maybeDeferred(box.stopService)
    assert count > 400
    assert resident() - before < 60 * 2**20


def without_enclosures(slip):
    """Drawing them is another room's work."""
    return Slip(
        header=slip.header, body=tuple(b for b in slip.body if not isinstance(b, Enclosure))
    )


async def test_a_mail_that_no_box_can_read_is_a_notice_with_sender_subject_and_reason(corpora):
    """A child that cannot start stands for every way in which reading fails."""
    box = Box(reactor, ReactorClock(reactor), command=("/bin/false",))
    box.startService()
    formats = Formats(kit=Kit(reactor=reactor, box=box))
    mail = (corpora / "own/mail-hostile/hdr_subj_8bit.eml").read_bytes()
    words = text(await formats.open(stored(mail), context()))
    await maybeDeferred(box.stopService)
    for said in (
        "COURRIEL ILLISIBLE",
        "La lecture a échoué",
        "labo@chu-test.example",
        "Résultat œ",
    ):
        assert clean(said) in words
