import base64
import tracemalloc

import pytest

from gateway.hl7 import Unreadable, extract, read
from gateway.hl7.attachment import attachment_of
from gateway.hl7.delimiters import STANDARD
from gateway.hl7.syntax import Syntax
from gateway.message import Attachment

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 40
B64 = base64.b64encode(PDF).decode()


def ed(data, declared="^application^pdf", encoding="Base64"):
    return f"OBX|1|ED|11502-2^CR^LN||{declared}^{encoding}^{data}||||||F"


def documents(raw):
    return [o.attachment for g in read(raw).groups for o in g.observations if o.attachment]


def test_a_pdf_is_announced_with_its_size_and_found_again(message):
    raw = message("OBR|1", ed(B64))
    assert documents(raw) == [Attachment(title="CR", media_type="application/pdf", size=len(PDF))]
    assert extract(raw, 0) == PDF
    (observation,) = read(raw).groups[0].observations
    assert observation.value == ""


@pytest.mark.parametrize(
    ("content", "declared", "media"),
    [
        (b"%PDF-1.7", "^AP^PDF", "application/pdf"),
        (b"%PDF-1.7", "^TEXT^", "application/pdf"),  # the content has the last word
        (b"\xff\xd8\xff\xe0jpeg", "^IM^JPEG", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "^application^octet-stream", "image/png"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "^text^xml", "text/xml"),
        (b"bonjour", "^text^plain", "text/plain"),
        (b"bonjour", "^^", ""),
    ],
)
def test_what_it_is_shows_in_its_content(content, declared, media):
    raw = f"{declared}^Base64^{base64.b64encode(content).decode()}"
    found = attachment_of(raw, "CR", Syntax(STANDARD))
    assert (found.media_type, found.size, found.fault) == (media, len(content), "")


@pytest.mark.parametrize(
    ("data", "encoding", "fault"),
    [
        ("%%%notbase64%%%", "Base64", "bad base64"),
        ("JVBER", "Base64", "bad base64"),
        ("JVBE=RAA", "Base64", "bad base64"),
        ("é" * 8, "Base64", "bad base64"),
        (B64[:70_000] + "%" + B64, "Base64", "bad base64"),
        ("255044462", "Hex", "bad hex"),
        ("xyz", "Hex", "bad hex"),
        ("", "Base64", "empty"),
        ("bm90IGEgcGRm", "Base64", "not what it is said to be (application/pdf)"),
    ],
)
def test_what_cannot_be_read_says_why_and_is_not_lost(message, data, encoding, fault):
    (document,) = documents(message("OBR|1", ed(data, encoding=encoding)))
    assert document.fault == fault
    assert document.title == "CR"
    assert document.media_type == ""


def test_broken_data_cannot_be_extracted(message):
    raw = message("OBR|1", ed("%%%"))
    for index in (0, 1):
        with pytest.raises(Unreadable):
            extract(raw, index)


def test_line_ends_and_missing_padding_are_tolerated(message):
    wrapped = "\\.br\\".join(B64[i : i + 76] for i in range(0, len(B64), 76)).rstrip("=")
    raw = message("OBR|1", ed(wrapped))
    assert documents(raw)[0].size == len(PDF)
    assert extract(raw, 0) == PDF


def test_hexadecimal_and_plain_text(message):
    raw = message("OBR|1", ed(PDF.hex(), encoding="Hex"), ed("d\\T\\c", "^text^plain", "A"))
    assert [(d.media_type, d.size) for d in documents(raw)] == [
        ("application/pdf", len(PDF)),
        ("text/plain", 3),
    ]
    assert extract(raw, 1) == b"d&c"


def test_a_pdf_sent_as_text_is_a_document(message):
    raw = message("OBR|1", f"OBX|1|TX|PDF^Compte rendu||{B64}||||||F")
    (document,) = documents(raw)
    assert (document.title, document.media_type, document.size) == (
        "Compte rendu",
        "application/pdf",
        len(PDF),
    )
    assert extract(raw, 0) == PDF


def test_each_repetition_is_a_document_of_its_own(message):
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    raw = message("OBR|1", ed(B64 + f"~^image^png^Base64^{png}"), "NTE|1||voir", ed(B64))
    assert [d.media_type for d in documents(raw)] == [
        "application/pdf",
        "image/png",
        "application/pdf",
    ]
    assert extract(raw, 1).startswith(b"\x89PNG")
    assert extract(raw, 2) == PDF


def test_its_status_falls_back_on_its_examination_s(message):
    raw = message("OBR|1" + "|" * 24 + "C", ed(B64).removesuffix("||||||F"))
    assert read(raw).groups[0].observations[0].status == "corrected"


def test_a_critical_document_makes_the_message_critical(message):
    raw = message("OBR|1", ed(B64).replace("||||||F", "|||AA|||F"))
    assert read(raw).priority == "critical"


def test_null_is_no_document(message):
    assert documents(message("OBR|1", 'OBX|1|ED|CR^CR||""||||||F')) == []


def test_no_decoded_copy_is_held():
    data = "^AP^PDF^Base64^" + base64.b64encode(b"%PDF-" + bytes(1_000_000)).decode()
    tracemalloc.start()
    found = attachment_of(data, "CR", Syntax(STANDARD))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.size == 1_000_005
    assert peak < 2.2 * len(data)  # the component and a slice of it, never the document
