"""The page channel and a printer in memory, on a clock turned by hand: every way a page can go wrong."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.channels import Job
from gateway.channels.ipp import IppChannel, Settings
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.ipp.address import address
from gateway.ipp.run import Document, Limits
from printers.ipp import JobState, Operation, Tag
from printers.slip import Slip
from tests.unit.ipp.fake import FakeJob, FakePrinter

SLIP = Slip(header=(), body=())
PDF = b"%PDF-1.7 a page"


class Sheets:
    """Sets nothing: every slip is one page."""

    pages = 1

    def format_of(self, formats):
        return next((f for f in ("application/pdf",) if f in formats), "")

    async def set(self, slip, formats, about):
        return Document(data=PDF, format="application/pdf", pages=self.pages)


class Wall(Clock):
    def now(self):
        return 1_000_000 + self.seconds()

    def call_later(self, delay, work, *args):
        return self.callLater(delay, work, *args)


class Bench:
    def __init__(self, **kwargs):
        self.clock = Wall()
        self.printer = FakePrinter(self.clock, **kwargs)
        self.sheets = Sheets()
        self.troubles = []
        self.begun = []

    def channel(self, **settings):
        settings = Settings(
            name="cardio-page", kind="ipp", connect="ipp://127.0.0.1/ipp/print", **settings
        )
        return IppChannel(
            settings,
            place=address(settings.connect),
            sheets=self.sheets,
            reactor=self.clock,
            clock=self.clock,
            line=self.printer,
            limits=Limits(printing=settings.printing),
        )

    def deliver(self, *, until=60.0, doubt=False, **settings):
        job = Job(
            begin=self.begin,
            until=self.clock.now() + until if until else None,
            trouble=self.troubles.append,
            name="WL-7",
            doubt=doubt,
        )
        return self.run(self.channel(**settings).deliver(job))

    async def begin(self):
        self.begun.append(self.clock.seconds())
        return SLIP

    def run(self, work):
        deferred = Deferred.fromCoroutine(work)
        self.after(0)
        return deferred

    def after(self, seconds):
        end = self.clock.seconds() + seconds
        while self.clock.calls and self.clock.calls[0].getTime() <= end:
            self.clock.advance(max(0, self.clock.calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(end - self.clock.seconds())

    @property
    def job(self):
        return self.printer.jobs[0]


@pytest.fixture(params=[True, False], ids=["create-job", "print-job"])
def bench(request):
    return Bench(creates=request.param)


def result(deferred):
    results = []
    deferred.addBoth(results.append)
    assert results, "still under way"
    return results[0].value if isinstance(results[0], Failure) else results[0]


def failure(deferred, kind):
    error = result(deferred)
    assert type(error) is kind, repr(error)
    return error


# -- the good way


def test_a_page_is_proved_by_its_job_completed_and_its_sides_counted(bench):
    done = bench.deliver()
    bench.after(3)

    receipt = result(done)
    assert receipt.proof == "IPP job 1 completed, sides printed: 1"
    assert receipt.by == "cardio-page"
    assert bench.clock.now() - 3 <= receipt.at <= bench.clock.now()
    assert bench.job.data == PDF
    assert bench.job.name.startswith("WL-7-")
    assert bench.job.name.isascii()
    assert bench.printer.closed == 1


def test_no_proof_before_the_last_side_is_out(bench):
    bench.printer.page_time = 10
    done = bench.deliver()
    bench.after(9)
    assert not done.called
    bench.after(3)
    assert "completed" in result(done).proof


def test_two_jobs_never_have_one_name(bench):
    for _ in range(2):
        bench.deliver()
        bench.after(3)
    assert len({job.name for job in bench.printer.jobs}) == 2


def test_paper_tray_sides_and_copies_are_asked_for_where_the_printer_knows_them(bench):
    bench.printer.extra = {
        "sides-supported": [(Tag.KEYWORD, "one-sided"), (Tag.KEYWORD, "two-sided-long-edge")],
        "media-source-supported": [(Tag.KEYWORD, "tray-2")],
        "copies-supported": [(Tag.INTEGER, 1)],
    }
    bench.deliver(sides="two-sided-long-edge", tray="tray-2", copies=3)
    bench.after(3)

    options = bench.job.options
    assert options.word("sides") == "two-sided-long-edge"
    assert "copies" not in options.attributes, "the printer makes no copies"
    (media,) = options.attributes["media-col"]
    (size,) = media.content["media-size"]
    assert size.content["x-dimension"][0].content == 21000
    assert media.content["media-source"][0].content == "tray-2"
    assert "media" not in options.attributes


def test_paper_the_printer_does_not_have_is_left_to_its_own_choice(bench):
    bench.printer.extra = {"media-supported": [(Tag.KEYWORD, "na_letter_8.5x11in")]}
    bench.deliver()
    bench.after(3)
    assert "media" not in bench.job.options.attributes


# -- before anything is sent


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("media-empty-error", "media-empty"),
        ("media-needed", "media-empty"),
        ("media-jam-error", "media-jam"),
        ("door-open-error", "cover-open"),
        ("toner-empty-error", "marker-supply-empty"),
        ("com.example-flux-error", "other-error"),
    ],
)
def test_a_printer_that_cannot_print_is_given_nothing(bench, reason, word):
    bench.printer.reasons = [reason]
    done = bench.deliver()

    assert failure(done, TemporaryFailure).reasons == (word,)
    assert bench.begun == []
    assert bench.printer.jobs == []


def test_a_printer_that_is_away_costs_no_number(bench):
    bench.printer.away = True
    assert failure(bench.deliver(), TemporaryFailure).reasons == ("timed-out",)
    assert bench.begun == []


def test_a_printer_that_takes_no_jobs_is_given_none(bench):
    bench.printer.accepting = False
    assert failure(bench.deliver(), TemporaryFailure).reasons == ("offline",)


def test_formats_the_printer_does_not_take_are_a_permanent_failure_without_a_number(bench):
    bench.printer.formats = ["application/vnd.hp-PCL"]
    assert "application/vnd.hp-PCL" in failure(bench.deliver(), PermanentFailure).detail
    assert bench.begun == []


def test_the_number_is_taken_only_once_the_printer_has_answered(bench):
    bench.deliver()
    before = [o for o in bench.printer.asked if o is Operation.GET_PRINTER_ATTRIBUTES]
    assert before
    assert len(bench.begun) == 1


# -- refused


def handing_over(bench):
    return Operation.CREATE_JOB if bench.printer.creates else Operation.PRINT_JOB


def test_a_busy_printer_is_tried_again_later(bench):
    bench.printer.faults[handing_over(bench)] = [0x0507]
    assert failure(bench.deliver(), TemporaryFailure).reasons == ("busy",)


@pytest.mark.parametrize("code", [0x040A, 0x040B, 0x0411])
def test_a_refused_document_is_a_permanent_failure(bench, code):
    last = Operation.SEND_DOCUMENT if bench.printer.creates else Operation.PRINT_JOB
    bench.printer.faults[last] = [code]
    done = bench.deliver()
    bench.after(10)
    failure(done, PermanentFailure)
    assert all(job.over for job in bench.printer.jobs), "an empty job stayed in the printer"


# -- paper out in mid-job


@pytest.mark.parametrize("weight", ["error", "warning", "report"])
def test_paper_that_runs_out_is_told_waited_for_and_then_proved(bench, weight):
    bench.printer.page_time = 5
    done = bench.deliver(until=600, printing="20s")
    bench.after(2)
    bench.printer.trouble(f"media-empty-{weight}")
    bench.after(100)  # five times what it may print
    assert bench.troubles == [("media-empty",)]
    assert not done.called

    bench.printer.trouble()
    bench.after(6)
    assert bench.troubles == [("media-empty",), ()]
    assert "completed" in result(done).proof
    assert len(bench.printer.paper) == 1


def test_an_empty_tray_that_was_empty_before_holds_up_no_job(bench):
    bench.printer.reasons = ["media-empty-warning"]
    bench.printer.trays = [b"level=20;name=one", b"level=0;name=two"]
    bench.printer.state = 4
    bench.deliver(until=600, printing="20s")
    bench.after(2)
    assert bench.troubles == []


def test_a_held_page_is_taken_back_at_the_deadline_and_may_go_elsewhere(bench):
    bench.printer.page_time = 5
    done = bench.deliver(until=30)
    bench.after(2)
    bench.printer.trouble("media-empty-error")
    bench.after(32)

    assert failure(done, TemporaryFailure).reasons == ("media-empty",)
    assert bench.job.state == JobState.CANCELED
    bench.printer.trouble()
    bench.after(60)
    assert bench.printer.paper == [], "it came out beside the one printed elsewhere"


def test_a_page_half_of_which_came_out_is_uncertain(bench):
    bench.sheets.pages = 2
    bench.printer.page_time = 5
    done = bench.deliver(until=30)
    bench.job.pages = 2
    bench.after(6)
    bench.printer.trouble("media-empty-error")
    bench.after(32)

    assert failure(done, Uncertain).reasons == ("media-empty",)
    assert bench.printer.paper == [(bench.job.name, 1)]


def test_a_jam_leaves_half_a_sheet_that_nobody_counts(bench):
    bench.printer.page_time = 5
    done = bench.deliver(until=30)
    bench.after(2)
    bench.printer.trouble("media-jam-error")
    bench.after(32)
    failure(done, Uncertain)


def test_a_job_that_never_ends_is_taken_back(bench):
    bench.printer.page_time = 1000
    done = bench.deliver(until=600, printing="20s")
    bench.after(30)
    failure(done, TemporaryFailure)
    assert bench.job.state == JobState.CANCELED


def test_a_page_that_completes_while_it_is_taken_back_is_delivered(bench):
    bench.printer.page_time = 20.1
    done = bench.deliver(until=600, printing="20s")
    bench.printer.faults[Operation.CANCEL_JOB] = [0x0404]
    bench.after(30)
    assert "completed" in result(done).proof


# -- the link


@pytest.mark.parametrize("fault", ["unheard", "nonsense"])
def test_a_job_whose_acceptance_was_not_heard_is_found_by_its_name(bench, fault):
    bench.printer.faults[handing_over(bench)] = [fault]
    done = bench.deliver()
    bench.after(10)
    assert "completed" in result(done).proof
    assert len(bench.printer.paper) == 1


def test_a_job_that_never_arrived_may_be_printed_elsewhere(bench):
    bench.printer.faults[handing_over(bench)] = ["lost"]
    done = bench.deliver()
    bench.after(10)
    failure(done, TemporaryFailure)
    assert bench.printer.paper == []


def test_a_job_lost_with_its_printer_is_uncertain(bench):
    bench.printer.faults[handing_over(bench)] = ["lost"]
    done = bench.deliver()
    bench.printer.restart()
    bench.after(20)
    assert "restarted" in failure(done, Uncertain).detail


def test_a_printer_that_counts_from_1970_cannot_vouch_that_it_was_not_restarted(bench):
    bench.printer._since = -1_700_000_000
    bench.printer.faults[handing_over(bench)] = ["lost"]
    done = bench.deliver()
    bench.after(10)
    failure(done, Uncertain)


def test_a_link_that_stays_dead_is_uncertain_in_the_end(bench):
    bench.printer.faults[handing_over(bench)] = ["lost"]
    bench.printer.faults[Operation.GET_PRINTER_ATTRIBUTES] = [None, *["away"] * 100]
    done = bench.deliver()
    bench.after(40)
    assert failure(done, Uncertain).reasons == ("timed-out",)


def test_a_document_that_was_cut_off_is_taken_back():
    bench = Bench()
    bench.printer.faults[Operation.SEND_DOCUMENT] = ["lost"]
    done = bench.deliver()
    bench.after(10)
    failure(done, TemporaryFailure)
    assert bench.job.state == JobState.CANCELED


def test_a_document_whose_acceptance_was_not_heard_is_followed():
    bench = Bench()
    bench.printer.faults[Operation.SEND_DOCUMENT] = ["unheard"]
    done = bench.deliver()
    bench.after(10)
    assert "completed" in result(done).proof


def test_a_printer_that_falls_silent_in_mid_job_is_told_of_and_followed_when_it_is_back(bench):
    bench.printer.page_time = 5
    done = bench.deliver(until=600)
    bench.after(1)
    bench.printer.away = True
    bench.after(6)
    assert bench.troubles == [("timed-out",)]
    bench.printer.away = False
    bench.after(3)
    assert "completed" in result(done).proof


def test_a_printer_that_stays_away_in_mid_job_leaves_it_uncertain(bench):
    bench.printer.page_time = 5
    done = bench.deliver(until=600, printing="20s")
    bench.after(1)
    bench.printer.away = True
    bench.after(40)
    failure(done, Uncertain)


# -- restarts


def test_a_job_the_printer_does_not_know_any_more_is_uncertain(bench):
    bench.printer.page_time = 5
    done = bench.deliver()
    bench.after(1)
    bench.printer.restart()
    bench.after(2)
    assert "restarted" in failure(done, Uncertain).detail


def test_another_job_under_the_old_number_is_not_taken_for_ours(bench):
    bench.printer.page_time = 5
    done = bench.deliver()
    bench.after(1)
    bench.printer.restart()
    bench.printer.jobs.append(
        FakeJob(1, "someone else's", 1, state=JobState.COMPLETED, impressions=1)
    )
    bench.after(2)
    failure(done, Uncertain)


# -- what "completed" is worth


def test_completed_without_a_side_is_no_proof(bench):
    bench.printer.broken = (JobState.COMPLETED, ("job-completed-successfully",))
    done = bench.deliver()
    bench.after(5)
    failure(done, Uncertain)


def test_a_side_may_be_counted_a_moment_after_the_job_is_completed(bench):
    bench.printer.broken = (JobState.COMPLETED, ("job-completed-successfully",))
    done = bench.deliver()
    bench.after(1)
    assert not done.called
    bench.job.impressions = 1
    bench.after(1)
    assert "sides printed: 1" in result(done).proof


def test_completed_with_sides_missing_is_no_proof(bench):
    bench.sheets.pages = 3
    done = bench.deliver()
    bench.after(8)
    assert "1 of 3" in failure(done, Uncertain).detail


def test_completed_into_a_device_queue_is_no_proof(bench):
    done = bench.deliver()
    bench.job.impressions = 1
    bench.job.pages = 1
    bench.printer.broken = (JobState.COMPLETED, ("queued-in-device",))
    bench.after(2)
    failure(done, Uncertain)


def test_a_printer_that_does_not_count_proves_nothing_unless_the_site_says_that_it_is_so():
    bench = Bench(counts=False)
    done = bench.deliver()
    bench.after(6)
    failure(done, Uncertain)

    done = bench.deliver(counts_pages=False)
    bench.after(3)
    assert result(done).proof == "IPP job 2 completed, sides not counted"


@pytest.mark.parametrize(
    ("reasons", "kind"),
    [
        (("aborted-by-system",), TemporaryFailure),
        (("document-format-error",), PermanentFailure),
        (("aborted-by-system", "media-jam"), Uncertain),
    ],
)
def test_an_aborted_job_of_which_nothing_came_out(bench, reasons, kind):
    bench.printer.broken = (JobState.ABORTED, reasons)
    failure(bench.deliver(), kind)


def test_an_aborted_job_of_which_something_may_have_come_out_is_uncertain():
    bench = Bench(counts=False)
    bench.printer.broken = (JobState.ABORTED, ("aborted-by-system",))
    failure(bench.deliver(), Uncertain)


# -- given up


def test_a_stop_in_mid_print_is_uncertain(bench):
    bench.printer.page_time = 5
    done = bench.deliver()
    bench.after(1)
    done.cancel()
    bench.after(3)
    failure(done, Uncertain)


def test_a_stop_while_it_is_held_takes_the_page_back(bench):
    bench.printer.page_time = 5
    done = bench.deliver()
    bench.after(1)
    bench.printer.trouble("media-empty-error")
    bench.after(2)
    done.cancel()
    bench.after(2)
    failure(done, TemporaryFailure)
    assert bench.job.state == JobState.CANCELED


def test_a_stop_before_anything_was_sent_is_a_stop(bench):
    bench.printer.faults[Operation.GET_PRINTER_ATTRIBUTES] = [None]
    done = bench.run(bench.channel().deliver(Job(begin=Deferred, until=None)))
    done.cancel()
    failure(done, CancelledError)


def test_what_an_uncertain_attempt_left_in_the_printer_is_taken_out_first(bench):
    bench.printer.jobs.append(FakeJob(9, "WL-3-0badcafe", 0))
    done = bench.deliver(doubt=True)
    bench.after(3)
    assert "completed" in result(done).proof
    assert bench.printer.jobs[-1].state == JobState.CANCELED


# -- asked how it is


def test_a_probe_says_how_the_printer_is(bench):
    channel = bench.channel()
    status = result(bench.run(channel.probe()))
    assert (status.state, status.reasons) == ("ok", ())

    bench.printer.reasons = ["media-low-report", "cover-open-error"]
    status = result(bench.run(channel.probe()))
    assert (status.state, status.reasons) == ("trouble", ("cover-open", "media-low"))

    bench.printer.away = True
    status = result(bench.run(channel.probe()))
    assert (status.state, status.reasons) == ("unreachable", ("timed-out",))


def test_one_empty_tray_of_two_is_no_trouble(bench):
    full, empty = b"type=other;level=20;name=tray-1", b"type=other;level=0;name=tray-2"
    bench.printer.reasons = ["media-empty-warning"]
    bench.printer.trays = [full, empty]
    assert result(bench.run(bench.channel().probe())).state == "ok"
    status = result(bench.run(bench.channel(tray="tray-2").probe()))
    assert (status.state, status.reasons) == ("trouble", ("media-empty",))
    bench.printer.trays = [empty, empty]
    assert result(bench.run(bench.channel().probe())).state == "trouble"


def test_check_prints_a_page_and_says_what_proves_it(bench):
    bench.printer.extra = {"sides-supported": [(Tag.KEYWORD, "one-sided")]}
    done = bench.run(bench.channel(sides="two-sided-long-edge").commission(b"HEX wardline check"))
    bench.after(3)
    assert result(done).proof == (
        "its job's state and the sides it counted; it does not know: sides two-sided-long-edge"
    )
