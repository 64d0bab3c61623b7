"""Asterisk's files: nothing of a value gets out of its place, no dear number gets in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.asterisk.dialable import dialable
from gateway.asterisk.files import Numbers, caller_secret, render, secret, write
from gateway.asterisk.settings import TelephonySettings
from gateway.asterisk.template import Unfit, fill


def test_values_repeats_and_conditions_are_filled_in():
    text = "a @x@\n;@ each people\n[@name@] @x@\n;@ if x\nyes\n;@ end\n;@ end\n;@ if none\nno\n;@ end\nb\n"
    filled = fill(text, {"x": "1", "none": "", "people": [{"name": "A"}, {"name": "B"}]})
    assert filled == "a 1\n[A] 1\nyes\n[B] 1\nyes\nb\n"


@given(st.text(max_size=30))
def test_a_value_begins_no_line_and_no_comment(value):
    try:
        filled = fill("key = @x@\nnext = 1\n", {"x": value})
    except Unfit:
        return
    assert filled.count("\n") == 2
    assert ";" not in filled.replace("\\;", "")


@pytest.mark.parametrize("hidden", ["\r", "\n", "\x00", "\x1b", "\x7f", "\x0b"])
def test_a_control_character_in_a_value_is_refused(hidden):
    with pytest.raises(Unfit):
        fill("key = @x@\n", {"x": f"a{hidden}exten => _X.,1,System(id)"})


@pytest.mark.parametrize(
    "text", ["@nobody@", ";@ each x\n;@ end", ";@ if nobody\n;@ end", ";@ if x", ";@ end"]
)
def test_a_template_that_cannot_be_filled_says_so(text):
    with pytest.raises(Unfit):
        fill(text, {"x": "1"})


@pytest.mark.parametrize(
    "text", ["short", "", "has space in it", "a" * 200, "line\nbreak-0123456789"]
)
def test_a_secret_that_asterisk_would_misread_is_refused_without_showing_it(tmp_path, text):
    path = tmp_path / "secret"
    path.write_text(text)
    with pytest.raises(Unfit) as refusal:
        secret(path)
    assert not text or text not in str(refusal.value)


def test_whoever_sees_the_callers_secret_cannot_log_in():
    assert caller_secret("a" * 20) != caller_secret("b" * 20)
    assert "a" * 12 not in caller_secret("a" * 20)


@pytest.mark.parametrize(
    ("number", "may"),
    [
        ("4711", True),
        ("0476000000", True),
        ("0899123456", False),
        ("0800123456", True),
        ("00899123456", False),
        ("0033476000000", False),
        ("00033476000000", False),
        ("+33476000000", False),
        ("471", False),
        ("47111", False),
        ("4711&PJSIP", False),
        ("4711@trunk", False),
        ("", False),
        ("٤٧١١", False),
    ],
)
def test_what_may_be_dialled(number, may):
    assert dialable(number, ["XXXX", "0[1-8]XXXXXXXX", "00XXXXXXXXX", "0XXXXXXXXXXXXX"]) is may


@given(st.text(max_size=20))
def test_whatever_is_dialled_is_digits(number):
    if dialable(number, ["XXXX", "XXXXXXXXXX"]):
        assert number.isascii() and number.isdigit()


def settings(tmp_path, **more):
    (tmp_path / "secret").write_text("only-for-tests-0123456789")
    return TelephonySettings.model_validate({"secret_file": "secret", "allow": ["XXXX"], **more})


def test_tls_and_srtp_stand_where_they_are_asked_for(tmp_path):
    phone = {
        "number": "4711",
        "name": "x",
        "secret_file": "secret",
        "transport": "tls",
        "srtp": True,
    }
    with pytest.raises(ValidationError, match="TLS needs"):
        settings(tmp_path, phones=[phone])
    pbx = {"sip_tls": "0.0.0.0:5061", "certificate": "c.pem", "private_key": "k.pem"}
    made = render(settings(tmp_path, phones=[phone], pbx=pbx), Numbers(), base=tmp_path)[
        "pjsip.conf"
    ]
    assert "verify_server" not in made
    assert "[udp]" in made
    assert "[4711](telephone-tls)" in made
    assert "media_encryption = sdes" in made
    assert f"cert_file = {tmp_path}/c.pem" in made


def test_where_everything_is_tls_nothing_listens_without(tmp_path):
    pbx = {"sip": "", "sip_tls": "0.0.0.0:5061", "certificate": "c.pem", "private_key": "k.pem",
           "authorities": "ca.pem"}  # fmt: skip
    trunk = {"host": "10.0.0.1", "transport": "tls"}
    made = render(settings(tmp_path, trunk=trunk, pbx=pbx), Numbers(), base=tmp_path)["pjsip.conf"]
    assert "[udp]" not in made
    assert f"ca_list_file = {tmp_path}/ca.pem" in made
    assert "context = from-trunk-tls" in made
    with pytest.raises(ValidationError, match="must all use TLS"):
        settings(tmp_path, trunk={"host": "10.0.0.1"}, pbx=pbx)


def test_without_a_trunk_nothing_leaves_the_house(tmp_path):
    made = render(settings(tmp_path), Numbers(phones=["4711"], faxes=["4712"]), base=tmp_path)
    assert "[trunk]" not in made["pjsip.conf"]
    assert "PJSIP/47" not in made["extensions.conf"]


@pytest.mark.parametrize(
    "agi", ["tcp:4573", "tcp:4573:interface=0.0.0.0", "tcp:4573:interface=10.0.0.1"]
)
def test_callers_are_asked_for_on_this_machine_only(tmp_path, agi):
    with pytest.raises(ValidationError, match="FastAGI has neither"):
        settings(tmp_path, agi=agi)


def test_one_number_has_one_meaning(tmp_path):
    line = {"number": "4242"}
    with pytest.raises(ValidationError, match="two meanings"):
        settings(tmp_path, lines=[line], faxes=[{"number": "4242", "ward": "CARD"}])


def test_files_with_secrets_are_for_owner_and_group(tmp_path):
    out = tmp_path / "etc"
    write(render(settings(tmp_path), Numbers(), base=tmp_path), out)
    assert (out / "manager.conf").stat().st_mode & 0o777 == 0o640
    for language in ("fr", "en"):
        assert (out / "sounds" / language / "absent.wav").is_file()
    assert not list(out.glob(".*"))
