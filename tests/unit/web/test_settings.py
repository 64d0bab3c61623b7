"""The `[console]` table: nothing in clear beyond this machine, and nobody locked out by a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.staff import PersonSettings
from gateway.web.settings import ConsoleSettings, faults


@pytest.mark.parametrize(
    "listen",
    ["tcp:8443:interface=127.0.0.1", "tcp:0:interface=localhost", r"tcp:1:interface=\:\:1",
     "tcp:80:interface=127.3.2.1:backlog=5"],
)  # fmt: skip
def test_this_machine_may_be_spoken_to_in_clear(listen):
    assert not ConsoleSettings(listen=listen).secure


@pytest.mark.parametrize(
    "listen",
    ["tcp:8443", "tcp:8443:interface=10.0.0.1", r"tcp:1:interface=\:\:", "tcp:1:interface=0.0.0.0",
     "tcp:1:interface=example.test", "tcp:1:interface="],
)  # fmt: skip
def test_others_only_over_tls(listen):
    with pytest.raises(ValidationError, match="this machine only"):
        ConsoleSettings(listen=listen)
    assert ConsoleSettings(listen=listen, certificate="c.pem", private_key="k.pem").secure


@pytest.mark.parametrize(
    ("table", "why"),
    [({"certificate": "c.pem"}, "go together"), ({"private_key": "k.pem"}, "go together"),
     ({"listen": "unix:/run/w.sock"}, "tcp: endpoint"), ({"idle": "10s"}, "greater"),
     ({"idle": "2h"}, "less"), ({"lisen": "x"}, "not permitted")],
)  # fmt: skip
def test_a_fault_is_told(table, why):
    with pytest.raises(ValidationError, match=why):
        ConsoleSettings.model_validate({"listen": "tcp:1:interface=127.0.0.1"} | table)


def test_files_that_are_not_there_and_nobody_who_could_log_in_are_faults(tmp_path):
    settings = ConsoleSettings(listen="tcp:8443", certificate="c.pem", private_key="k.pem")
    found = list(faults(settings, [PersonSettings(code="123", name="X")], path=tmp_path.joinpath))
    assert [fault.partition(":")[0] for fault in found] == [
        "console.certificate", "console.private_key", "console",
    ]  # fmt: skip
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).touch()
    people = [PersonSettings(code="123", name="X", pin_file=Path("pin"))]
    assert list(faults(settings, people, path=tmp_path.joinpath)) == []
