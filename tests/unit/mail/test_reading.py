"""What is read of a mail: every encoding, by content, bounded, and nothing dropped without a word."""

from __future__ import annotations

import io
import time
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gateway.mail import letter as record
from gateway.mail.body import differs, html_as_text
from gateway.mail.charset import decode
from gateway.mail.headers import split, valued, words
from gateway.mail.reading import letter, read

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
HEAD = b"From: Labo <labo@chu.example>\r\nSubject: CR\r\n"


def mail(*parts, kind=b"mixed", head=HEAD):
    body = b"".join(b"--=_b\r\n" + part + b"\r\n" for part in parts)
    return (
        head + b'Content-Type: multipart/%s; boundary="=_b"\r\n\r\n' % kind + body + b"--=_b--\r\n"
    )


def part(content, kind=b"application/octet-stream", name=b""):
    told = b'Content-Disposition: attachment; filename="%s"\r\n' % name if name else b""
    return b"Content-Type: %s\r\n%sContent-Transfer-Encoding: base64\r\n\r\n" % (
        kind,
        told,
    ) + b64encode(content)


def plain(text):
    return b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode()


def picture(kind, size=(20, 20)):
    out = io.BytesIO()
    Image.new("L", size, 255).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?utf-8?q?R=C3=A9sultat_urgent?=", "Résultat urgent"),
        ("=?iso-8859-1?Q?caf=E9?= =?iso-8859-1?Q?_noir?=", "café noir"),
        ("=?utf-8?B?w6k=?= et =?utf-8?B?w6g=?=", "é et è"),
        ("=?utf-8?B?4oKs?=\r\n =?utf-8?B?4oKs?=", "€€"),
        ("=?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?=", "€"),
        ("=?nonsense?Q?x=E9?=", "xé"),
        ("=?utf-8?B?****?= rest", "rest"),
        ("plain", "plain"),
    ],
)
def test_encoded_words_are_read(written, meant):
    assert words(written).endswith(meant)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b'attachment; filename="a b.pdf"', "a b.pdf"),
        (b"attachment; filename=a.pdf; filename=b.exe", "a.pdf"),
        (b"attachment; filename*=utf-8''R%C3%A9sultat.pdf", "Résultat.pdf"),
        (b'attachment; filename*0="re"; filename*1*=%C3%A9.pdf', "reé.pdf"),
        (b"attachment; filename*1=b.pdf; filename*0*=iso-8859-1''%E9", "éb.pdf"),
        (b'attachment; filename="=?utf-8?q?=C3=A9?=.pdf"', "é.pdf"),
        (b'attachment; filename="a;b\\".pdf"', 'a;b".pdf'),
    ],
)
def test_names_of_files_are_read(written, name):
    assert valued(written) == ("attachment", {"filename": name})


@pytest.mark.parametrize(
    ("data", "declared", "text", "sure"),
    [
        ("œdème".encode(), "utf-8", "œdème", True),
        ("œdème".encode("cp1252"), "iso-8859-1", "œdème", True),
        ("œdème".encode("cp1252"), "utf-8", "œdème", False),
        ("é".encode(), "", "é", True),
        ("é".encode(), "us-ascii", "é", True),
        ("é".encode("utf-16"), "utf-16", "é", True),
        (b"x", "zlib_codec", "x", False),
        (b"x" * 10, "idna", "x" * 10, False),
    ],
)
def test_text_is_decoded_and_doubt_is_told(data, declared, text, sure):
    assert decode(data, declared) == (text, sure)


def test_what_came_is_sorted_by_its_content():
    read = letter(
        mail(
            plain("Bonjour"),
            part(PDF, b"application/octet-stream", b"cr.bin"),
            part(picture("PNG"), b"application/pdf", b"x.pdf"),
            part(picture("TIFF"), b"image/tiff"),
            part(b"PK\x03\x04...", b"application/pdf", b"cr.pdf"),
            part(b"\x78\x9f\x3e\x22..", b"application/ms-tnef", b"winmail.dat"),
            part(b"MZ\x90", b"image/png", b"scan.png"),
            part(b"\x0bMSH|^~\\&|A\rPID|1\r\x1c\r", b"text/plain", b"r.hl7"),
            part("Détail".encode("latin-1"), b"text/plain; charset=iso-8859-1", b"d.txt"),
        )
    )
    assert read.text == "Bonjour"
    assert [(e.title, e.media_type) for e in read.enclosed] == [
        ("cr.bin", "application/pdf"),
        ("x.pdf", "image/png"),
        ("", "image/tiff"),
        ("d.txt", "text/plain"),
    ]
    assert read.enclosed[0].data == PDF
    assert read.enclosed[3].data == "Détail".encode()
    assert [(x.title, x.what) for x in read.left_out] == [
        ("cr.pdf", "Office document or archive"),
        ("winmail.dat", "Outlook package (TNEF)"),
        ("scan.png", "program"),
    ]
    assert read.hl7 == (b"MSH|^~\\&|A\rPID|1\r",)


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        (b"MSH|1\r\nPID|1\r\n", b"MSH|1\rPID|1\r"),
        (b"MSH|1\nPID|1", b"MSH|1\rPID|1\r"),
        (b"MSH|1\rPID|1\r\r\n", b"MSH|1\rPID|1\r"),
        (b"MSH|1\rOBX|one\ntwo\r", b"MSH|1\rOBX|one\ntwo\r"),
    ],
)
def test_hl7_is_taken_as_it_goes_over_a_line(file, taken):
    assert letter(mail(part(file, b"text/plain", b"r.hl7"))).hl7 == (taken,)


