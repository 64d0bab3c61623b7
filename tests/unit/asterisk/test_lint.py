"""What Asterisk would load in silence is said aloud: places that do not exist, rights, callers' words."""

from __future__ import annotations

import pytest

from gateway.asterisk.files import Numbers, render
from gateway.asterisk.lint import lint
from gateway.asterisk.settings import TelephonySettings

SECRET = "only-for-tests-0123456789"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    base = tmp_path_factory.mktemp("site")
    (base / "secret").write_text(SECRET)
    settings = TelephonySettings.model_validate(
        {
            "secret_file": "secret",
            "caller": "2000",
            "allow": ["XXXX", "04XXXXXXXX"],
            "lines": [{"number": "4242"}, {"number": "4243", "language": "en"}],
            "faxes": [{"number": "4301", "ward": "CARD"}],
            "phones": [{"number": "4711", "name": "Cardio", "secret_file": "secret"}],
            "trunk": {"host": "10.0.0.1", "user": "wardline", "secret_file": "secret"},
        }
    )
    numbers = Numbers(phones=["4711", "0476000000"], faxes=["4399"], lab="4712", site="Hôpital")
    return render(settings, numbers, base=base)


def faults(files, **changed):
    changed = {name.replace("_conf", ".conf"): text for name, text in changed.items()}
    return lint(
        files | changed, sounds=lambda path, language: "nothing" not in path, languages=("fr", "en")
    )


def test_what_we_render_is_in_order(files):
    assert faults(files) == []


PLAN = [
    ("Answer()", "System(id)", "System is not loaded"),
    ("Answer()", "MixMonitor(x.wav)", "MixMonitor is not loaded"),
    ("Goto(talk,s,1)", "Goto(talk,x,1)", "there is no talk,x"),
    ("Goto(talk,s,1)", "Goto(talking,s,1)", "there is no talking,s"),
    ("Goto(talk,s,1)", "Goto(talk,s,nobody)", "there is no talk,s,nobody"),
    ("Goto(talk,s,1)", "Goto(talk,${EXTEN},1)", "must be written out"),
    ("?absent)", "?nobody)", "there is no talk,s,nobody"),
    ("Gosub(fallback,s,1)", "Gosub(nowhere,s,1)", "there is no nowhere,s"),
    ("/absent)", "/nothing)", "there is no sound"),
    ("Set(WAY=out)", "Set(WHO=${CALLERID(name)})", "caller's own text"),
    ("Set(WAY=out)", "Set(WHO=${SHELL(id)})", "runs or fetches"),
    ("$[${AGE} > 15]", "$[${EXTEN} > 15]", "in an expression"),
    ("Token: ${URIENCODE(${TOKEN})}", "Token: ${TOKEN}", "outside URIENCODE"),
    ("Dial(${ARG1},", "Dial(PJSIP/${EXTEN}@trunk,", "only written numbers"),
    ("ring,s,1(PJSIP/4711)", "ring,s,1(PJSIP/${EXTEN})", "only written numbers"),
    ("exten => 4242,1", "exten => _4XXX,1", "whole numbers only"),
    ("exten => 4242,1", "exten => T,1", "whole numbers only"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), PLAN)
def test_a_dialplan_with_a_hole_is_found(files, right, wrong, said):
    plan = files["extensions.conf"]
    assert right in plan
    found = faults(files, extensions_conf=plan.replace(right, wrong))
    assert any(said in fault for fault in found), found


REST = [
    ("manager.conf", "read = call,user", "read = call,user,dtmf", "dtmf is more"),
    (
        "manager.conf",
        "write = originate",
        "write = system,command,originate",
        "command, system is more",
    ),
    ("manager.conf", "bindaddr = 127.0.0.1", "bindaddr = 0.0.0.0", "on loopback only"),
    ("manager.conf", "deny = ", "; ", "from where"),
    ("pjsip.conf", "auth = 4711", "", "could call"),
    ("pjsip.conf", "type = identify", "type = nothing", "could call"),
    ("pjsip.conf", "allow_transfer = no", "allow_transfer = yes", "allow_transfer"),
    (
        "pjsip.conf",
        "context = from-trunk",
        "context = elsewhere",
        "[elsewhere], which is not there",
    ),
    ("modules.conf", "autoload = no", "autoload = yes", "autoload"),
    ("modules.conf", "load = res_fax.so", "load = app_system.so", "app_system.so"),
    ("asterisk.conf", "live_dangerously = no", "live_dangerously = yes", "live_dangerously"),
    ("logger.conf", "messages = notice", "messages = verbose,notice", "verbose would write"),
]


@pytest.mark.parametrize(("name", "right", "wrong", "said"), REST)
def test_a_right_too_many_is_found(files, name, right, wrong, said):
    assert right in files[name]
    found = lint(
        files | {name: files[name].replace(right, wrong)},
        sounds=lambda path, language: True,
        languages=("fr", "en"),
    )
    assert any(said in fault for fault in found), found


def test_a_telephone_of_tls_whose_calls_come_in_by_any_way_is_found(files):
    pjsip = files["pjsip.conf"].replace(
        "context = from-phones\n", "context = from-phones\ntransport = tls\n"
    )
    found = faults(files, pjsip_conf=pjsip)
    assert any("4242: must ask CHANNEL(pjsip,secure)" in fault for fault in found), found


def test_a_file_that_is_missing_is_said(files):
    less = {k: v for k, v in files.items() if k != "manager.conf"}
    assert any("manager.conf: is not there" in f for f in faults(less))


def test_only_the_directorys_dialable_numbers_are_in_the_plan(files):
    plan = files["extensions.conf"]
    assert "PJSIP/4711)" in plan
    assert "PJSIP/0476000000@trunk)" in plan
    assert "Dial(PJSIP/4399@trunk,${FILTER(0-9,${RING})})" in plan
    assert "Dial(PJSIP/4712@trunk,60)" in plan
    assert "_X" not in plan
