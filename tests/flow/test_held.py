"""What nobody vouches for waits for a person; the laboratory is told, the ward sees nothing before."""

from __future__ import annotations

from gateway.inbox import Door
from gateway.message import Kind, Message
from gateway.router import Mode

MAIL = Message(
    control_id="<1@elsewhere>", sender="dr@elsewhere", type="MAIL", kind=Kind.DOCUMENT,
    notes=("Bonjour",),
)  # fmt: skip


def takes(hospital, *, wards=("CARD",), held="unknown sender"):
    door = Door(intake="mail", mode=Mode.DIRECT)
    taken = hospital.inbox.take(
        MAIL, b"From: x", format="mail", door=door, peer="192.0.2.7", wards=wards, held=held
    )
    return hospital.do(taken)


def test_the_ward_sees_nothing_and_the_laboratory_is_told_what_to_do(hospital):
    accepted = takes(hospital)

    hospital.after(seconds=300)

    assert hospital.paper() == []
    (told,) = hospital.paper(at="lab-slip")
    assert "EN ATTENTE D'UNE DÉCISION" in " ".join(told.split())
    assert "dr@elsewhere" in told
    assert f"held let {accepted.message_id}" in " ".join(told.split())


def test_once_let_through_it_comes_out_in_the_ward(hospital):
    accepted = takes(hospital)
    hospital.after(seconds=60)

    now = hospital.time.now()
    hospital.do(
        hospital.store.judge(accepted.message_id, through=True, by="lab", reason="", at=now)
    )
    hospital.do(hospital.dispatcher.look_again())
    hospital.after(seconds=5)

    assert len(hospital.paper()) == 1


def test_the_same_mail_again_waits_once(hospital):
    takes(hospital)
    again = takes(hospital)

    hospital.after(seconds=60)

    assert again.duplicate
    assert len(hospital.paper(at="lab-slip")) == 1


def test_for_no_ward_of_ours_it_comes_out_at_the_laboratory(hospital):
    takes(hospital, wards=("NOWHERE",), held="")

    hospital.after(seconds=60)

    assert len(hospital.paper(at="lab-slip")) == 1