@pytest.mark.parametrize("charset", ["utf-16", "utf-32-be", "cp037"])
def test_a_charset_that_makes_another_text_of_a_plain_one_is_not_believed(charset):
    read = letter(mail(part(b"Potassium 4,1", b"text/plain; charset=" + charset.encode())))
    assert read.text == "Potassium 4,1"
    assert any("not what it says" in warning for warning in read.warnings)


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-7", "iso-2022-jp", "cp1252"])
def test_a_charset_that_says_the_truth_is_believed(charset):
    text = "Potassium 4,1\r\nfin" if charset in ("iso-2022-jp", "utf-7") else "Clé 4,1\r\nfin"
    read = letter(mail(part(text.encode(charset), b"text/plain; charset=" + charset.encode())))
    assert (read.text, read.warnings) == (text.replace("\r\n", "\n"), ())


@pytest.mark.parametrize("order", [1, -1])
def test_two_versions_are_compared_whichever_comes_first(order):
    versions = [part(b"Potassium 4,1", b"text/plain"), part(b"<p>Potassium 6,9</p>", b"text/html")]
    read = letter(mail(*versions[::order], kind=b"alternative"))
    assert (read.text, read.html) == ("Potassium 4,1", "Potassium 6,9")
    same = [part(b"Potassium 4,1", b"text/plain"), part(b"<p>Potassium 4,1</p>", b"text/html")]
    read = letter(mail(*same[::order], kind=b"alternative"))
    assert (read.text, read.html, read.warnings) == ("Potassium 4,1", "", ())


def test_nothing_that_has_a_name_is_passed_over():
    read = letter(
        mail(
            part(b"", b"application/pdf", b"cr.pdf"),
            part(b"<p>Potassium 6,9</p>", b"text/html", b"table.html"),
            part(b"what is this", b"application/octet-stream", b"r.hl7"),
        )
    )
    assert [(x.title, x.reason) for x in read.left_out] == [
        ("cr.pdf", "It is empty."),
        ("r.hl7", "Documents of this kind are not opened here."),
    ]
    assert [(e.title, e.data) for e in read.enclosed] == [("table.html", b"Potassium 6,9")]
    assert "A file that is called HL7 holds no HL7 message." in read.warnings


def test_what_is_no_base64_is_shown_as_it_came_and_a_little_dirt_is_told():
    head = b"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert letter(head + b"-- pas du tout: base64 ! --\r\n").text == "-- pas du tout: base64 ! --"
    read = letter(head + b"Qm9uam91cg==\r\n" * 1 + b"!\r\n")
    assert read.text.startswith("Bonjour")
    assert read.warnings == ("Its transfer encoding is unknown or broken.",)


def test_a_record_comes_out_of_the_box_as_it_went_in():
    whole = mail(
        plain("é\ud800".encode("utf-8", "replace").decode()), part(PDF), part(b"MSH|^~\\&|A")
    )
    assert record.load(read(whole)) == letter(whole)


@given(st.binary(max_size=200))
def test_what_is_no_record_is_no_record(data):
    with pytest.raises(ValueError, match=r".*"):
        record.load(data)


def test_versions_that_differ_are_both_kept():
    html = b"Content-Type: text/html\r\n\r\n<p>Kaliemie %s mmol/L</p>"
    same = letter(mail(plain("Kaliemie 6,9 mmol/L"), html % b"6,9", kind=b"alternative"))
    other = letter(mail(plain("Kaliemie 3,9 mmol/L"), html % b"6,9", kind=b"alternative"))
    assert (same.text, same.html, same.warnings) == ("Kaliemie 6,9 mmol/L", "", ())
    assert (other.text, other.html) == ("Kaliemie 3,9 mmol/L", "Kaliemie 6,9 mmol/L")
    assert other.warnings == ("Its two versions do not say the same: both are printed.",)
    assert differs("a 1", "a 2")
    assert not differs("voir https://a.example/1", "voir")


