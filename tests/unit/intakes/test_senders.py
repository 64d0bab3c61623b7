from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs
from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock

from gateway.clock import ReactorClock
from gateway.errors import Rejected
from gateway.hl7 import peek
from gateway.intakes.mllp import MllpIntake, Settings
from gateway.intakes.mllp.senders import Senders, SenderSettings
from tests.unit.intakes.test_mllp import Cable, Inbox, framed

LAB = {"certificate": "sil.example", "application": "SIL", "facility": "LABO"}
HIS = {"from": ["10.2.0.0/16"], "application": "GAM"}
STRICT = {"certificate": "sil.example", "from": ["10.3.0.0/16"], "application": "SIL"}


def raw(application="SIL", facility="LABO"):
    return f"MSH|^~\\&|{application}|{facility}|W|H|1||ORU^R01|A1|P|2.5\rPID|1\r".encode()


def checked(peer, *known, **says):
    senders = Senders([SenderSettings.model_validate(each) for each in known])
    senders.check(peek(raw(**says)), peer)


@pytest.mark.parametrize(
    ("peer", "known", "says"),
    [
        ("10.9.9.9", (), {"application": "ANYBODY"}),
        ("10.9.9.9 sil.example", (LAB,), {}),
        ("10.9.9.9 sil.example", (LAB,), {"application": "SIL^1.2.3^ISO"}),
        ("10.2.3.4", (LAB, HIS), {"application": "GAM", "facility": "ANY"}),
        ("::ffff:10.2.3.4", (HIS,), {"application": "GAM"}),
        ("10.3.3.4 sil.example", (STRICT,), {}),
    ],
)
def test_a_sender_may_say_to_be_itself(peer, known, says):
    checked(peer, *known, **says)


@pytest.mark.parametrize(
    ("peer", "known", "says", "location"),
    [
        ("10.9.9.9", (LAB,), {}, "MSH-3"),
        ("10.9.9.9 gam.example", (LAB,), {}, "MSH-3"),
        ("10.9.9.9 sil.example", (LAB,), {"application": "GAM"}, "MSH-3"),
        ("10.9.9.9 sil.example", (LAB,), {"facility": "OTHER"}, "MSH-4"),
        ("10.9.9.9 sil.example", (LAB,), {"facility": ""}, "MSH-4"),
        ("10.2.3.4", (LAB, HIS), {"application": "SIL"}, "MSH-3"),
        ("10.2.3.4 sil.example", (STRICT,), {}, "MSH-3"),
        ("10.3.3.4", (STRICT,), {}, "MSH-3"),
        ("local", (HIS,), {"application": "GAM"}, "MSH-3"),
    ],
)
def test_nobody_may_say_to_be_another(peer, known, says, location):
    with pytest.raises(Rejected) as refused:
        checked(peer, *known, **says)
    assert refused.value.location == location


def test_what_is_said_falsely_is_answered_ar_kept_and_told():
    inbox = Inbox()
    reactor = MemoryReactorClock()
    intake = MllpIntake(
        Settings(kind="mllp", name="lab", listen="tcp:2575", mode="direct", senders=[HIS]),
        inbox=inbox,
        reactor=reactor,
        clock=ReactorClock(reactor, wall=1000.0),
        zone="Europe/Paris",
        base=Path(),
        on_broken=None,
    )
    intake.startService()
    factory = reactor.tcpServers[-1][1]
    with capture_logs() as logs:
        cable = Cable(factory.buildProtocol(IPv4Address("TCP", "10.2.0.1", 4000)))
        cable.says(framed(raw()))

    assert cable.heard == [("AR", "A1")]
    assert [each["event"] for each in logs] == ["alarm"]
    assert inbox.refused and not inbox.seen


def test_a_name_in_a_certificate_needs_who_vouches_for_it():
    with pytest.raises(ValidationError, match="client_ca"):
        Settings(kind="mllp", name="lab", listen="tcp:1", mode="direct", senders=[LAB])


@pytest.mark.parametrize("table", [{"application": "SIL"}, {"certificate": "a"}])
def test_a_sender_that_binds_nothing_is_a_fault(table):
    with pytest.raises(ValidationError):
        SenderSettings.model_validate(table)
