"""An outage has a beginning and an end, and every ward is told of both once."""

from __future__ import annotations

import itertools

import pytest
from twisted.internet.task import deferLater

from gateway.channels.platform import Settings as PlatformSettings
from gateway.delivery import Purpose, Step
from gateway.notice import Notice, announcement
from gateway.outage import OutageDesk
from gateway.platform.watch import Watch
from gateway.router import Mode
from gateway.store import PlatformRow
from gateway.upstream import standing
from tests.unit.store.samples import new

START = 1_722_675_000.0


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


# -- one outage, whatever the platform does


def probed(hospital, *, seconds, up):
    """A probe each second finds the platform as `up` says of that second."""
    for second in range(seconds):
        if up(second):
            hospital.watch.proved()
            hospital.link.mood = "up"
        else:
            hospital.watch.unreachable("connection refused")
            hospital.link.mood = "dead"
        hospital.after(seconds=1)


def outages(hospital):
    return hospital.do(hospital.store.outages())


@pytest.mark.parametrize("beat", [2, 5, 7])
def test_flapping_for_a_minute_is_one_outage_and_told_once(hospital, beat):
    probed(hospital, seconds=10, up=lambda second: False)
    for _ in range(6):
        hospital.receives(hospital.sample(order=f"{len(hospital.accepted)}"))
        probed(hospital, seconds=10, up=lambda second: second % beat == 0)
    assert len(outages(hospital)) == 1
    assert outages(hospital)[0].ended_at is None

    probed(hospital, seconds=60, up=lambda second: True)

    (outage,) = outages(hospital)
    assert outage.ended_at is not None
    for printer in ("cardio-slip", "neuro-slip"):
        assert ["FIN DU MODE" in n for n in hospital.notices(at=printer)] == [False, True]
    assert len(hospital.paper()) == 6, "each result once on paper"
    assert all("DUPLICATA" not in text for text in hospital.paper())


# -- a person's word


def restarted(hospital):
    """A watch and a desk as the next process builds them from the store."""
    row = hospital.do(hospital.store.platform())
    settings = PlatformSettings(kind="mllp", connect="tcp:127.0.0.1:1")
    watch = Watch.of(settings, reactor=hospital.clock, clock=hospital.time, standing=standing(row))
    told = []
    desk = OutageDesk(
        hospital.store, watch=watch, link=hospital.link, clock=hospital.time, wards=["CARD"],
        platform_changed=lambda down: None, accepted=told.append,
    )  # fmt: skip
    hospital.do(desk.open())
    watch.stop()
    return watch, desk, told


def says(hospital, word, *, by="Dr Martin"):
    at = hospital.time.now()
    hospital.do(hospital.store.say(at=at, by=by, word=word, reason="coupure", detail={}))


def test_a_persons_word_that_it_is_down_outranks_every_probe_and_a_restart(hospital):
    hospital.watch.say_down(by="Dr Martin", reason="coupure")
    probed(hospital, seconds=300, up=lambda second: True)
    hospital.receives(hospital.sample())
    hospital.after(seconds=10)

    watch, desk, told = restarted(hospital)

    assert (watch.state, watch.by, len(hospital.paper())) == ("down", "Dr Martin", 1)
    assert desk.current == outages(hospital)[0]
    assert told == [], "the ward knows already"


def test_a_persons_word_that_it_is_up_outranks_every_probe_and_a_restart(hospital):
    probed(hospital, seconds=20, up=lambda second: False)
    hospital.watch.say_up(by="Dr Martin", reason="le réseau seul est en panne")
    probed(hospital, seconds=300, up=lambda second: False)

    watch, desk, _ = restarted(hospital)

    assert (watch.state, watch.by) == ("up", "Dr Martin")
    assert desk.current is None
    assert [o.ended_at is not None for o in outages(hospital)] == [True]


def test_a_word_said_while_the_service_stood_still_is_obeyed_at_its_start(hospital):
    hospital.after(seconds=5)
    says(hospital, "outage begin")
    says(hospital, "pack")  # not a word on the platform, and none that hides one
    watch, desk, told = restarted(hospital)

    assert (watch.state, watch.by) == ("down", "Dr Martin")
    assert len(told) == 1
    assert desk.current is not None


def test_an_outage_whose_beginning_was_cut_short_is_begun_at_the_next_start(hospital):
    down = PlatformRow(state="down", since=START, reason="no answer for 3 s")
    hospital.do(hospital.store.save_platform(down))

    _, desk, told = restarted(hospital)

    assert desk.current == outages(hospital)[0]
    assert desk.current.began_at == START
    assert len(told) == 1


def test_an_outage_whose_end_was_cut_short_is_ended_at_the_next_start(hospital):
    hospital.do(hospital.store.begin_outage(at=START, reason="no answer for 3 s", by="watch"))
    hospital.do(hospital.store.save_platform(PlatformRow(state="up", since=START)))

    _, desk, told = restarted(hospital)

    assert desk.current is None
    assert [o.ended_at is not None for o in outages(hospital)] == [True]
    assert len(told) == 1


def test_a_word_taken_back_at_once_is_not_overtaken_on_its_way_to_the_disk(hospital, monkeypatch):
    """Telling the wards takes its time; what is said meanwhile is the last word all the same."""
    accept = hospital.store.accept
    delays = itertools.chain([1.0], itertools.repeat(0.1))

    def slowly(arrival):
        return deferLater(hospital.clock, next(delays), accept, arrival)

    monkeypatch.setattr(hospital.store, "accept", slowly)
    hospital.watch.say_down(by="Dr Martin", reason="coupure")
    hospital.after(seconds=0.2)
    hospital.watch.say_up(by="Dr Martin")
    hospital.after(seconds=10)

    assert hospital.do(hospital.store.platform()).state == "up"
    assert outages(hospital)[0].ended_at is not None
    assert hospital.desk.current is None
    for printer in ("cardio-slip", "neuro-slip"):
        assert "FIN DU MODE" in hospital.notices(at=printer)[-1]