def test_html_gives_its_words_and_nothing_is_run_or_lost():
    page = (
        "<style>p{}</style><script>x()</script><table><tr><td>K</td><td>6,9</td></tr></table><p>fin"
    )
    text = html_as_text(page)
    assert [line.split() for line in text.splitlines() if line.strip()] == [["K", "6,9"], ["fin"]]
    deep = "<div>" * 50_000 + "kaliémie 6,9"
    assert "kaliémie 6,9" in html_as_text(deep)
    long = "<p>x</p>" * 50_000 + "<p>fin</p>"
    assert html_as_text(long).endswith("fin")
    hiding = letter(mail(b"Content-Type: text/html\r\n\r\n<p style='font-size:0'>7,9</p>x"))
    assert hiding.warnings == ("It holds words made to be invisible: they may be printed here.",)


def test_marks_that_turn_the_writing_are_told():
    told = "It holds marks that turn the direction of writing: read names and numbers with care."
    assert told in letter(mail(plain("K = \u202e9,6"))).warnings
    named = mail(plain("x"), part(PDF, b"application/pdf", "cr_\u202efdp.exe".encode()))
    assert told in letter(named).warnings


def bombs():
    parts = mail(*[b"\r\nx"] * 3000)
    yield "parts", parts, "It has too many parts: the last ones were not opened."
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(2000)
    )
    yield "nested", HEAD + nested, "Parts nested too deep were not opened."
    forwarded = b"Content-Type: message/rfc822\r\n\r\n" * 2000
    yield "forwarded", HEAD + forwarded, "Parts nested too deep were not opened."
    yield "unclosed", mail(plain("x"))[:-8], "It ends before its end: something may be missing."
    bare = HEAD + b"Content-Type: multipart/mixed\r\n\r\nx"
    yield "no boundary", bare, "Its parts could not be told apart: shown as it came."
    lost = HEAD + b"Content-Transfer-Encoding: x-zip\r\n\r\nx"
    yield "encoding", lost, "Its transfer encoding is unknown or broken."
    yield "two senders", b"From: b@c\r\n" + HEAD + b"\r\nx", "It names no sender, or more than one."
    parameters = HEAD + b"Content-Type: text/plain" + b"; a=b" * 10_000 + b"\r\n\r\nx"
    yield "parameters", parameters, ""
    subject = b"From: a@b\r\nSubject: " + b"=?utf-8?q?=41?= " * 3_900 + b"\r\n\r\nx"
    yield "words", subject, ""
    mark = b"--=_b"
    yield "marks", mail(mark * 20_000), ""


@pytest.mark.parametrize(("raw", "warning"), [pytest.param(*b[1:], id=b[0]) for b in bombs()])
def test_a_bomb_is_bounded_and_told(raw, warning):
    began = time.perf_counter()
    found = letter(raw)
    assert time.perf_counter() - began < 2
    assert not warning or warning in found.warnings


def test_long_headers_and_long_texts_are_cut_and_counted():
    found = letter(HEAD + b"X: y\r\n" * 20_000 + b"\r\nx")
    assert found.fault == "Its header is longer than 64 kB."
    assert found.subject == "CR"
    found = letter(HEAD + b"\r\n" + b"ligne\r\n" * 5000)
    assert found.text.count("\n") + 1 == 1000
    assert found.lines_left_out == 4000


def test_a_line_that_is_no_header_begins_the_body():
    headers, body = split(b"Subject: x\r\nBonjour docteur\r\n\r\nsuite")
    assert headers.text("subject") == "x"
    assert body == len(b"Subject: x\r\n")


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (PDF[:60], "application/pdf", "It cannot be opened: damaged, or not what it seems."),
        (picture("PNG", (7000, 6000)), "image/png", "The picture is too large."),
        (picture("JPEG", (90, 90))[:400], "image/jpeg", "It is damaged or incomplete."),
    ],
)
def test_an_attachment_that_does_not_open_is_named_with_the_reason(data, kind, reason):
    found = letter(mail(plain("x"), part(data, b"application/octet-stream", b"a")))
    assert [(x.title, x.what, x.reason) for x in found.left_out] == [("a", kind, reason)]
    assert not found.enclosed


PIECES = (
    b"Content-Type: |multipart/mixed|; boundary=b|--b|--|\r\n|\n|\r|text/html|<p>|=?utf-8?b?|?=|base64"
    b"|message/rfc822|Content-Transfer-Encoding: |From: |a@b|\x00|\xff|MSH^|x| |=|begin 644 x|filename*0*="
    b"|'|%"
).split(b"|")


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_no_mail_makes_it_fail(pieces):
    raw = b"".join(pieces)
    assert record.load(read(raw)) == letter(raw)
