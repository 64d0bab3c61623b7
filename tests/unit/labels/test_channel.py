"""The label channel and a label printer in memory, on a clock turned by hand."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.channels import Job
from gateway.channels.zpl import Settings, ZplChannel
from gateway.errors import TemporaryFailure, Uncertain
from printers.slip import Code, Heading, Pair, Rule, Slip
from tests.unit.labels.fake import LabelPrinter

SLIP = Slip(
    header=(),
    body=(
        Heading(text="LEFEBVRE Zoé"),
        Pair(label="IPP", value="69102274"),
        Code(data="26-000123-1"),
        Rule(),
        Heading(text="LEFEBVRE Zoé"),
        Code(data="26-000123-2"),
    ),
)


class Wall(Clock):
    def now(self):
        return 1_000_000 + self.seconds()


class Bench:
    def __init__(self):
        self.clock = Wall()
        self.printer = LabelPrinter(self.clock)
        self.troubles, self.begun = [], 0
        settings = Settings(name="tubes", kind="zpl", connect="tcp:127.0.0.1:9100")
        endpoint = self.printer.endpoint()
        self.channel = ZplChannel(settings, reactor=self.clock, clock=self.clock, endpoint=endpoint)

    async def begin(self):
        self.begun += 1
        return SLIP

    def deliver(self, *, until=60.0, doubt=False):
        job = Job(
            begin=self.begin,
            until=self.clock.now() + until,
            trouble=self.troubles.append,
            doubt=doubt,
        )
        return self.run(self.channel.deliver(job))

    def run(self, work):
        deferred = Deferred.fromCoroutine(work)
        self.after(0)
        return deferred

    def after(self, seconds):
        end = self.clock.seconds() + seconds
        while self.clock.calls and self.clock.calls[0].getTime() <= end:
            self.clock.advance(max(0, self.clock.calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(end - self.clock.seconds())


@pytest.fixture
def bench():
    return Bench()


def result(deferred):
    results = []
    deferred.addBoth(results.append)
    assert results, "still under way"
    return results[0].value if isinstance(results[0], Failure) else results[0]


def failure(deferred, kind):
    error = result(deferred)
    assert type(error) is kind, repr(error)
    return error


def test_every_tube_has_its_label_and_the_proof_comes_after_the_last(bench):
    done = bench.deliver()
    bench.after(1.9)
    assert not done.called
    bench.after(3)
    assert result(done).proof == "2 printed, by ~HS: nothing left to print"
    assert [b"26_2D000123_2D1" in f for f in bench.printer.printed] == [True, False]


@pytest.mark.parametrize("trouble", ["paper", "head", "ribbon"])
def test_silence_with_the_line_open_is_an_alarm_and_nothing_is_sent(bench, trouble):
    bench.printer.trouble.add(trouble)
    done = bench.deliver()
    bench.after(3)
    assert failure(done, TemporaryFailure).reasons == ("other-error",)
    assert bench.begun == 0
    probe = bench.run(bench.channel.probe())
    bench.after(3)
    status = result(probe)
    assert (status.state, status.reasons) == ("trouble", ("other-error",))


def test_a_paused_printer_is_given_nothing(bench):
    bench.printer.trouble.add("pause")
    assert failure(bench.deliver(), TemporaryFailure).reasons == ("paused",)
    assert bench.begun == 0


def test_a_printer_that_is_off_is_unreachable(bench):
    bench.printer.off = True
    assert failure(bench.deliver(), TemporaryFailure).reasons == ("timed-out",)
    assert result(bench.run(bench.channel.probe())).state == "unreachable"


def test_a_printer_that_works_for_others_is_busy(bench):
    bench.printer.take(b"^XA^XZ")
    assert failure(bench.deliver(), TemporaryFailure).reasons == ("busy",)


def test_labels_that_run_out_are_told_waited_for_and_proved(bench):
    done = bench.deliver(until=600)
    bench.after(1.2)
    bench.printer.trouble.add("paper")
    bench.after(100)
    assert bench.troubles == [("other-error",)]
    assert not done.called
    bench.printer.mend()
    bench.after(10)
    assert bench.troubles == [("other-error",), ()]
    assert "printed" in result(done).proof
    assert len(bench.printer.printed) == 2


def test_at_the_deadline_the_printer_is_told_to_forget_them(bench):
    done = bench.deliver(until=30)
    bench.after(0.2)
    bench.printer.trouble.add("head")
    bench.after(40)
    assert failure(done, Uncertain).reasons == ("other-error",)
    bench.printer.mend()
    bench.after(10)
    assert bench.printer.printed == []


def test_a_link_that_dies_at_any_byte_of_a_label_is_uncertain_and_before_it_is_not(bench):
    bench.printer.cut_at = 3
    failure(bench.deliver(), TemporaryFailure)
    for cut in range(4, 60, 7):
        bench = Bench()
        bench.printer.cut_at = cut
        done = bench.deliver()
        bench.after(5)
        failure(done, Uncertain)


def test_what_an_uncertain_job_left_is_forgotten_before_the_next(bench):
    bench.printer.label_time = 1000
    bench.printer.take(b"^XAold^XZ")
    bench.printer.label_time = 1
    done = bench.deliver(doubt=True)
    bench.after(5)
    assert "2 printed" in result(done).proof
    assert b"^XAold^XZ" not in bench.printer.printed


def test_a_stop_in_mid_print_is_uncertain(bench):
    done = bench.deliver()
    bench.after(0.2)
    done.cancel()
    failure(done, Uncertain)


def test_check_prints_a_label(bench):
    done = bench.run(bench.channel.commission(b"HEX wardline check"))
    bench.after(5)
    assert result(done).proof == "~HS: nothing left to print"
    assert len(bench.printer.printed) == 1
