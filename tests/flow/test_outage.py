"""An outage has a beginning and an end, and every ward is told of both once."""

from __future__ import annotations

from gateway.delivery import Purpose, Step
from gateway.notice import Notice, announcement
from gateway.router import Mode
from tests.unit.store.samples import new


def test_every_ward_gets_one_notice_at_the_beginning_and_one_at_the_end(hospital):
    hospital.watch.say_down(by="Dr Martin", reason="coupure annoncée")
    hospital.after(seconds=5)
    hospital.watch.say_up(by="Dr Martin")
    hospital.after(seconds=5)

    for printer in ("cardio-slip", "neuro-slip"):
        began, ended = hospital.notices(at=printer)
        assert "MODE DÉGRADÉ" in began
        assert "11:00" in began
        assert "coupure annoncée" in began
        assert began != ended
    assert hospital.notices(at="lab-slip") == []


def test_a_ward_that_could_not_print_the_beginning_only_gets_the_end(hospital):
    hospital.trouble("cut off")
    hospital.watch.say_down(by="Dr Martin", reason="coupure")
    hospital.after(seconds=60)
    hospital.watch.say_up(by="Dr Martin")
    hospital.after(seconds=1)

    hospital.trouble("plug in")
    hospital.after(seconds=20)

    (notice,) = hospital.notices()
    assert "FIN DU MODE" in notice


def test_what_was_printed_before_the_verdict_belongs_to_the_outage_too(hospital):
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample())
    hospital.after(seconds=1)
    assert len(hospital.paper()) == 1
    hospital.after(seconds=10)

    (outage,) = hospital.do(hospital.store.outages())
    (first, *_) = hospital.accepted
    assert hospital.do(hospital.store.content(first.message_id)).outage_id == outage.id


def test_the_end_of_an_outage_never_drops_the_summary_of_what_waited(hospital):
    """The summary is the only paper of the results it stands for."""
    hospital.mode = Mode.DIRECT
    hospital.trouble("paper out")
    hospital.after(seconds=30)
    hospital.receives(hospital.sample())
    (waiting,) = hospital.accepted[0].deliveries
    detail = {"messages": [waiting.message_id], "reason": "media-empty"}
    summary = announcement(
        Notice(topic="summary", detail=detail),
        control_id="summary-1",
        now=hospital.time.now(),
        deliveries=(new(steps=(Step(by="slip"),), purpose=Purpose.NOTICE),),
        supersedes=(waiting.id,),
    )
    hospital.do(hospital.store.accept(summary))
    hospital.watch.say_down(by="test", reason="test")
    hospital.after(seconds=5)
    hospital.watch.say_up(by="test")
    hospital.after(seconds=5)

    hospital.trouble("paper in")
    hospital.after(seconds=60)

    (slip,) = hospital.paper()
    assert "Potassium" in slip
