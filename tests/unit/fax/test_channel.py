"""A ward's fax as the dispatcher meets it: a steered line, made-up pages, a store in memory."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.channels import Job
from gateway.channels.fax import FaxChannel, Kit, Settings
from gateway.clock import ReactorClock
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.fax.pages import From, To
from gateway.fax.register import Register, vouched
from gateway.fax.sending import RESUME_PAUSE
from gateway.fax.sheets import Bundle
from gateway.fax.underway import FaxCall
from gateway.fax.verdict import Cause, Verdict
from gateway.store.sqlite import SqliteStore
from printers.slip import Slip

NUMBER = "0155501001"
SLIP = Slip(header=(), body=())
ALL = Verdict(cause=None, station=NUMBER)


class Line:
    """Ends each call as `plan` says; `calls` are the pages each had."""

    def __init__(self):
        self.up, self.under_way, self.left_behind = True, False, ALL
        self.plan = []
        self.calls = []

    def busy(self, number):
        return self.under_way

    async def resume(self, call):
        return self.left_behind

    async def send(self, number, file, *, pages, expected, ecm=True, completes=""):
        self.calls.append((pages, expected))
        self.completes = completes
        end = self.plan.pop(0) if self.plan else ALL
        if isinstance(end, Exception):
            raise end
        return end


class Setter:
    def __init__(self):
        self.pages = 2
        self.fault = None
        self.parts = []

    async def bundle(self, slip):
        if self.fault:
            raise self.fault
        return Bundle(file=b"", pages=self.pages)

    async def bind(self, cover, bundle, *, first, last):
        self.parts.append((first, last))
        return b""


class Stage:
    def __init__(self, *, station=NUMBER, **settings):
        self.reactor = Clock()
        self.clock = ReactorClock(self.reactor, wall=1_722_675_600.0)
        self.store = SqliteStore(":memory:", inline=True)
        self.register = Register(
            self.store, configured={NUMBER: station} if station else {}, now=self.clock.now
        )
        self.line, self.setter, self.alarms = Line(), Setter(), []
        kit = Kit(
            line=self.line,
            sheets=self.setter,
            register=self.register,
            sender=From(site="Hôpital", code="HEX"),
            to=To(ward="Cardiologie", number=NUMBER),
            alarm=self.alarm,
        )
        self.fax = FaxChannel(
            Settings(name="cardio-fax", kind="fax", **settings), kit=kit, clock=self.clock
        )
        self.begun = 0

    async def alarm(self, topic, *, subject, reason):
        self.alarms.append((topic, reason))

    async def begin(self):
        self.begun += 1
        return SLIP

    def deliver(self, *, until=None, name=""):
        """What comes of it, with all the time it wants."""
        ends = []
        job = Job(begin=self.begin, until=until, name=name)
        work = Deferred.fromCoroutine(self.fax.deliver(job))
        work.addBoth(ends.append)
        for _ in range(100):
            if ends:
                break
            self.reactor.advance(RESUME_PAUSE)
        assert ends, "it never ended"
        end = ends[0]
        return end.value if hasattr(end, "value") else end.proof

    def state(self):
        status = self.now(self.fax.probe())
        return status.state, *status.reasons

    def now(self, work):
        ends = []
        Deferred.fromCoroutine(work).addBoth(ends.append)
        assert ends, "this takes time"
        return ends[0]


@pytest.fixture
def stage():
    return Stage()


def test_it_is_delivered_when_the_known_station_confirmed_every_page(stage):
    assert stage.deliver() == f"T.30: pages 2/2 confirmed by {NUMBER}"
    assert stage.line.calls == [(3, NUMBER)]  # the cover and two
    assert stage.register.entry(NUMBER).proved_at > 0


def test_what_is_long_goes_in_several_calls(stage):
    stage.setter.pages = 20

    assert stage.deliver().endswith("pages 20/20 confirmed by 0155501001 in 3 calls")
    assert stage.setter.parts == [(1, 9), (10, 18), (19, 20)]


@pytest.mark.parametrize(
    "cause", [Cause.BUSY, Cause.NO_ANSWER, Cause.VOICE, Cause.NEGOTIATION, Cause.CUT]
)
def test_while_only_the_cover_was_on_its_way_nothing_has_arrived(stage, cause):
    stage.line.plan = [Verdict(cause=cause)]

    failure = stage.deliver()

    assert type(failure) is TemporaryFailure
    assert failure.reasons == (str(cause),)
    assert stage.state() == ("trouble", str(cause))


def test_a_cut_line_is_rung_again_for_the_rest_and_its_page_may_have_come_twice(stage):
    stage.setter.pages = 5
    stage.line.plan = [Verdict(cause=Cause.PARTIAL, pages=3, station=NUMBER)]

    assert stage.deliver() == f"T.30: pages 5/5 confirmed by {NUMBER} in 2 calls"
    assert stage.setter.parts == [(1, 5), (3, 5)]  # the cover and two pages were confirmed


def test_a_line_that_is_cut_again_and_again_leaves_a_doubt(stage):
    stage.setter.pages = 5
    stage.line.plan = [Verdict(cause=Cause.PARTIAL, pages=2, station=NUMBER)] * 5

    failure = stage.deliver()

    assert type(failure) is Uncertain
    assert failure.detail == "partial-fax; pages 3/5 confirmed, page 4 begun"
    assert len(stage.line.calls) == 3


def test_no_call_is_placed_for_the_rest_once_the_step_has_ended(stage):
    stage.line.plan = [Verdict(cause=Cause.PARTIAL, pages=2, station=NUMBER)]

    failure = stage.deliver(until=stage.clock.now() + 5)

    assert type(failure) is Uncertain
    assert len(stage.line.calls) == 1


def test_every_page_confirmed_and_no_success_is_not_believed(stage):
    stage.line.plan = [Verdict(cause=Cause.PARTIAL, pages=3, station=NUMBER)]

    assert type(stage.deliver()) is Uncertain


def test_a_stranger_who_took_it_stops_the_number_until_a_person_has_tested_it(stage):
    stage.line.plan = [Verdict(cause=Cause.STATION, pages=3, station="0155509999")]

    failure = stage.deliver()

    assert type(failure) is Uncertain
    assert failure.reasons == ("wrong-station",)
    assert stage.alarms == [("fax quarantined", "0155509999")]
    assert stage.state() == ("trouble", "wrong-station")
    stage.reactor.advance(30 * 86400)
    refused = stage.deliver()
    assert type(refused) is TemporaryFailure
    assert (stage.begun, len(stage.line.calls)) == (1, 1)  # nothing was begun, nobody rung


def test_a_stopped_number_stays_stopped_after_a_restart(stage):
    stage.line.plan = [Verdict(cause=Cause.STATION, pages=3, station="0155509999")]
    stage.deliver()

    again = Register(stage.store, configured={NUMBER: NUMBER}, now=stage.clock.now)
    stage.now(again.load())

    assert again.entry(NUMBER).trust == "wrong-station"


def test_a_number_nobody_has_tested_gets_no_patient_data():
    stage = Stage(station="")

    assert stage.state() == ("trouble", "fax-untested")
    assert stage.deliver().reasons == ("fax-untested",)
    assert stage.begun == 0


def test_whoever_reads_the_test_pages_code_vouches_for_the_machine_that_took_it():
    stage = Stage(station="")

    stage.now(stage.fax.test("471108"))

    assert stage.line.calls == [(2, None)]  # the whole page, no cover; any station
    entry = stage.register.entry(NUMBER)
    assert vouched(entry, code="471109", by="lab", at=1.0) is None
    known = vouched(entry, code="471 108", by="lab", at=1.0)
    assert (known.station, known.trust, known.vouched_by) == (NUMBER, "known", "lab")
    assert vouched(known, code="", by="lab", at=2.0) is None  # a code counts once
    assert stage.state() == ("trouble", "fax-untested")  # until then nothing has changed


def test_a_test_page_that_did_not_arrive_leaves_nothing_to_vouch_for(stage):
    stage.line.plan = [Verdict(cause=Cause.VOICE)]

    stage.now(stage.fax.test("471108"))

    entry = stage.register.entry(NUMBER)
    assert entry.tested == "voice-answered"
    assert vouched(entry, code="471108", by="lab", at=1.0) is None


def test_a_busy_line_is_left_alone_for_a_while_and_a_person_who_answered_for_longer(stage):
    stage.line.plan = [Verdict(cause=Cause.BUSY)]
    stage.deliver()
    assert stage.deliver().reasons == ("line-busy",)
    assert len(stage.line.calls) == 1
    stage.reactor.advance(31)
    assert stage.state() == ("ok",)

    stage.line.plan = [Verdict(cause=Cause.VOICE)]
    stage.deliver()
    stage.reactor.advance(200)
    assert stage.state() == ("trouble", "voice-answered")
    stage.reactor.advance(101)
    assert stage.state() == ("ok",)


def test_a_number_that_had_its_tries_is_told_once_and_tried_each_hour(stage):
    for _ in range(3):
        stage.line.plan = [Verdict(cause=Cause.VOICE)]
        stage.deliver()
        stage.reactor.advance(3601)

    assert stage.alarms == [("fax exhausted", "voice-answered")]


def test_the_site_may_allow_other_numbers_of_tries():
    stage = Stage(tries={"line-busy": 0})
    stage.line.plan = [Verdict(cause=Cause.BUSY)]

    stage.deliver()

    assert stage.alarms == [("fax exhausted", "line-busy")]


def test_without_asterisk_nothing_is_begun(stage):
    stage.line.up = False

    assert stage.deliver().reasons == ("telephone-down",)
    assert stage.state() == ("unreachable", "telephone-down")
    assert stage.begun == 0


def test_a_link_lost_in_mid_fax_is_a_doubt(stage):
    stage.line.plan = [Uncertain("the link to Asterisk was lost during the call")]

    assert type(stage.deliver()) is Uncertain


def test_what_cannot_be_dialled_after_pages_arrived_is_a_doubt_too(stage):
    stage.setter.pages = 12
    stage.line.plan = [ALL, TemporaryFailure("as many calls as the site allows", reasons=("busy",))]

    failure = stage.deliver()

    assert type(failure) is Uncertain
    assert failure.detail.endswith("pages 9/12 confirmed")


def test_a_slip_that_cannot_be_drawn_rings_nobody(stage):
    stage.setter.fault = PermanentFailure("cannot be faxed: too large")

    assert type(stage.deliver()) is PermanentFailure
    assert not stage.line.calls


def test_a_number_that_was_quiet_for_long_is_tested_by_itself_and_a_stranger_found_in_time(stage):
    assert stage.fax.due(86400.0)  # the site's file says who is there, and nobody has proved it
    stage.now(stage.fax.verify())
    assert stage.line.calls == [(2, NUMBER)]  # the whole page, no cover; the known station
    assert not stage.fax.due(86400.0)
    stage.reactor.advance(86401)
    assert stage.fax.due(86400.0)

    stage.line.plan = [Verdict(cause=Cause.STATION, pages=2, station="0155509999")]
    stage.now(stage.fax.verify())

    assert stage.alarms == [("fax quarantined", "0155509999")]
    stage.reactor.advance(86401)
    assert not stage.fax.due(86400.0)  # a stopped number is not rung again and again


def test_a_number_in_use_needs_no_test_of_its_own(stage):
    stage.deliver()

    assert not stage.fax.due(86400.0)


def test_a_number_that_nobody_vouched_for_is_not_rung_by_itself():
    assert not Stage(station="").fax.due(3600.0)


def test_the_station_in_the_sites_file_may_be_another_tomorrow(stage):
    stage.deliver()  # writes down that the machine was there

    again = Register(stage.store, configured={NUMBER: "0155501199"}, now=stage.clock.now)
    stage.now(again.load())

    assert again.entry(NUMBER).station == "0155501199"


# -- calls that outlive Wardline


def call(completes="WL-7"):
    return FaxCall(
        token="t", device="cardio-fax", number=NUMBER, pages=3, expected=NUMBER,
        completes=completes, at=1.0,
    )  # fmt: skip


def test_a_number_that_is_being_rung_already_is_not_rung(stage):
    stage.line.under_way = True

    failure = stage.deliver()

    assert isinstance(failure, TemporaryFailure)
    assert failure.reasons == ("line-busy",)
    assert (stage.line.calls, stage.begun) == ([], 0)
    assert stage.state() == ("trouble", "line-busy")


def test_what_a_call_of_before_a_restart_has_brought_is_not_sent_again(stage):
    stage.now(stage.fax.resume(call()))

    assert "confirmed by 0155501001" in stage.deliver(name="WL-7")
    assert (stage.line.calls, stage.begun) == ([], 0)
    assert stage.deliver(name="WL-7").startswith("T.30: pages 2/2")  # once, and no more


def test_nobody_is_rung_between_the_end_of_such_a_call_and_what_is_learned_from_it(stage):
    written = Deferred()
    proved = stage.register.proved

    async def slowly(number):
        await written
        await proved(number)

    stage.register.proved = slowly
    Deferred.fromCoroutine(stage.fax.resume(call(completes="")))
    assert stage.deliver(name="WL-7").reasons == ("line-busy",)
    assert stage.line.calls == []

    written.callback(None)
    assert stage.deliver(name="WL-7").startswith("T.30: pages 2/2")


@pytest.mark.parametrize(
    "left",
    [Verdict(cause=Cause.CUT), Verdict(cause=Cause.BUSY), Verdict(cause=Cause.PARTIAL, pages=2)],
)
def test_what_it_did_not_bring_is_sent_again_once_the_line_has_rested(stage, left):
    stage.line.left_behind = left
    stage.now(stage.fax.resume(call()))

    assert stage.deliver(name="WL-7").reasons == (str(left.cause),)
    stage.reactor.advance(60.0)
    assert stage.deliver(name="WL-7").startswith("T.30")


def test_a_part_that_arrived_is_not_the_whole(stage):
    stage.now(stage.fax.resume(call(completes="")))

    assert stage.deliver(name="WL-7").startswith("T.30: pages 2/2")


def test_only_the_last_part_of_a_long_fax_brings_the_whole(stage):
    stage.setter.pages, told = 12, []
    send = stage.line.send

    async def sent(*more, completes, **named):
        told.append(completes)
        return await send(*more, completes=completes, **named)

    stage.line.send = sent
    stage.deliver(name="WL-7")

    assert told == ["", "WL-7"]


def test_a_stranger_who_answered_a_call_of_before_a_restart_stops_the_number(stage):
    stage.line.left_behind = Verdict(cause=Cause.STATION, pages=3, station="0155509999")
    stage.now(stage.fax.resume(call()))

    assert stage.state() == ("trouble", "wrong-station")
    assert stage.alarms == [("fax quarantined", "0155509999")]
