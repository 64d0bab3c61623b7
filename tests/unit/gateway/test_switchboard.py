"""What `wardline check` says of a telephone that would not do what its file says."""

from __future__ import annotations

import pytest

from gateway.config import parse
from gateway.switchboard import faults

PIN = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$0000"


@pytest.fixture
def table(tmp_path):
    secret = tmp_path / "asterisk.secret"
    secret.write_text("only-for-tests-0123456789\n")
    secret.chmod(0o640)
    return {
        "site": {"code": "HEX", "name": "Hôpital Exemple", "data": str(tmp_path)},
        "store": {"url": f"sqlite:///{tmp_path}/wardline.db"},
        "devices": [
            {"name": "slip", "kind": "escpos", "connect": "tcp:127.0.0.1:9100", "model": "TM-T20II"}
        ],
        "wards": [{"code": "CARD", "name": "Cardiologie", "devices": ["slip"], "phone": "4711"}],
        "lab": {"devices": ["slip"]},
        "people": [{"code": "1007", "name": "Inès Morel", "wards": ["CARD"], "pin": PIN}],
        "plans": {
            "critical": {
                "steps": [{"by": "slip", "within": "10s"}, {"by": "courier"}],
                "calls": [{"by": "call", "to": "ward", "within": "2m"}, {"by": "courier"}],
            }
        },
        "telephony": {
            "secret_file": str(secret),
            "allow": ["4XXX"],
            "lines": [{"number": "4242"}],
            "phones": [{"number": "4711", "name": "Cardio", "secret_file": str(secret)}],
            "pbx": {"etc": str(tmp_path / "nothing-yet")},
        },
    }


def said(table, tmp_path):
    return faults(parse(table, base=tmp_path))


def test_a_telephone_in_order_has_no_fault(table, tmp_path):
    assert said(table, tmp_path) == []


def test_a_secret_that_everybody_may_read_is_said(table, tmp_path):
    (tmp_path / "asterisk.secret").chmod(0o644)
    (told,) = said(table, tmp_path)
    assert "everybody on this machine may read it" in told
    assert "0123456789" not in told


def test_a_secret_that_is_missing_is_said(table, tmp_path):
    (tmp_path / "asterisk.secret").unlink()
    assert any("cannot be read" in line for line in said(table, tmp_path))


@pytest.mark.parametrize(
    ("phone", "fault"),
    [
        ("0612345678", "0612345678 is in the directory and cannot be dialled"),
        ("4999", "4999 is no phone of ours, and there is no trunk"),
        ("", "nobody is rung for its critical results"),
    ],
)
def test_a_ward_that_cannot_be_rung_is_said(table, tmp_path, phone, fault):
    table["wards"][0]["phone"] = phone
    assert any(fault in line for line in said(table, tmp_path)), said(table, tmp_path)


def test_where_nobody_is_rung_nobody_needs_a_telephone(table, tmp_path):
    table["wards"][0]["phone"] = ""
    del table["plans"]["critical"]["calls"]
    assert said(table, tmp_path) == []
