"""Who a mail is believed to be from: never because it says so."""

from __future__ import annotations

import pytest

from gateway.mail.envelope import Envelope, unseal
from gateway.mail.headers import split
from gateway.mail.origin import Grade, Proof, Sender, aligned, author, judge, listed

LABO = Sender(address="labo@chu.example", login="labo", certificate="labo.chu.example")
TOWN = Sender(address="@ville.example")
LOGGED_IN = Proof(login="labo")
CERTIFIED = Proof(certificates=frozenset({"labo.chu.example"}))


@pytest.mark.parametrize(
    ("field", "address"),
    [
        (b"labo@chu.example", "labo@chu.example"),
        (b"<labo@chu.example>", "labo@chu.example"),
        (b'"Labo, CHU" <labo@chu.example>', "labo@chu.example"),
        (b"=?utf-8?q?Labo?= <labo@chu.example>", "labo@chu.example"),
        (b'"labo@chu.example" <eve@evil.example>', "eve@evil.example"),
        (b"labo@chu.example <eve@evil.example>", ""),
        (b"labo@chu.example (<eve@evil.example>)", ""),
        (b"labo@chu.example, eve@evil.example", ""),
        (b"lab: labo@chu.example;", ""),
        (b"<a@b.example> <labo@chu.example>", ""),
        ("labo@chu-tеst.example".encode(), ""),
        (b'"labo@chu.example', ""),
        (b"", ""),
    ],
)
def test_one_address_beyond_doubt_or_none(field, address):
    assert author(split(b"From: " + field + b"\r\n\r\n")[0]) == address


def test_two_from_are_none():
    assert author(split(b"From: labo@chu.example\r\nFrom: labo@chu.example\r\n\r\n")[0]) == ""


@pytest.mark.parametrize(
    ("author", "mail_from", "proof", "signed", "grade"),
    [
        ("labo@chu.example", "labo@chu.example", LOGGED_IN, "", Grade.A),
        ("LABO@chu.example", "labo@CHU.example", LOGGED_IN, "", Grade.A),
        ("labo@chu.example", "labo@chu.example", CERTIFIED, "", Grade.A),
        ("labo@chu.example", "labo@chu.example", Proof(), "chu.example", Grade.B),
        ("labo@chu.example", "other@chu.example", LOGGED_IN, "", Grade.C),
        ("labo@chu.example", "other@chu.example", LOGGED_IN, "chu.example", Grade.B),
        ("labo@chu.example", "labo@chu.example", Proof(login="eve"), "", Grade.C),
        ("labo@chu.example", "labo@chu.example", Proof(), "evil.example", Grade.C),
        ("labo@chu.example", "labo@chu.example", Proof(), "example", Grade.C),
        ("a@ville.example", "a@ville.example", Proof(login=""), "", Grade.C),
        ("a@ville.example", "x@relay.example", Proof(), "ville.example", Grade.B),
        ("eve@evil.example", "eve@evil.example", Proof(), "evil.example", Grade.C),
        ("a@xville.example", "a@xville.example", Proof(), "xville.example", Grade.C),
        ("", "labo@chu.example", LOGGED_IN, "chu.example", Grade.C),
    ],
)  # fmt: skip
def test_the_grade(author, mail_from, proof, signed, grade):
    found = judge((LABO, TOWN), author=author, mail_from=mail_from, proof=proof, signed=signed)
    assert found.grade is grade


def test_an_address_of_its_own_goes_before_its_domain():
    own = Sender(address="a@ville.example", wards=("CARD",))
    assert listed((TOWN, own), "a@ville.example") is own
    assert listed((TOWN, own), "b@ville.example") is TOWN
    assert listed((TOWN, own), "") is None


def test_a_domain_speaks_for_itself_and_those_below():
    assert aligned("chu.example", "x@mail.chu.example")
    assert not aligned("mail.chu.example", "x@chu.example")
    assert not aligned("hu.example", "x@chu.example")


def test_an_envelope_stands_before_the_mail_and_changes_no_byte():
    envelope = Envelope(
        sender="é@x", recipient="card@y", grade=Grade.B, grounds="signed by", proof="x"
    )
    assert unseal(envelope.seal(b"a\nb\r\n")) == (envelope, b"a\nb\r\n")
    for broken in (b"", b"{}\nx", b"x\nx", b'{"grade": "Z"}\nx', b"[]\nx"):
        with pytest.raises(ValueError, match=r".*"):
            unseal(broken)
