"""Results that come by mail, from a sender that nothing proves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import Rejected
from gateway.inbox import Door
from gateway.intakes.smtp.results import Results
from gateway.intakes.smtp.returns import Returns
from gateway.intakes.smtp.waiting import Waiting
from gateway.mail.envelope import Envelope
from gateway.mail.origin import Grade
from gateway.mail.reading import results as read_results
from gateway.message import Kind, Message
from gateway.router import Mode

DOOR = Door(intake="mail", mode=Mode.DIRECT)
HEAD = b"From: eve@elsewhere.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
MESSAGE = Message(
    control_id="1@x CARD", sender="mail|eve@elsewhere.example", type="MAIL", kind=Kind.DOCUMENT
)


class Box:
    """The box without its walls."""

    async def call(self, function, payload, *, timeout=10.0):
        return read_results(payload)


def watch(hospital):
    async def alarm(topic, *, subject, reason):
        raise AssertionError(topic)

    hospital.composer._doubted = {"mail"}
    return Waiting(
        hospital.store,
        intake="mail",
        results=Results(hospital.inbox, door=DOOR),
        returns=Returns(domain="p.example", spool=None, alarm=alarm, clock=hospital.time),
        box=Box(),
        clock=hospital.time,
    )


def mails(hospital, *samples):
    files = b"".join(
        b"--b\r\nContent-Disposition: attachment; filename=r.hl7\r\n\r\n" + s.raw + b"\r\n"
        for s in samples
    )
    envelope = Envelope(
        sender="eve@elsewhere.example",
        recipient="card@p",
        grade=Grade.C,
        grounds="nothing proves its sender",
    )
    taken = hospital.inbox.take(
        MESSAGE, envelope.seal(HEAD + files + b"--b--\r\n"), format="mail", door=DOOR,
        peer="192.0.2.7", wards=("CARD",), held=envelope.grounds,
    )  # fmt: skip
    return hospital.do(taken).message_id


def decides(hospital, message_id, *, through):
    now = hospital.time.now()
    hospital.do(hospital.store.judge(message_id, through=through, by="lab", reason="", at=now))
    hospital.do(hospital.dispatcher.look_again())


def results(hospital, at="cardio-slip"):
    return [slip for slip in hospital.paper(at) if "Potassium" in slip]


def test_they_come_out_once_a_person_lets_the_mail_through_and_say_that_nothing_proves_them(
    hospital,
):
    waiting = watch(hospital)
    message_id = mails(hospital, hospital.sample(), hospital.sample(ward="NEURO"))
    hospital.do(waiting.look())
    hospital.after(seconds=60)
    assert results(hospital) == []

    decides(hospital, message_id, through=True)
    hospital.do(waiting.look())
    hospital.after(seconds=30)

    for at in ("cardio-slip", "neuro-slip"):
        (slip,) = results(hospital, at)
        assert "SOURCE NON AUTHENTIFIÉE" in slip
        assert "LEFÈBVRE" in slip


def test_they_come_out_once_whatever_is_done_twice(hospital):
    known = hospital.sample()
    waiting = watch(hospital)
    message_id = mails(hospital, known)
    hospital.do(waiting.look())
    decides(hospital, message_id, through=True)
    hospital.do(waiting.expect(message_id))
    for again in (waiting, watch(hospital), watch(hospital)):
        hospital.do(again.expect(message_id))
        hospital.do(again.look())
    hospital.after(seconds=30)
    assert len(results(hospital)) == 1


def test_the_same_result_that_came_over_the_line_is_not_printed_again(hospital):
    hospital.mode = Mode.DIRECT
    known = hospital.sample()
    hospital.receives(known)
    waiting = watch(hospital)
    message_id = mails(hospital, known)
    hospital.do(waiting.look())
    decides(hospital, message_id, through=True)
    hospital.do(waiting.look())
    hospital.after(seconds=30)
    (slip,) = results(hospital)
    assert "SOURCE NON AUTHENTIFIÉE" not in slip


def test_of_a_mail_that_is_kept_out_nothing_is_taken_in(hospital):
    waiting = watch(hospital)
    message_id = mails(hospital, hospital.sample())
    hospital.do(waiting.look())
    decides(hospital, message_id, through=False)
    hospital.do(waiting.look())
    hospital.after(seconds=60)
    assert results(hospital) == []


def test_one_that_cannot_be_read_comes_out_at_the_laboratory_with_its_reason(hospital):
    waiting = watch(hospital)
    broken = replace(hospital.sample(), family="")
    raw = broken.raw.replace(b"PID|1||69102274^^^H^PI||^", b"ZZZ|1||||")
    message_id = mails(hospital, replace_raw(broken, raw), hospital.sample())
    hospital.do(waiting.look())
    decides(hospital, message_id, through=True)
    hospital.do(waiting.look())
    hospital.after(seconds=60)
    assert len(results(hospital)) == 1
    assert any("PID" in slip for slip in hospital.paper(at="lab-slip"))


def replace_raw(sample, raw):
    return type("Raw", (), {"raw": raw, "control_id": sample.control_id})


def test_a_sender_that_may_print_in_one_ward_sends_no_result_to_another(hospital):
    other = hospital.sample(ward="NEURO")
    taking = hospital.inbox.accept(other.raw, door=DOOR, peer="192.0.2.7 labo", only=("CARD",))
    with pytest.raises(Rejected, match="may not print in this ward"):
        hospital.do(taking)
    hospital.after(seconds=60)
    assert hospital.paper(at="neuro-slip") == []
    assert "PV1-3" in " ".join(hospital.paper(at="lab-slip"))
